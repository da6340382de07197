"""The front door's functions that both measure and estimate: `jacobian`, `advise`, and a whole sweep.

Start with `jacobian.py`.
"""
