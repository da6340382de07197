"""Records of measurements and specifications, and the parsing of options and files.

It uses no clock, process or statistics, so that a run can be read on any system. Start with `observation.py`.
"""
