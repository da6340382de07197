"""What others only read: cells, observations, specifications, and how options and files are parsed.

No clock, no process, no statistics: a run can be read on any system. Start with `observation.py`.
"""
