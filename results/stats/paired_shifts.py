"""Shifts: the difference of each subject's time between two sides, with its uncertainty.

The round is the unit, as in `results.stats.estimate`: each gives one log ratio per subject, and the test is Student's
t over the rounds. Both sides of a round are paired already, so there is one variance and no need for Welch's. Heavy
tails make t reject less often, not more; simulated by `benchmarks/gate_simulation.py`.

From ten rounds on, the mean is trimmed by one round in ten at either end, with the matching winsorised variance
(J. W. Tukey and D. H. McLaughlin, Sankhyā A 25 (1963) 331-352; as K. K. Yuen, Biometrika 61 (1974) 165-170): a
process that takes the processor for a quarter of a second hits all blocks of one round, and one such round would leave
its cell undecided.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Shaped
from scipy import special

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.results.stats.estimate import LEVEL, Estimate, t_quantile

FEWEST = 3
"""The fewest rounds for a decision: with two, t has one degree of freedom and no variance."""

_FEWEST_CORRELATED = 6
"""The fewest rounds for a correction of correlation."""

_MOST_CORRELATED = 0.9
"""The largest correlation that counts; beyond it, a few rounds hold no information."""

_TRIMMED = 0.1
"""The share of the rounds cut at either end: one of ten, two of twenty, none of fewer than ten."""

POWER = 0.9
"""The share of runs that find a shift called detectable."""


Subjectwise = Shaped[np.ndarray, "*runs subjects"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shifts:
    """For each subject: `mean` log ratio, `error`, its standard error, and the `rounds` that measured it.

    Mean and error are NaN for fewer rounds than `FEWEST`. `kept`: the rounds in the mean.
    """

    mean: Subjectwise
    error: Subjectwise
    rounds: Subjectwise
    kept: Subjectwise

    def p_slower(self, margins: Vector) -> Subjectwise:
        """p-values of the one-sided test that a shift is above its margin; NaN without enough rounds."""
        return self._p(self.mean - margins)

    def p_faster(self, margins: Vector) -> Subjectwise:
        """p-values of the one-sided test that a shift is below minus its margin."""
        return self._p(-self.mean - margins)

    def _p(self, beyond: Subjectwise) -> Subjectwise:
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(beyond == 0, 0.0, beyond / self.error)  # identical rounds have no error
        freedom = np.maximum(self.kept - 1, 1).astype(float)
        return np.asarray(np.where(np.isnan(self.mean), np.nan, special.stdtr(freedom, -t)))

    def within(self, margins: Vector, level: float = LEVEL) -> Subjectwise:
        """Whether the whole interval at that level lies between minus the margin and the margin."""
        return np.asarray(np.abs(self.mean) + self._half(level) < margins)

    def holds(self, truth: Vector, level: float = LEVEL) -> Subjectwise:
        """Whether the interval at that level contains `truth`, log ratios (subjects,)."""
        return np.asarray(np.abs(self.mean - truth) <= self._half(level))

    def estimates(self, level: float = LEVEL) -> Iterator[Estimate | None]:
        """The ratio head / base of each subject with its interval; None without enough rounds."""
        half = self._half(level)
        edges = np.exp(np.stack([self.mean, self.mean - half, self.mean + half])).T.tolist()
        for point, low, high in edges:
            yield None if math.isnan(point) else Estimate(point=point, low=low, high=high, level=level)

    def only(self, at: int) -> "Shifts":
        """The shift of one subject."""
        return Shifts(**{field.name: getattr(self, field.name)[..., [at]] for field in fields(self)})

    def in_rounds(self, rounds: int) -> "Shifts":
        """The same means with the errors that `rounds` rounds of the same spread would give."""
        kept = rounds - 2 * int(_TRIMMED * rounds)
        error = self.error * np.sqrt(self.kept / kept)
        return Shifts(
            mean=self.mean, error=error, rounds=np.full_like(self.rounds, rounds), kept=np.full_like(self.kept, kept)
        )

    def detectable(self, margins: Vector, levels: Vector, power: float = POWER) -> Subjectwise:
        """The smallest relative change that the test at these levels finds with that power; NaN without enough rounds.

        Exact for normal noise: it solves the noncentral t for the shift in standard errors.
        """
        freedom = np.maximum(self.kept - 1, 1).astype(float)
        needed = special.nctdtrinc(freedom, 1 - power, special.stdtrit(freedom, 1 - levels))
        with np.errstate(over="ignore"):  # a correlation this high finds nothing
            return np.asarray(np.expm1(margins + needed * self.error))

    def _half(self, level: float) -> Subjectwise:
        return np.asarray(t_quantile(np.maximum(self.kept, 2), level) * self.error)


def correlation_of(logs: Shaped[np.ndarray, "rounds *runs pairs"]) -> Shaped[np.ndarray, "*runs"]:
    """The mean lag-1 correlation of rounds over all pairs; 0 if insignificant.

    It uses pairs that every round measured. A short series underestimates it: in the mean ρ - (1 + 4 ρ) / rounds
    (F. H. C. Marriott and J. A. Pope, "Bias in the estimation of autocorrelations", Biometrika 41 (1954) 390-402),
    corrected here. A value within two standard errors of zero counts as zero.
    """
    rounds = logs.shape[0]
    if rounds < _FEWEST_CORRELATED:
        return np.zeros(logs.shape[1:-1])
    apart = logs - logs.mean(axis=0)
    squares = (apart**2).sum(axis=0)
    whole = np.isfinite(squares) & (squares > 0)
    pairs = whole.sum(axis=-1)
    seen = np.where(whole, (apart[1:] * apart[:-1]).sum(axis=0) / np.where(whole, squares, 1.0), 0.0)
    mean = seen.sum(axis=-1) / np.maximum(pairs, 1)
    found = (rounds * mean + 1) / (rounds - 4)
    error = np.sqrt(rounds / np.maximum(pairs, 1)) / (rounds - 4)
    return np.where((pairs > 0) & (found > 2 * error), np.minimum(found, _MOST_CORRELATED), 0.0)


def _inflation(correlation: Subjectwise, rounds: Subjectwise) -> Subjectwise:
    """The factor by which a mean's variance exceeds sample variance / rounds, if rounds are an AR(1) series."""
    lags = np.arange(1, max(2, int(rounds.max(initial=2))))
    share = np.clip(1 - lags / rounds[..., None], 0.0, None)
    total = 1 + 2 * (share * correlation[..., None] ** lags).sum(axis=-1)
    return np.asarray(total * (rounds - 1) / (rounds - total))


def shifts_of(logs: Shaped[np.ndarray, "rounds *runs subjects"], correlation: AnyArray = 0.0) -> Shifts:
    """The shifts of (rounds, subjects) log ratios, or of many runs at once, (rounds, runs, subjects).

    NaN where a round did not measure a subject; `correlation`, one number or (runs,), of consecutive rounds:
    correlated rounds hold less information, which widens the errors.
    """
    if not len(logs):
        logs = np.full((1, *logs.shape[1:]), np.nan)
    rounds = (~np.isnan(logs)).sum(axis=0)
    enough = rounds >= FEWEST
    count = np.where(enough, rounds, FEWEST)
    cut = (_TRIMMED * count).astype(int)
    kept = count - 2 * cut
    rank = np.arange(logs.shape[0]).reshape(-1, *[1] * (logs.ndim - 1))
    ordered = np.sort(logs, axis=0)  # NaN comes last
    inside = (rank >= cut) & (rank < count - cut)
    mean = np.where(enough, np.where(inside, ordered, 0.0).sum(axis=0) / kept, np.nan)
    ends = (np.take_along_axis(ordered, at[None], axis=0)[0] for at in (cut, np.minimum(count - cut, len(logs)) - 1))
    winsorised = np.where(rank < count, np.clip(ordered, *ends), np.nan)
    variance = np.nansum((winsorised - np.nansum(winsorised, axis=0) / count) ** 2, axis=0) / (kept - 1)
    wider = _inflation(np.broadcast_to(np.asarray(correlation)[..., None], rounds.shape), count)
    error = np.where(enough, np.sqrt(wider * variance / kept), np.nan)
    return Shifts(mean=mean, error=error, rounds=rounds, kept=kept)
