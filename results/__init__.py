"""Runs on disk, and what follows from them: tables, ratios with intervals, the crossover and its law, exports.

    run = load("runs/today")
    found = crossover(log_ratios(run, ("forward", "reverse")))
    found.in_m[64].size                                  # Estimate(point=…, low=…, high=…, level=0.95)
    times(run)                                           # a pandas table

Nothing here draws; nothing here measures.
"""

from fwdrev.results.crossover import Crossing, Status, crossing
from fwdrev.results.estimate import Estimate
from fwdrev.results.export import to_csv, to_pyperf
from fwdrev.results.journal import Journal, Run, create, load
from fwdrev.results.law import Crossover, Law, crossover
from fwdrev.results.tables import (
    LogRatios,
    arms,
    engines_measured,
    failures,
    log_count_ratios,
    log_ratios,
    times,
    values,
)

__all__ = [
    "Crossing",
    "Crossover",
    "Estimate",
    "Journal",
    "Law",
    "LogRatios",
    "Run",
    "Status",
    "arms",
    "create",
    "crossing",
    "crossover",
    "engines_measured",
    "failures",
    "load",
    "log_count_ratios",
    "log_ratios",
    "times",
    "to_csv",
    "to_pyperf",
    "values",
]
