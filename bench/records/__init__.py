"""Records of measurements and specifications, and the parsing of options and files.

No clock, no process, no statistics: a run can be read on any system. Start with `observation.py`.
"""
