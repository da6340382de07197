"""The crossover: where two engines take the same time, with an interval.

Along a line of the plane (m at fixed n, or n at fixed m) every round gives a curve: the log ratio of the two engines,
interpolated in the logarithm of the size. The crossover is the zero of the mean curve. Its interval is found by test
inversion: it holds every size at which Student's t over the rounds cannot tell the ratio from 1. At the true crossover
the mean ratio is 1 whatever the curve's shape, so the interval covers it as often as the t test accepts: no linear
approximation, no resampling, and it is right for five rounds too. (Fieller's method, for a curve.)
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from fwdrev.modes.arrays import Matrix, Vector
from fwdrev.results.estimate import LEVEL, Estimate, t_quantile

__all__ = ["Crossing", "Status", "crossing"]

_FINE = 32
"""Points between two measured sizes at which the test is inverted: steps of 2 % on a grid of powers of two."""


class Status(StrEnum):
    """Whether a crossover exists in the measured range."""

    FOUND = "found"
    NONE = "none in range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """The crossover along one line of the plane.

    `size`: where the two engines break even, None if nowhere in range; `open_ends`: "low" or "high" where the interval
    runs out of the measured range and ends at its edge for want of knowledge; `cheaper`: the engine that is cheaper
    below the crossover, or on the whole line.
    """

    status: Status
    size: Estimate | None = None
    open_ends: tuple[str, ...] = ()
    cheaper: str

    def to_json(self) -> Any:  # noqa: ANN401 - a JSON object or null
        """Plain data of the size."""
        if self.size is None:
            return None
        return self.size.to_json() | ({"open": list(self.open_ends)} if self.open_ends else {})


def crossing(sizes: Vector, logs: Matrix, pair: tuple[str, str], level: float = LEVEL) -> Crossing:
    """The crossover along a line.

    `sizes` (k,) ascending, `logs` (rounds, k) the log ratio of the pair in each round; NaN where a round did not get
    there. Where the mean changes sign more than once, the change that parts the two sides best is taken.
    """
    sizes, logs = _complete(sizes, logs)
    mean = logs.mean(axis=0)
    cheaper = pair[0] if mean[0] < 0 else pair[1]
    split = _best_split(mean)
    if split is None:
        return Crossing(status=Status.NONE, cheaper=pair[0] if mean.sum() < 0 else pair[1])
    cheaper = pair[0] if mean[: split + 1].sum() < mean[split + 1 :].sum() else pair[1]
    position = np.log(sizes)
    curves = PchipInterpolator(position, logs.T)  # monotone cubics: no swings between the measured sizes
    root = float(brentq(lambda at: curves(at).mean(), position[split], position[split + 1]))
    low, high, open_ends = _interval(position, curves, root, level)
    return Crossing(
        status=Status.FOUND,
        size=Estimate(point=math.exp(root), low=low, high=high, level=level),
        open_ends=open_ends,
        cheaper=cheaper,
    )


def _complete(sizes: Vector, logs: Matrix) -> tuple[Vector, Matrix]:
    """Sizes that a round reached and rounds that reached all of them; at worst the single round that got furthest."""
    there = ~np.isnan(logs)
    reached = there.any(axis=0)
    whole = there[:, reached].all(axis=1)
    if whole.any():
        return sizes[reached], logs[whole][:, reached]
    best = there[there.sum(axis=1).argmax()]
    return sizes[best], logs[there[:, best].all(axis=1)][:, best]


def _best_split(mean: Vector) -> int | None:
    """The index before the sign change with the largest contrast between what lies below and above it."""
    changes = np.flatnonzero(np.sign(mean[:-1]) * np.sign(mean[1:]) <= 0)
    if changes.size == 0:
        return None
    return int(max(changes, key=lambda i: abs(mean[: i + 1].sum() - mean[i + 1 :].sum())))


def _interval(
    position: Vector, curves: PchipInterpolator, root: float, level: float
) -> tuple[float | None, float | None, tuple[str, ...]]:
    """The sizes around the root at which the t test does not reject a ratio of 1."""
    rounds = curves.c.shape[-1]
    if rounds < 2:  # noqa: PLR2004 - one round has no spread
        return None, None, ()
    fine = np.interp(np.linspace(0, position.size - 1, (position.size - 1) * _FINE + 1), range(position.size), position)

    def excess(at: Any) -> Any:  # noqa: ANN401 - a number or an array
        """|t| beyond its quantile: negative inside the interval."""
        values = curves(at)
        error = values.std(axis=-1, ddof=1) / math.sqrt(rounds)
        return np.abs(values.mean(axis=-1)) - t_quantile(rounds, level) * error

    inside = excess(fine) <= 0
    below, above = fine[fine <= root], fine[fine >= root]
    low = _edge(excess, root, below[::-1], inside[fine <= root][::-1])
    high = _edge(excess, root, above, inside[fine >= root])
    open_ends = ("low",) * (low is None) + ("high",) * (high is None)
    return math.exp(position[0] if low is None else low), math.exp(position[-1] if high is None else high), open_ends


def _edge(
    excess: Any,  # noqa: ANN401 - of _interval
    root: float,
    outwards: Vector,
    inside: Vector,
) -> float | None:
    """Where the interval ends in one direction, or None if it does not in the measured range."""
    outside = np.flatnonzero(~inside)
    if outside.size == 0:
        return None
    last_in = root if outside[0] == 0 else outwards[outside[0] - 1]
    if excess(last_in) >= 0:
        return float(last_in)
    return float(brentq(excess, *sorted((last_in, outwards[outside[0]]))))
