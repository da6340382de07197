"""A user's own function: what it is at a point, the ways to its Jacobian, and what counts say of them.

Start with `probe.py`, then `candidates.py`; `staged.py` is mixed mode for functions in stages.
"""
