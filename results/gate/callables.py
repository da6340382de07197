"""The gate for two callables: whether time of f ÷ time of g exceeds the allowed ratio, from rounds in this process.

It decides like the gate between revisions (`fwdrev.results.gate.findings`): a first look flags a possible slow-down, at
`SCREENING`; only fresh rounds can confirm it, at `alpha`; an open first look gets a second look, at
all rounds together. There are at most two looks, whatever the budget: if you check after every round and stop at the
first answer, you stop on lucky ones. This module has no clock: `measure` has it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fwdrev.bench.records.callables import CallableRound, Layout, Probed
from fwdrev.modes.core.arrays import Vector
from fwdrev.results.gate.findings import SCREENING
from fwdrev.results.gate.sides import log_ratio
from fwdrev.results.gate.verdicts.report import Verdict
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.stats.paired_shifts import FEWEST, Shifts, shifts_of
from fwdrev.results.text.quantities import seconds_text

Measure = Callable[[int], Iterable[CallableRound]]
"""A function that measures that many rounds."""

_LEAST_LEFT = 0.5
"""The share of the first look's time that a second look needs at least, since it has as many rounds or more: calls that
turn out slower than the first few exceed the budget by at most a third."""

_NARROW = 0.02
"""The relative width of an interval below which two digits do not separate its ends."""

_THREE_DIGITS = 999.5
"""From here on, rounded numbers have four digits or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallableGate:
    """The decision with its evidence.

    `verdict`: `REGRESSED`, f takes longer than allowed; `WITHIN`, it does not; `INCONCLUSIVE`. `ratio`: time of f ÷
    time of g in `rounds` rounds. Where the first look flagged it, these are the rounds of that look, and `again` is the
    ratio in `rounds_again` fresh ones, which decide. `f_seconds`, `g_seconds`: median seconds per call in the rounds
    that decide. `detectable`: the ratio that 9 of 10 such first looks flag.

    `seconds_needed`: if time was too short, about the time of two looks, with `setup_seconds` in each round.
    Too few rounds give a `ratio` without an interval and no `detectable`; no rounds, the ratio of a few calls.
    """

    verdict: Verdict
    max_ratio: float
    ratio: Estimate
    rounds: int
    f_seconds: float
    g_seconds: float
    detectable: float | None
    again: Estimate | None = None
    rounds_again: int = 0
    seconds_needed: float | None = None
    setup_seconds: float = 0.0

    def __str__(self) -> str:
        """Everything except the verdict, in one line."""
        decisive = self.again or self.ratio
        point, interval = _texts(decisive)
        calls = f"{seconds_text(self.f_seconds)} and {seconds_text(self.g_seconds)} a call"
        allowed = f"allowed {self.max_ratio:g}" + (" (f has to be faster)" if self.max_ratio < 1 else "")
        return "; ".join([f"f takes {point} times as long as g{interval}, {calls}", allowed, *self._grounds(decisive)])

    def _grounds(self, decisive: Estimate) -> Iterator[str]:
        """Whether fresh rounds confirmed a first look, or why it is undecided, in words."""
        fresh = f"{self.rounds_again} fresh rounds"
        if self.verdict is Verdict.REGRESSED:
            yield f"confirmed in {fresh}"
        elif self.again is not None:
            yield f"a first look found {_number(self.ratio.point)}, which {fresh} did not confirm"
        if self.verdict is not Verdict.INCONCLUSIVE:
            return
        above = decisive.low is not None and decisive.low > self.max_ratio
        if self.seconds_needed is not None:
            yield from self._shortage(self.seconds_needed, above=above)
        else:
            yield "it seems slower, but not beyond doubt" if above else f"{self.max_ratio:g} lies inside the interval"
            yield f"could have seen {_number(self.detectable or math.nan)}"

    def _shortage(self, needed: float, *, above: bool) -> Iterator[str]:
        seen = f"{self.rounds} rounds do" if self.rounds > 1 else "one round does" if self.rounds else "a few calls do"
        why = "no time for fresh rounds to confirm it" if above else f"{seen} not decide it"
        yield f"{why}, two looks need about {seconds_text(_generous(needed))}"
        if self.setup_seconds:
            yield f"setup takes {seconds_text(self.setup_seconds)} in each round"


def callable_gate(
    measure: Measure, probed: Probed, layout: Layout, *, max_ratio: float, budget: float, alpha: float = 0.01
) -> CallableGate:
    """Decides from a first look with the rounds of `layout` and, if that is not enough, a second.

    `budget`: seconds for all rounds of both looks. The second has at least as many rounds as the first. A flagged
    result gets as many as confirm half of the slow-down, since flagged slow-downs are overestimated; an open one
    gets as many as there is time for.
    """
    seen = list(_until(budget, measure(layout.rounds)))
    spent = sum(each.seconds for each in seen)
    found = _first(seen, probed, max_ratio)
    if found.verdict is Verdict.WITHIN:
        return found
    left = budget - spent
    if len(seen) < FEWEST or left < _LEAST_LEFT * spent:
        needed = 2 * spent * layout.rounds / max(len(seen), 1)
        return replace(found, seconds_needed=max(needed, layout.needed), setup_seconds=probed.setup)
    most = max(len(seen), int(left / max(spent, 1e-9) * len(seen)))
    first, at = _shifts(seen), np.log([max_ratio])
    flagged = bool(first.p_slower(at)[0] <= SCREENING)
    more = list(_until(max(left, spent), measure(_enough(first, at, alpha, most) if flagged else most)))
    return _fresh(found, more, alpha) if flagged else _together(found, [*seen, *more])


def _until(seconds: float, rounds: Iterable[CallableRound]) -> Iterator[CallableRound]:
    """The rounds that begin within these seconds."""
    for each in rounds:
        yield each
        seconds -= each.seconds
        if seconds <= 0:
            return


def _first(seen: Sequence[CallableRound], probed: Probed, max_ratio: float) -> CallableGate:
    """The decision of the first look alone; the calls before it decide nothing."""
    rounds = seen or [CallableRound(f=(probed.f,), g=(probed.g,), seconds=0.0)]
    ratio, (f, g) = _ratio(rounds), _seconds(rounds)
    seeable = _detectable(_shifts(rounds), np.log([max_ratio]), SCREENING)
    return CallableGate(
        verdict=_within(ratio, max_ratio),
        max_ratio=max_ratio,
        ratio=ratio,
        rounds=len(seen),
        f_seconds=f,
        g_seconds=g,
        detectable=None if math.isnan(seeable) else seeable,
    )


def _together(found: CallableGate, rounds: Sequence[CallableRound]) -> CallableGate:
    """The decision from the rounds of both looks: fast enough, or none."""
    ratio, (f, g) = _ratio(rounds), _seconds(rounds)
    verdict = _within(ratio, found.max_ratio)
    return replace(found, verdict=verdict, ratio=ratio, rounds=len(rounds), f_seconds=f, g_seconds=g)


def _fresh(found: CallableGate, rounds: Sequence[CallableRound], alpha: float) -> CallableGate:
    """The decision of fresh rounds alone on a flagged result."""
    again, (f, g) = _ratio(rounds), _seconds(rounds)
    slower = _shifts(rounds).p_slower(np.log([found.max_ratio]))[0] <= alpha
    verdict = Verdict.REGRESSED if slower else _within(again, found.max_ratio)
    return replace(found, verdict=verdict, again=again, rounds_again=len(rounds), f_seconds=f, g_seconds=g)


def _shifts(rounds: Iterable[CallableRound]) -> Shifts:
    """The shift of one subject: one log ratio for each round."""
    return shifts_of(np.array([[log_ratio(each.g, each.f)] for each in rounds]))


def _ratio(rounds: Sequence[CallableRound]) -> Estimate:
    """The ratio, with an interval from `FEWEST` rounds on."""
    found = next(_shifts(rounds).estimates())
    if found is not None:
        return found
    point = float(np.exp(np.mean([log_ratio(each.g, each.f) for each in rounds])))
    return Estimate(point=point, low=None, high=None)


def _seconds(rounds: Sequence[CallableRound]) -> tuple[float, float]:
    """Seconds per call of f and of g: medians over all blocks, so that a preempted one does not count."""
    f, g = (float(np.median([getattr(each, name) for each in rounds])) for name in "fg")
    return f, g


def _within(ratio: Estimate, max_ratio: float) -> Verdict:
    """`WITHIN` if the whole 95 % interval is below the limit: wrong in 2.5 % of cases, for two looks in 5 % at most."""
    return Verdict.WITHIN if ratio.high is not None and ratio.high <= max_ratio else Verdict.INCONCLUSIVE


def _detectable(shifts: Shifts, at: Vector, level: float) -> float:
    return 1 + float(shifts.detectable(at, np.array([level]))[0])


def _enough(first: Shifts, at: Vector, alpha: float, most: int) -> int:
    """The rounds, doubled from the first look's, that confirm half of the observed slow-down 9 times in 10."""
    count, half = int(first.rounds[0]), float(np.exp((first.mean[0] + at[0]) / 2))
    while count < most:
        error = first.error * np.sqrt(first.rounds / count)
        if _detectable(replace(first, error=error, rounds=np.array([count])), at, alpha) <= half:
            return count
        count *= 2
    return most


def _texts(e: Estimate) -> tuple[str, str]:
    """A ratio as text, `1.31`, and its interval, ` (1.24 to 1.38)` or empty."""
    if e.low is None or e.high is None:
        return _number(e.point), ""
    digits = 3 if e.high - e.low > _NARROW * e.point else 4
    return _number(e.point, digits), f" ({_number(e.low, digits)} to {_number(e.high, digits)})"


def _number(value: float, digits: int = 3) -> str:
    """A number with all its digits, zeros included: `1.00`."""
    return f"{value:#.{digits}g}".rstrip(".") if value < _THREE_DIGITS else f"{value:.0f}"


def _generous(seconds: float) -> float:
    """A fifth more, rounded up to two digits, so that a limit set from it is enough the next time, too."""
    unit = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return math.ceil(1.2 * seconds / unit) * unit
