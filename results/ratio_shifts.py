"""How ratios of arms, and crossovers, moved from one run to another, and which of the two arms moved them.

In the ratio of a run cancels what its arms have in common; two runs are independent, so the shift of its logarithm has
the variances of both (Welch). All tests of a comparison are corrected together (Holm).

That forward takes longer *against reverse* can mean that forward became slower, or reverse faster: a ratio cannot say.
On the same machine seconds can: the arm whose own seconds moved by most of the shift is the one that changed, and where
neither did nobody knows. So a faster engine is no regression of those that it is compared with.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fwdrev.results.baseline_file import Baseline, StoredCrossover, StoredRatio
from fwdrev.results.estimate import Estimate, t_quantile
from fwdrev.results.holm import holm
from fwdrev.results.judgement import Told, Verdict
from fwdrev.results.shifts import FEWEST, Shifts
from fwdrev.results.summary import size_text

__all__ = ["Shift", "shift_lines", "shifts_between", "told_shifts"]

_Entry = StoredRatio | StoredCrossover

_MOST = 2 / 3
"""Of a shift: what an arm's own seconds must have moved to be the one that changed. The machine may then have become
faster or slower by a third of the shift, between the runs, without the wrong arm being named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A ratio in a cell, or a crossover, of both runs.

    `mean`: of the logarithm, positive where `arm` takes longer against `other` than before; `error`, `freedom`: of its
    mean, and its degrees of freedom; NaN where it cannot be tested. `own`: by what the logarithms of the seconds of
    both moved; NaN where not known. `settled`: it follows from other shifts, which say by themselves what is open.
    """

    subject: str
    grounds: str
    arm: str
    other: str
    mean: float
    error: float
    freedom: float
    own: tuple[float, float]
    settled: bool = False


def shifts_between(then: Baseline, now: Baseline) -> list[Shift]:
    """All ratios that both have, then all crossovers."""
    own = _own(then, now)
    ratios = {(entry.n, entry.m, entry.arm, entry.against): entry for entry in now.ratios}
    crossovers = {(entry.n, entry.arm, entry.against): entry for entry in now.crossovers}
    found = []
    for entry in then.ratios:
        same = ratios.get((entry.n, entry.m, entry.arm, entry.against))
        found += [] if same is None else [_ratio(entry, same, own)]
    for place in then.crossovers:
        other = crossovers.get((place.n, place.arm, place.against))
        found += [] if other is None else [_crossover(place, other, own)]
    return found


def told_shifts(found: Sequence[Shift], threshold: float, alpha: float, *, here: bool) -> Iterator[Told]:
    """The verdicts; `here`: both runs are of the same machine. Elsewhere no shift is a regression or an improvement."""
    if not found:
        return
    shifts, margins = _shifts(found), np.full(len(found), math.log1p(threshold))
    sides = np.concatenate([shifts.p_slower(margins), shifts.p_faster(margins)])
    slower, faster = np.split(holm(sides, np.ones(sides.size)) <= alpha, 2)
    for shift, up, down, same in zip(found, slower, faster, shifts.within(margins), strict=True):
        if up or down:
            yield _moved(shift, math.log1p(threshold), up=bool(up), here=here)
        else:
            verdict = Verdict.UNCHANGED if same else Verdict.INCONCLUSIVE
            unknown = not same and not shift.settled
            yield Told(subject=shift.subject, verdict=verdict, grounds=shift.grounds, open=unknown)


def shift_lines(found: Sequence[Shift], threshold: float, alpha: float) -> Iterator[str]:
    """The smallest shift of a ratio that nine of ten such runs would show."""
    ratios = [shift for shift in found if not shift.settled]
    if ratios:
        margins, levels = np.full(len(ratios), math.log1p(threshold)), np.full(len(ratios), alpha / (2 * len(found)))
        least = _shifts(ratios).detectable(margins, levels)
        yield f"could be seen in a ratio: from {np.median(least):.1%} (median), {least.max():.1%} (worst)"


def _shifts(found: Sequence[Shift]) -> Shifts:
    """As tests take them: `kept` is one more than the degrees of freedom."""
    mean, error, freedom = (np.array([getattr(s, name) for s in found]) for name in ("mean", "error", "freedom"))
    return Shifts(mean=mean, error=error, rounds=freedom + 1, kept=freedom + 1)


def _moved(shift: Shift, margin: float, *, up: bool, here: bool) -> Told:
    """One beyond the threshold; whose doing it is decides what it means.

    Where a ratio hardly depends on m, little moves a crossover far: that counts when the arms moved beyond it too.
    """
    one, other = (shift.arm, shift.other) if up else (shift.other, shift.arm)
    slowed, sped = shift.own if up else shift.own[::-1]
    apart = slowed - sped
    known = apart > (margin if shift.settled else 0)
    verdict = Verdict.INCONCLUSIVE
    if not here:
        words = f"{one} takes longer against {other}, on another machine"
    elif known and slowed >= _MOST * apart:
        verdict, words = Verdict.REGRESSED, f"{one} became slower against {other}"
    elif known and -sped >= _MOST * apart:
        verdict, words = Verdict.IMPROVED, f"{other} became faster against {one}"
    elif shift.settled and abs(apart) <= margin:
        grounds = f"both stayed within the threshold: {shift.grounds}"
        return Told(subject=shift.subject, verdict=verdict, grounds=grounds)
    else:
        words = f"{one} became slower or {other} faster, their seconds do not say which"
    return Told(
        subject=shift.subject,
        verdict=verdict,
        grounds=f"{words}: {shift.grounds}",
        fails=verdict is Verdict.REGRESSED,
        open=verdict is Verdict.INCONCLUSIVE,
    )


def _ratio(then: StoredRatio, now: StoredRatio, own: Mapping[tuple[int, int, str], float]) -> Shift:
    mean = math.log(now.ratio) - math.log(then.ratio)
    error, freedom = _welch(then, now, then.error, now.error)
    half = float(t_quantile(freedom + 1)) * error
    change = Estimate(point=math.exp(mean), low=math.exp(mean - half), high=math.exp(mean + half))
    return Shift(
        subject=f"{then.arm} ÷ {then.against} at n = {then.n}, m = {then.m}",
        grounds=f"{_text(then.estimate)} → {_text(now.estimate)}, now ÷ then {_text(change)}",
        arm=then.arm,
        other=then.against,
        mean=mean,
        error=error,
        freedom=freedom,
        own=_both([own.get((then.n, then.m, name), math.nan) for name in (then.arm, then.against)]),
    )


def _crossover(then: StoredCrossover, now: StoredCrossover, own: Mapping[tuple[int, int, str], float]) -> Shift:
    """Further out, the arm that is cheaper below it wins more: the other one takes longer.

    Not tested where one run has none, or has the sides the other way round: then the ratios say what happened.
    """
    out, (error, freedom) = math.nan, _welch(then, now, _error(then), _error(now))
    if then.cheaper == now.cheaper:
        if then.m is not None and now.m is not None:
            out = math.log(now.m / then.m)
        elif then.m is now.m:  # nowhere in range, both times
            out = error = 0.0
    means = [_mean(own, then.n, name) for name in (then.arm, then.against)]
    return Shift(
        subject=f"crossover of {then.arm} and {then.against} at n = {then.n}",
        grounds=f"m* {size_text(then.crossing)} → {size_text(now.crossing)}",
        arm=then.arm,
        other=then.against,
        mean=-out if then.cheaper == then.arm else out,
        error=error,
        freedom=freedom,
        own=_both(means),
        settled=True,
    )


def _own(then: Baseline, now: Baseline) -> dict[tuple[int, int, str], float]:
    """Of each arm in each cell, by what the logarithm of its seconds moved."""
    before = {(entry.n, entry.m, entry.arm): entry.seconds for entry in then.arms}
    return {
        key: math.log(entry.seconds / seconds)
        for entry in now.arms
        if entry.seconds and (seconds := before.get(key := (entry.n, entry.m, entry.arm)))
    }


def _mean(own: Mapping[tuple[int, int, str], float], n: int, arm: str) -> float:
    """Over all m at that n."""
    moved = [shift for (at, _, name), shift in own.items() if (at, name) == (n, arm)]
    return float(np.mean(moved)) if moved else math.nan


def _both(moved: Sequence[float]) -> tuple[float, float]:
    return moved[0], moved[1]


def _error(entry: StoredCrossover) -> float:
    """The standard error of log m*, of the wider side of its interval; NaN where an end of that is not known."""
    if entry.m is None or entry.low is None or entry.high is None or entry.open or entry.rounds < FEWEST:
        return math.nan
    return max(math.log(entry.high / entry.m), math.log(entry.m / entry.low)) / float(t_quantile(entry.rounds))


def _welch(then: _Entry, now: _Entry, before: float, after: float) -> tuple[float, float]:
    """Standard error and degrees of freedom of a difference, from the standard errors of both.

    What is equal in every digit is one and the same measurement, not two: it differs from itself by nothing.
    """
    variances = np.zeros(2) if then == now else np.array([before**2, after**2])
    freedoms = np.array([then.rounds - 1, now.rounds - 1])
    total = float(variances.sum())
    if total == 0:
        return 0.0, float(freedoms.sum())
    return math.sqrt(total), float(total**2 / (variances**2 / freedoms).sum())


def _text(e: Estimate) -> str:
    return f"{e.point:.4g}" if e.low is None or e.high is None else f"{e.point:.4g} ({e.low:.4g} … {e.high:.4g})"
