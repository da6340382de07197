"""The shifts of ratios and crossovers from one run to another.

Within a run, common changes of its arms cancel in a ratio; two runs are independent, so the shift of a log ratio has
the variances of both (Welch). `fwdrev.results.gate.baseline.shift_verdicts` judges the shifts.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from fwdrev.bench.records.parsing import names_function
from fwdrev.bench.records.sides import CONTROL
from fwdrev.results.gate.baseline.record import Baseline, StoredArm, StoredCrossover, StoredRatio, arms_of_both
from fwdrev.results.gate.subjects import arm_subject
from fwdrev.results.stats.estimate import Estimate, t_quantile
from fwdrev.results.stats.paired_shifts import FEWEST
from fwdrev.results.text.quantities import bytes_text, seconds_text
from fwdrev.results.text.summary import size_text

_Entry = StoredRatio | StoredCrossover

_Arms = Mapping[tuple[int, int, str], tuple[StoredArm, StoredArm]]
"""The entries of both runs, by cell and name."""

_MOST = 700.0
"""The largest log of an interval's end: the exponential of more overflows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A ratio in a cell, or a crossover, of both runs.

    `n`, `m`: the cell; `m` is None for a crossover. `mean`: of the logarithm, positive if `arm` takes longer against
    `other` than before; `error`, `freedom`: its standard error and degrees of freedom; NaN if it cannot be tested.
    `then_half`: half of the 95 % interval that the former run alone leaves, however often the ratio is measured
    now; `then_rounds`: its rounds. `own`: the shifts of both arms' log seconds; NaN if unknown.
    `words`: both sides, as text. `of_function`: its time against the control, the same work then and now.
    """

    subject: str
    words: str
    n: int
    m: int | None
    arm: str
    other: str
    mean: float
    error: float
    freedom: float
    then_half: float
    then_rounds: int
    own: tuple[float, float]
    of_function: bool = False

    @property
    def settled(self) -> bool:
        """Whether it follows from other shifts, which report themselves what is open."""
        return self.m is None

    @property
    def change(self) -> Estimate:
        """Now ÷ then, with its interval."""
        half = float(t_quantile(self.freedom + 1)) * self.error
        low, high = math.exp(self.mean - half), math.exp(min(self.mean + half, _MOST))
        return Estimate(point=math.exp(self.mean), low=low, high=high)


def shifts_between(then: Baseline, now: Baseline) -> list[Shift]:
    """The shifts of all ratios that both have, then of all crossovers."""
    arms = arms_of_both(then, now)
    ratios = {entry.key: entry for entry in now.ratios}
    crossovers = {entry.key: entry for entry in now.crossovers}
    return [
        *(_ratio(entry, ratios[entry.key], arms) for entry in then.ratios if entry.key in ratios),
        *(_crossover(entry, crossovers[entry.key], arms) for entry in then.crossovers if entry.key in crossovers),
    ]


def _ratio(then: StoredRatio, now: StoredRatio, arms: _Arms) -> Shift:
    error, freedom = _welch(then, now, then.error, now.error)
    subject = f"{then.arm} ÷ {then.against} at n = {then.n}, m = {then.m}"
    words = f"ratio {_text(then.estimate)} → {_text(now.estimate)}"
    if of_function := then.against == CONTROL and names_function(then.arm):
        subject, words = arm_subject(then.arm, then.n, then.m), _costs(arms, then)
    return Shift(
        subject=subject,
        words=words,
        n=then.n,
        m=then.m,
        arm=then.arm,
        other=then.against,
        mean=math.log(now.ratio) - math.log(then.ratio),
        error=error,
        freedom=freedom,
        then_half=0.0 if then == now else float(t_quantile(then.rounds)) * then.error,
        then_rounds=then.rounds,
        own=(_moved(arms, then.n, then.m, then.arm), _moved(arms, then.n, then.m, then.against)),
        of_function=of_function,
    )


def _crossover(then: StoredCrossover, now: StoredCrossover, arms: _Arms) -> Shift:
    """The shift of a crossover: further out, the arm that is cheaper below wins more, and the other one takes longer.

    Not tested if one run has none, or has the sides swapped: then the ratios show what happened.
    """
    out, (error, freedom) = math.nan, _welch(then, now, _error(then), _error(now))
    if then.cheaper == now.cheaper:
        if then.m is not None and now.m is not None:
            out = math.log(now.m / then.m)
        elif then.m is now.m:  # both times nowhere in range
            out = error = 0.0
    return Shift(
        subject=f"crossover of {then.arm} and {then.against} at n = {then.n}",
        words=f"m* {size_text(then.crossing)} → {size_text(now.crossing)}",
        n=then.n,
        m=None,
        arm=then.arm,
        other=then.against,
        mean=-out if then.cheaper == then.arm else out,
        error=error,
        freedom=freedom,
        then_half=0.0,
        then_rounds=then.rounds,
        own=(_moved_at(arms, then.n, then.arm), _moved_at(arms, then.n, then.against)),
    )


def _moved(arms: _Arms, n: int, m: int, arm: str) -> float:
    """The shift of an arm's log seconds."""
    then, now = (None if each is None else each.seconds for each in arms.get((n, m, arm), (None, None)))
    return math.log(now / then) if now and then else math.nan


def _moved_at(arms: _Arms, n: int, arm: str) -> float:
    """The shift of an arm's log seconds, the mean over all m at that n."""
    every = [_moved(arms, *key) for key in arms if (key[0], key[2]) == (n, arm)]
    known = [moved for moved in every if not math.isnan(moved)]
    return float(np.mean(known)) if known else math.nan


def _costs(arms: _Arms, entry: StoredRatio) -> str:
    """The time of a call of a function, then and now, as text."""
    then, now = arms.get((entry.n, entry.m, entry.arm), (None, None))
    if then is None or now is None:
        return ""
    parts = []
    if then.seconds is not None and now.seconds is not None:
        parts.append(f"{seconds_text(then.seconds)} → {seconds_text(now.seconds)}")
    if then.memory is not None and now.memory is not None and (then.memory or now.memory):
        parts.append(f"memory {bytes_text(then.memory)} → {bytes_text(now.memory)}")
    return ", ".join(parts)


def _error(entry: StoredCrossover) -> float:
    """The standard error of log m*, from the wider side of its interval; NaN if an end is unknown."""
    if entry.m is None or entry.low is None or entry.high is None or entry.open or entry.rounds < FEWEST:
        return math.nan
    return max(math.log(entry.high / entry.m), math.log(entry.m / entry.low)) / float(t_quantile(entry.rounds))


def _welch(then: _Entry, now: _Entry, before: float, after: float) -> tuple[float, float]:
    """Standard error and degrees of freedom of a difference, from the standard errors of both.

    Values equal in every digit are the same measurement: it differs from itself by nothing.
    """
    variances = np.zeros(2) if then == now else np.array([before**2, after**2])
    freedoms = np.array([then.rounds - 1, now.rounds - 1])
    total = float(variances.sum())
    if total == 0:
        return 0.0, float(freedoms.sum())
    return math.sqrt(total), float(total**2 / (variances**2 / freedoms).sum())


def _text(e: Estimate) -> str:
    return f"{e.point:.4g}" if e.low is None or e.high is None else f"{e.point:.4g} ({e.low:.4g} … {e.high:.4g})"
