"""Plans that need estimates: the next steps of a sweep, and a forecast of its rest.

Start with `adaptive.py`.
"""
