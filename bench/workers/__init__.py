"""Processes that measure: how they are started, heard and ended, and what they do in a cell.

`process.py` is every child process; `sweep_worker.py` runs in the one of a sweep. Start with `cell_visit.py`.
"""
