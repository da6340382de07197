"""Child processes: starting, reading and ending them, their leftovers, and faults of the surroundings.

Start with `process.py`.
"""
