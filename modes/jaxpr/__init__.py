"""What a program of JAX costs, read from its jaxpr: nothing is lowered, compiled or run.

Start with `cost.py`.
"""
