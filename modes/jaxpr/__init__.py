"""Estimates the cost of a JAX program from its jaxpr; lowers, compiles and runs nothing.

Start with `cost.py`.
"""
