"""The crossover: where two engines take the same time, with an interval.

Along a line of the plane (m at fixed n, or n at fixed m) every round gives a curve: the log ratio of the two engines,
interpolated in the logarithm of the size. The crossover is the zero of the mean curve. Its interval is found by test
inversion: it holds every size at which Student's t over the rounds cannot tell the ratio from 1. At the true crossover
the mean ratio is 1 whatever the curve's shape, so the interval covers it as often as the t test accepts: no linear
approximation, no resampling, and it is right for five rounds too. (Fieller's method, for a curve.)

A sweep that refines the plane measures some sizes in more rounds than others. Between two neighbours, the rounds count
that measured both; the curve through them is a monotone cubic if these rounds measured the next neighbours too, and a
straight line if not, which is enough between sizes as close as a refinement puts them.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
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

    `sizes` (k,) ascending, `logs` (rounds, k) the log ratio of the pair in each round; NaN where a round did not
    measure. Where the mean changes sign more than once, the change that parts the two sides best is taken.
    """
    reached = ~np.isnan(logs).all(axis=0)
    sizes, logs = sizes[reached], logs[:, reached]
    mean = np.nanmean(logs, axis=0)
    split = _best_split(mean)
    if split is None:
        return Crossing(status=Status.NONE, cheaper=pair[0] if mean.sum() < 0 else pair[1])
    cheaper = pair[0] if mean[: split + 1].sum() < mean[split + 1 :].sum() else pair[1]
    pieces = _pieces(np.log(sizes), logs)
    home, root = _root(pieces, split, mean)
    low, high, open_ends = _interval(pieces, home, root, level)
    return Crossing(
        status=Status.FOUND,
        size=Estimate(point=math.exp(root), low=low, high=high, level=level),
        open_ends=open_ends,
        cheaper=cheaper,
    )


def _best_split(mean: Vector) -> int | None:
    """The index before the sign change with the largest contrast between what lies below and above it."""
    changes = np.flatnonzero(np.sign(mean[:-1]) * np.sign(mean[1:]) <= 0)
    if changes.size == 0:
        return None
    return int(max(changes, key=lambda i: abs(mean[: i + 1].sum() - mean[i + 1 :].sum())))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Piece:
    """The rounds' curves between two neighbouring sizes, `low` and `high` their logarithms."""

    low: float
    high: float
    rounds: int
    curves: Callable[[Any], Any]

    def mean(self, at: float) -> float:
        """The mean log ratio there."""
        return float(self.curves(at).mean())

    def excess(self, at: float, level: float) -> float:
        """|t| beyond its quantile, times the standard error: negative where a ratio of 1 cannot be rejected."""
        if self.rounds < 2:  # noqa: PLR2004 - one round rejects nothing
            return -1.0
        values = self.curves(at)
        error = values.std(ddof=1) / math.sqrt(self.rounds)
        return float(abs(values.mean()) - t_quantile(self.rounds, level) * error)


def _pieces(position: Vector, logs: Matrix) -> list[_Piece]:
    """One between each pair of neighbours."""
    there = ~np.isnan(logs)
    made = []
    for i in range(position.size - 1):
        around = slice(max(0, i - 1), i + 3)
        both, all_around = there[:, i : i + 2].all(axis=1), there[:, around].all(axis=1)
        curves: Callable[[Any], Any]
        if not both.any():  # no round got to both: the means alone, without a spread
            curves = _line(position[i : i + 2], np.nanmean(logs[:, i : i + 2], axis=0, keepdims=True))
        elif (both == all_around).all():
            curves = PchipInterpolator(position[around], logs[both, around].T)
        else:
            curves = _line(position[i : i + 2], logs[both, i : i + 2])
        made.append(
            _Piece(low=float(position[i]), high=float(position[i + 1]), rounds=max(1, int(both.sum())), curves=curves)
        )
    return made


def _line(ends: Vector, values: Matrix) -> Callable[[Any], Any]:
    """Straight lines in each round, values (rounds, 2)."""
    return lambda at: values[:, 0] + (values[:, 1] - values[:, 0]) * (at - ends[0]) / (ends[1] - ends[0])


def _root(pieces: list[_Piece], split: int, mean: Vector) -> tuple[int, float]:
    """The zero of the mean curve that is nearest to the split, and its piece."""
    for home in sorted(range(len(pieces)), key=lambda i: abs(i - split)):
        piece = pieces[home]
        if piece.mean(piece.low) * piece.mean(piece.high) <= 0:
            return home, float(brentq(piece.mean, piece.low, piece.high))
    piece = pieces[split]  # the neighbours' rounds differ, and the mean jumps over zero at a measured size
    return split, piece.low if abs(mean[split]) < abs(mean[split + 1]) else piece.high


def _interval(
    pieces: list[_Piece], home: int, root: float, level: float
) -> tuple[float | None, float | None, tuple[str, ...]]:
    """The sizes around the root at which the t test does not reject a ratio of 1."""
    if pieces[home].rounds < 2:  # noqa: PLR2004 - one round has no spread
        return None, None, ()
    low, high = _edge(pieces[home::-1], root, level, up=False), _edge(pieces[home:], root, level, up=True)
    open_ends = ("low",) * (low is None) + ("high",) * (high is None)
    ends = pieces[0].low if low is None else low, pieces[-1].high if high is None else high
    return math.exp(ends[0]), math.exp(ends[1]), open_ends


def _edge(outwards: list[_Piece], root: float, level: float, *, up: bool) -> float | None:
    """Where the interval ends in one direction, or None if it does not in the measured range."""
    for piece in outwards:
        for inner, outer in pairwise(_steps(piece, root, up=up)):
            if piece.excess(inner, level) > 0:  # rejected at once: the rounds are others than those of the piece before
                return inner
            if piece.excess(outer, level) > 0:
                return float(brentq(piece.excess, min(inner, outer), max(inner, outer), args=(level,)))
    return None


def _steps(piece: _Piece, root: float, *, up: bool) -> Iterator[float]:
    """Points from the root, or from the nearer end of the piece, to its other end."""
    start, end = (max(root, piece.low), piece.high) if up else (min(root, piece.high), piece.low)
    yield from np.linspace(start, end, _FINE + 1).tolist()
