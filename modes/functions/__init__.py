"""A user's own function: its probe at a point, the ways to compute its Jacobian, and their counts.

Start with `probe.py`, then `candidates.py`; `staged.py` is mixed mode for functions in stages.
"""
