"""Baselines: what of a run is kept in a repository, and how a later run compares with it.

Start with `build.py`, then `compare.py`.
"""
