"""Runs on disk: their journal, the tables that are read from it, and exports.

Start with `run.py`, then `cells.py`.
"""
