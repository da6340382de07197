"""Statistics: arrays in, estimates with intervals out.

Start with `estimate.py`, then `crossing.py`.
"""
