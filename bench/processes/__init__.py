"""Child processes: how each is started, heard and ended, what it leaves behind, and faults that are none of ours.

Start with `process.py`.
"""
