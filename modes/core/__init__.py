"""The types that all other rooms use: arrays, costs, linear maps, layers, chains, problems and engines.

Start with `chain.py`, then `engine.py`.
"""
