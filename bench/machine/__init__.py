"""This machine: its facts, its processors and memory, and the settings that change what is measured.

Start with `facts.py`; what the facts mean is said in `results.doctor`.
"""
