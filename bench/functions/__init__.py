"""A user's own function: finding it by name, and timing its arms in this or in separate processes.

Start with `target.py`, then `in_process.py`.
"""
