"""The problems that sweeps measure engines on, by family, and the shapes of each.

Start with `networks.py`.
"""
