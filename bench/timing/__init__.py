"""Clocks: paired blocks, callables of this process, the machine's noise and its prices of array operations.

Start with `blocks.py`: every measurement of fwdrev is made of such blocks.
"""
