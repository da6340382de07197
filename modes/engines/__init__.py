"""The engines, one file each: forward, reverse, bracketed, and JAX's as the reference.

Start with `forward.py` and `reverse.py`: both open with the recursion of the textbook.
"""
