"""Child processes: how each is started, read and ended, what it leaves behind, and faults that are no engine's.

Start with `process.py`.
"""
