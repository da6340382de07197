"""Sweeps: which cells are measured in which order, and the executors that measure them.

Start with `runner.py`.
"""
