"""The problems that engines are measured on, by family, and the shapes that each of them has.

Start with `networks.py`.
"""
