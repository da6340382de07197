"""A user's own function: its Jacobian by a named mode, the candidates, and what counts say of them.

Start with `jacobians.py`, then `candidates.py`.
"""
