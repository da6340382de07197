"""Bracketings: where to put the brackets in the product of a chain's Jacobians, so that it costs least.

Start with `tree.py`, then `search.py`.
"""

from fwdrev.modes.bracketing.factors import FactorPlan, cheapest

__all__ = ["FactorPlan", "cheapest"]
