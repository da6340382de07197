"""Everything that times: paired blocks, callables of this process, the machine's noise, prices of array operations.

Start with `blocks.py`: every measurement of fwdrev consists of such blocks.
"""
