"""Runs on disk: the journal, the tables made from it, and exports.

Start with `run.py`, then `cells.py`.
"""
