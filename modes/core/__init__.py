"""What every other room speaks of: arrays, costs, linear maps, layers, chains, problems and engines.

Start with `chain.py`, then `engine.py`.
"""
