"""Compares predictions with measurements: the plane and the crossover that a cost model expects, and its errors."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.bracketing.machine_prices import Seconds
from fwdrev.modes.registry import problem_fault
from fwdrev.results.costs.fit import predicted_seconds
from fwdrev.results.display import Displayed
from fwdrev.results.runs.cells import log_ratios
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.crossing import crossing_point
from fwdrev.results.stats.log_ratios import LogRatios

TIE = math.log(1.1)
"""The tie: where two engines are closer than this, either counts as the winner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction(Displayed):
    """A predicted plane beside a measured one.

    `ratios`: the predicted log ratios, one "round"; `crossovers`: m* at each n, measured and predicted, None if
    there is none in range; `right`: the number of the `decided` cells (beyond a tie) with the winner predicted.
    """

    pair: tuple[str, str]
    ratios: LogRatios
    crossovers: Mapping[int, tuple[float | None, float | None]]
    right: int
    decided: int

    @property
    def errors(self) -> list[float]:
        """|predicted / measured - 1| at each n where both are in range."""
        pairs = self.crossovers.values()
        return [abs(found / known - 1) for known, found in pairs if known is not None and found is not None]

    @property
    def median_error(self) -> float | None:
        """The median relative error of the crossovers; None without any."""
        return median(self.errors) if self.errors else None

    @property
    def worst_error(self) -> float | None:
        """The largest relative error of the crossovers; None without any."""
        return max(self.errors, default=None)

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        points = [{"n": n, "measured": known, "predicted": found} for n, (known, found) in self.crossovers.items()]
        errors = {"median_error": self.median_error, "worst_error": self.worst_error}
        return {"points": points, **errors, "right": self.right, "decided": self.decided}


def predicted_ratios(run: Run, pair: tuple[str, str], prices: Seconds) -> LogRatios | None:
    """log(predicted seconds of one engine / of the other) in each cell of the run's grid.

    None for an uncalibrated engine, or a problem that is not available here, since a run may come from elsewhere.
    """
    if problem_fault(run.spec.problem) is not None:
        return None
    logs: dict[tuple[int, int], float] = {}
    for cell in run.spec.cells:
        one, other = _predicted(run, cell, pair, prices)
        if not one or not other:
            return None
        logs[cell.n, cell.m] = math.log(one / other)
    table = pd.DataFrame([logs.values()], columns=pd.MultiIndex.from_tuples(logs, names=["n", "m"]))
    return LogRatios(pair=pair, table=table.sort_index(axis=1), outputs=tuple(run.spec.sizes_m))


def _predicted(run: Run, cell: Cell, pair: tuple[str, str], prices: Seconds) -> list[float | None]:
    """Seconds of both engines; drops the problem, whose arrays may take half a gigabyte."""
    problem = run.spec.problem_at(cell)
    return [predicted_seconds(prices, name, problem, run) for name in pair]


def prediction(run: Run, pair: tuple[str, str], prices: Seconds) -> Prediction | None:
    """The comparison with the run's measurements; None for an uncalibrated engine."""
    predicted = predicted_ratios(run, pair, prices)
    if predicted is None:
        return None
    measured = log_ratios(run, pair)
    crossovers = {n: (crossing_point(*measured.along_m(n)), crossing_point(*predicted.along_m(n))) for n in measured.n}
    known = measured.grid.mean()
    expected = predicted.table.mean().reindex(known.index)
    decided = known.abs() > TIE
    right = (np.sign(known[decided]) == np.sign(expected[decided])).sum()
    return Prediction(pair=pair, ratios=predicted, crossovers=crossovers, right=int(right), decided=int(decided.sum()))
