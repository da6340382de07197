"""The A/A test: runs of the gate on code against itself, some with known delays.

Start with `summary.py`.
"""
