"""Estimates: a value with an interval, made from rounds.

Values of one process are not independent, so the round is the unit: each round gives one number, and the interval is
Student's t over the rounds. Times and ratios are averaged as logarithms.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.results.display import Displayed, Plain

LEVEL = 0.95
"""The share of intervals that should contain the truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate(Displayed, Plain):
    """A point and its interval at `level`; `low` and `high` are None without one (a single round)."""

    point: float
    low: float | None
    high: float | None
    level: float = LEVEL

    def times(self, factor: float) -> "Estimate":
        """The estimate of so many times the value."""
        low, high = (None if end is None else factor * end for end in (self.low, self.high))
        return replace(self, point=factor * self.point, low=low, high=high)

    @property
    def inverse(self) -> "Estimate":
        """The estimate of 1 ÷ the value."""
        low, high = (None if end is None else 1 / end for end in (self.high, self.low))
        return replace(self, point=1 / self.point, low=low, high=high)


def t_quantile(rounds: AnyArray, level: float = LEVEL) -> AnyArray:
    """Student's t for an interval from `rounds` rounds; infinite for fewer than two."""
    distinct, which = np.unique(np.asarray(rounds, dtype=float), return_inverse=True)  # thousands of cells share one
    freedom = distinct - 1
    return np.where(freedom > 0, special.stdtrit(np.maximum(freedom, 1e-3), (1 + level) / 2), math.inf)[which]


def log_mean(logs: Vector) -> Estimate:
    """The geometric mean, given its logarithms `logs`, one number per round."""
    point, *ends = (float(each) for each in log_means(logs))
    low, high = (None if math.isnan(end) else end for end in ends)
    return Estimate(point=point, low=low, high=high)


def log_means(logs: AnyArray) -> tuple[AnyArray, AnyArray, AnyArray]:
    """The same for many at once: point, low and high over the first axis of `logs`, the rounds.

    NaN stands for a round that did not measure; low and high are NaN where fewer than two did.
    """
    rounds = (~np.isnan(logs)).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.nansum(logs, axis=0) / rounds
        variance = np.nansum((logs - mean) ** 2, axis=0) / (rounds - 1)
        half = np.where(rounds > 1, t_quantile(rounds) * np.sqrt(variance / rounds), np.nan)
        return np.exp(mean), np.exp(mean - half), np.exp(mean + half)
