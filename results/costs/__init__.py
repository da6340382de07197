"""Costs: the rates that turn counts into seconds, their predictions, and a Jacobian explained product by product.

Start with `fit.py`.
"""
