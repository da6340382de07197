"""Costs: the rates that turn counts into seconds, what they predict, and a Jacobian told product by product.

Start with `fit.py`.
"""
