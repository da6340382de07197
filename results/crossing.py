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
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq

from fwdrev.modes.arrays import Matrix, Vector
from fwdrev.results.estimate import LEVEL, Estimate, t_quantile

__all__ = ["Crossing", "Status", "crossing", "crossing_point"]

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
    curve = _Curve(sizes, logs)
    found = curve.root()
    if found is None:
        return Crossing(status=Status.NONE, cheaper=pair[0] if curve.mean.sum() < 0 else pair[1])
    home, root = found
    low, high, open_ends = _interval(curve, home, root, level)
    below, above = curve.mean[: home + 1], curve.mean[home + 1 :]
    return Crossing(
        status=Status.FOUND,
        size=Estimate(point=math.exp(root), low=low, high=high, level=level),
        open_ends=open_ends,
        cheaper=pair[0] if below.sum() < above.sum() else pair[1],
    )


def crossing_point(sizes: Vector, logs: Matrix) -> float | None:
    """Only where it is; None if nowhere in range."""
    found = _Curve(sizes, logs).root()
    return None if found is None else math.exp(found[1])


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

    def excess(self, at: Any, level: float) -> Any:  # noqa: ANN401 - a number or an array
        """|t| beyond its quantile, times the standard error: negative where a ratio of 1 cannot be rejected."""
        values = self.curves(at)
        if self.rounds < 2:  # noqa: PLR2004 - one round rejects nothing
            return np.full(np.shape(at), -1.0)
        error = values.std(axis=-1, ddof=1) / math.sqrt(self.rounds)
        return np.abs(values.mean(axis=-1)) - t_quantile(self.rounds, level) * error


class _Curve:
    """The rounds' curves along a line, piece by piece: each is made when it is asked for."""

    def __init__(self, sizes: Vector, logs: Matrix) -> None:
        """`sizes` (k,), `logs` (rounds, k); sizes that no round measured are left out."""
        there = ~np.isnan(logs)
        reached = there.any(axis=0)
        self.position = np.log(sizes[reached])
        self._logs, self._there = logs[:, reached], there[:, reached]
        self.mean = np.nanmean(self._logs, axis=0)
        self._made: dict[int, _Piece] = {}

    def piece(self, i: int) -> _Piece:
        """Between the sizes i and i + 1."""
        if i not in self._made:
            rounds, curves = self._between(i)
            low, high = self.position[i : i + 2].tolist()
            self._made[i] = _Piece(low=low, high=high, rounds=rounds, curves=curves)
        return self._made[i]

    def root(self) -> tuple[int, float] | None:
        """The zero of the mean curve that is nearest to the best split, and its piece."""
        split = _best_split(self.mean)
        if split is None:
            return None
        for home in sorted(range(self.position.size - 1), key=lambda i: abs(i - split)):
            piece = self.piece(home)
            if piece.mean(piece.low) * piece.mean(piece.high) <= 0:
                return home, float(brentq(piece.mean, piece.low, piece.high))
        piece = self.piece(split)  # the neighbours' rounds differ, and the mean jumps over zero at a measured size
        return split, piece.low if abs(self.mean[split]) < abs(self.mean[split + 1]) else piece.high

    def _between(self, i: int) -> tuple[int, Callable[[Any], Any]]:
        """The number of rounds that count, and their curves."""
        ends, around = slice(i, i + 2), slice(max(0, i - 1), i + 3)
        both, all_around = self._there[:, ends].all(axis=1), self._there[:, around].all(axis=1)
        rounds = int(both.sum())
        if rounds == 0:  # the means alone, without a spread
            return 1, _line(self.position[ends], np.nanmean(self._logs[:, ends], axis=0, keepdims=True))
        if (both == all_around).all():
            return rounds, PchipInterpolator(self.position[around], self._logs[both, around].T)
        return rounds, _line(self.position[ends], self._logs[both, ends])


def _line(ends: Vector, values: Matrix) -> Callable[[Any], Any]:
    """Straight lines in each round, values (rounds, 2)."""
    start, slope = values[:, 0], (values[:, 1] - values[:, 0]) / (ends[1] - ends[0])
    return lambda at: start + slope * (np.asarray(at)[..., None] - ends[0])


def _interval(
    curve: _Curve, home: int, root: float, level: float
) -> tuple[float | None, float | None, tuple[str, ...]]:
    """The sizes around the root at which the t test does not reject a ratio of 1."""
    if curve.piece(home).rounds < 2:  # noqa: PLR2004 - one round has no spread
        return None, None, ()
    downwards, upwards = range(home, -1, -1), range(home, curve.position.size - 1)
    low = _edge(map(curve.piece, downwards), root, level, up=False)
    high = _edge(map(curve.piece, upwards), root, level, up=True)
    open_ends = ("low",) * (low is None) + ("high",) * (high is None)
    ends = curve.position[0] if low is None else low, curve.position[-1] if high is None else high
    return math.exp(ends[0]), math.exp(ends[1]), open_ends


def _edge(outwards: Iterable[_Piece], root: float, level: float, *, up: bool) -> float | None:
    """Where the interval ends in one direction, or None if it does not in the measured range."""
    for piece in outwards:
        start, end = (max(root, piece.low), piece.high) if up else (min(root, piece.high), piece.low)
        steps = np.linspace(start, end, _FINE + 1)
        outside = np.flatnonzero(piece.excess(steps, level) > 0)
        if outside.size and outside[0] == 0:  # at once: its rounds are others than those of the piece before
            return float(start)
        if outside.size:
            inner, outer = sorted(steps[outside[0] - 1 : outside[0] + 1])
            return float(brentq(lambda at: float(piece.excess(at, level)), inner, outer))  # noqa: B023 - called here
    return None
