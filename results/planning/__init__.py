"""Plans that need estimates: what a sweep measures next, and how long the rest will take.

Start with `adaptive.py`.
"""
