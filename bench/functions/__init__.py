"""A user's own function: what a target names, and its arms timed here or in processes of their own.

Start with `target.py`, then `in_process.py`.
"""
