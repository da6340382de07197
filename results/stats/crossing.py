"""The crossover: the size at which two engines take the same time, with an interval.

Along a line of the plane (m at fixed n, or n at fixed m) the mean log ratio of the two engines is known at the
measured sizes; between them it is a monotone cubic in the logarithm of the size. The crossover is its zero. The
interval comes from inverting a test: it holds every size at which Student's t over the rounds cannot tell the ratio
from 1. At the true crossover the ratio is 1 whatever the curve's shape, so the interval covers it as often as the t
test accepts, without resampling, and even for five rounds. (Fieller's method, for a curve.)

Between two sizes, the standard error is that of the mean over rounds of each round's interpolated value. Where
some rounds measured only one of the sizes, as when a sweep refines the plane, each mean has its own rounds, and
the covariance comes from the rounds that they share.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
from scipy.optimize import brentq

from fwdrev.modes.core.arrays import AnyArray, Matrix, Vector
from fwdrev.modes.core.data import Json
from fwdrev.results.display import Displayed
from fwdrev.results.stats.estimate import LEVEL, Estimate, t_quantile
from fwdrev.results.stats.pchip import MonotoneCubic

_FINE = 32
"""The number of test points between two measured sizes: steps of 2 % on a grid of powers of two."""


class Status(StrEnum):
    """Whether a crossover exists in the measured range."""

    FOUND = "found"
    NONE = "none in range"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing(Displayed):
    """The crossover along one line of the plane.

    `size`: where the two engines break even, None if nowhere in range; `open_ends`: "low" or "high" if the interval
    leaves the measured range and is cut at its edge; `cheaper`: the engine that is cheaper
    below the crossover, or on the whole line.
    """

    status: Status
    size: Estimate | None = None
    open_ends: tuple[str, ...] = ()
    cheaper: str

    def to_json(self) -> Json:
        """The size and its interval; null without a crossover."""
        if self.size is None:
            return None
        return self.size.to_json() | ({"open": list(self.open_ends)} if self.open_ends else {})


def crossing(sizes: Vector, logs: Matrix, pair: tuple[str, str], level: float = LEVEL) -> Crossing:
    """The crossover along a line.

    `sizes` (k,) ascending, `logs` (rounds, k): the log ratio of the pair in each round, NaN where a round did not
    measure. If the mean changes sign more than once, the change with the largest contrast counts.
    """
    curve = _Curve(sizes, logs)
    split = curve.split()
    if split is None:
        return Crossing(status=Status.NONE, cheaper=pair[0] if curve.mean.sum() < 0 else pair[1])
    below, above = curve.mean[: split + 1], curve.mean[split + 1 :]
    root = curve.root(split)
    low, high, open_ends = _interval(curve, split, root, level)
    return Crossing(
        status=Status.FOUND,
        size=Estimate(point=math.exp(root), low=low, high=high, level=level),
        open_ends=open_ends,
        cheaper=pair[0] if below.sum() < above.sum() else pair[1],
    )


def crossing_point(sizes: Vector, logs: Matrix) -> float | None:
    """The size of the crossover, without an interval; None if there is none in range."""
    curve = _Curve(sizes, logs)
    split = curve.split()
    return None if split is None else math.exp(curve.root(split))


class _Curve:
    """The mean log ratio along a line, with its standard error.

    A place on the line is the index of the measured size below it and the logarithm of its size.
    """

    def __init__(self, sizes: Vector, logs: Matrix) -> None:
        """`sizes` (k,), `logs` (rounds, k); drops sizes that no round measured."""
        there = ~np.isnan(logs)
        reached = there.any(axis=0)
        self._there = there[:, reached]
        self._logs = np.where(self._there, logs[:, reached], 0.0)
        self.position = np.log(sizes[reached])
        self.rounds = self._there.sum(axis=0)
        self.mean = self._logs.sum(axis=0) / self.rounds

    def split(self) -> int | None:
        """The index before the sign change with the largest contrast between the sides below and above."""
        mean = self.mean
        changes = np.flatnonzero(np.sign(mean[:-1]) * np.sign(mean[1:]) <= 0)
        if changes.size == 0:
            return None
        return int(max(changes, key=lambda i: abs(mean[: i + 1].sum() - mean[i + 1 :].sum())))

    def root(self, split: int) -> float:
        """The logarithm of the size at which the mean is zero, between that index and the next."""
        low, high = self.position[split : split + 2].tolist()
        below, above = np.abs(self.mean[split : split + 2])
        if 0 in (below, above) or self.value(split, low) * self.value(split, high) >= 0:  # zero but for rounding
            return float(low if below <= above else high)
        return float(brentq(lambda at: float(self.value(split, at)), low, high))

    def below(self, at: float) -> int:
        """The index of the measured size below, never the last one."""
        above = int(np.searchsorted(self.position, at, side="right"))
        return int(np.clip(above - 1, 0, self.position.size - 2))

    @cached_property
    def value(self) -> MonotoneCubic:
        """The mean at a place; monotone cubics do not swing between the measured sizes."""
        return MonotoneCubic(self.position, self.mean)

    def excess(self, i: AnyArray, at: AnyArray, level: float) -> AnyArray:
        """|t| beyond its quantile, times the standard error: negative where a ratio of 1 cannot be rejected."""
        own, shared = self._variances
        w = (at - self.position[i]) / (self.position[i + 1] - self.position[i])
        one, other = (1 - w) ** 2, w**2
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = np.where(one > 0, one * own[i], 0.0) + np.where(other > 0, other * own[i + 1], 0.0)
            variance = variance + 2 * w * (1 - w) * shared[i]
            freedom = 1 / ((1 - w) / (self.rounds[i] - 1) + w / (self.rounds[i + 1] - 1))
            # exact if whole: then one quantile serves all
            freedom = np.where(self.rounds[i] == self.rounds[i + 1], self.rounds[i] - 1, freedom)
            margin = t_quantile(freedom + 1, level) * np.sqrt(np.maximum(variance, 0.0))
        return np.abs(self.value(i, at)) - np.where(np.isnan(margin), np.inf, margin)

    @cached_property
    def _variances(self) -> tuple[Vector, Vector]:
        """The variance of each mean (k,), and the covariance of each with the next (k - 1,)."""
        there, rounds = self._there, self.rounds
        apart = np.where(there, self._logs - self.mean, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            own = np.where(rounds > 1, (apart**2).sum(axis=0) / (rounds - 1), np.inf) / rounds
            shared = (there[:, 1:] & there[:, :-1]).sum(axis=0)
            common = (apart[:, 1:] * apart[:, :-1]).sum(axis=0) / (shared - 1) * shared
        return own, np.where(shared > 1, common, 0.0) / (rounds[1:] * rounds[:-1])


def _interval(
    curve: _Curve, split: int, root: float, level: float
) -> tuple[float | None, float | None, tuple[str, ...]]:
    """The sizes around the root at which the t test does not reject a ratio of 1."""
    if curve.rounds[split : split + 2].min() <= 1:  # no spread
        return None, None, ()
    position = curve.position
    steps = np.arange((position.size - 1) * _FINE + 1)
    fine = np.interp(steps / _FINE, range(position.size), position)
    inside = curve.excess(np.minimum(steps // _FINE, position.size - 2), fine, level) <= 0
    low = _edge(curve, root, fine[fine <= root][::-1], inside[fine <= root][::-1], level)
    high = _edge(curve, root, fine[fine >= root], inside[fine >= root], level)
    open_ends = tuple(name for name, end in (("low", low), ("high", high)) if end is None)
    return math.exp(position[0] if low is None else low), math.exp(position[-1] if high is None else high), open_ends


def _edge(curve: _Curve, root: float, outwards: Vector, inside: AnyArray, level: float) -> float | None:
    """The end of the interval in one direction; None if it lies beyond the measured range."""
    outside = np.flatnonzero(~inside)
    if outside.size == 0:
        return None
    last_in = root if outside[0] == 0 else float(outwards[outside[0] - 1])
    first_out = float(outwards[outside[0]])
    low, high = min(last_in, first_out), max(last_in, first_out)
    piece = curve.below(low)

    def excess(at: float) -> float:
        return float(curve.excess(piece, at, level))

    if excess(last_in) >= 0:
        return last_in
    if excess(first_out) <= 0:  # nothing is known on this side: end where data begin
        return first_out
    return float(brentq(excess, low, high))
