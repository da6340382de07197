"""Baselines: the part of a run to keep in a repository, and the comparison of later runs with it.

Start with `build.py`, then `compare.py`.
"""
