"""Layers: one step x^{k+1} = L^k(x^k, θ^k) with its two Jacobians, written out or by JAX.

Start with `dense.py`.
"""
