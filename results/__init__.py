"""Runs on disk and their evaluation: tables, ratios with intervals, the crossover and its law, exports.

    run = load("runs/today")
    found = crossover(log_ratios(run, ("forward", "reverse")))
    found.in_m[64].size                                  # Estimate(point=…, low=…, high=…, level=0.95)
    times(run)                                           # a pandas table

Nothing here draws, nothing here measures. Start with `runs/run.py`, then `stats/crossing.py`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
