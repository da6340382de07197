"""Sweeps: the order in which to measure cells, and the executors that measure them.

Start with `runner.py`.
"""
