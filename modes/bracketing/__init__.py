"""Bracketings: the cheapest way to put the brackets into the product of a chain's Jacobians.

Start with `tree.py`, then `search.py`.
"""

from fwdrev.modes.bracketing.factors import FactorPlan, cheapest

__all__ = ["FactorPlan", "cheapest"]
