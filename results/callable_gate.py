"""The gate for two callables: whether time(f) ÷ time(g) exceeds what is allowed, from rounds of this process.

    found = callable_gate(measure, max_ratio=1.1, rounds=10, budget=5.0)
    found.verdict                            # Verdict.WITHIN

Decided as between revisions (`fwdrev.results.findings`): a first look flags what seems slower, at `SCREENING`; only
fresh rounds can say that it is, at `alpha`; what the first look leaves open is looked at once more, with all rounds
together. So there are two looks at most, whatever the budget: who looks after every round stops at what chance brings.
Pure: `measure` has the clock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from fwdrev.bench.callables import CallableRound
from fwdrev.modes.arrays import Vector
from fwdrev.modes.errors import InputError
from fwdrev.results.estimate import Estimate
from fwdrev.results.findings import SCREENING
from fwdrev.results.judgement import Verdict
from fwdrev.results.measured_sides import log_ratio
from fwdrev.results.shifts import FEWEST, Shifts, shifts_of

__all__ = ["CallableGate", "Measure", "callable_gate"]

Measure = Callable[[int], Iterable[CallableRound]]
"""Measures so many rounds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallableGate:
    """The decision, and what it rests on.

    `verdict`: `REGRESSED`, f takes longer than allowed; `WITHIN`, it does not; `INCONCLUSIVE`. `ratio`: time of f ÷
    time of g in `rounds` rounds; where it was flagged these are the first ones, and `again` is the ratio in
    `rounds_again` fresh ones, by which it was decided. `detectable`: what 9 of 10 such first looks would flag.
    """

    verdict: Verdict
    max_ratio: float
    ratio: Estimate
    rounds: int
    detectable: float
    again: Estimate | None = None
    rounds_again: int = 0

    def __str__(self) -> str:
        """Everything but the verdict, in one line."""
        fresh = "" if self.again is None else f", {_text(self.again)} in {self.rounds_again} fresh ones"
        seen = f", could have seen {self.detectable:.4g}" if self.verdict is Verdict.INCONCLUSIVE else ""
        times = f"time of f ÷ time of g {_text(self.ratio)} in {self.rounds} rounds"
        return f"{times}{fresh}, allowed {self.max_ratio:g}{seen}"


def callable_gate(
    measure: Measure, *, max_ratio: float, rounds: int, budget: float, alpha: float = 0.01
) -> CallableGate:
    """Decide from a first look of so many rounds and, where that is not enough, a second.

    The second look has at least as many rounds. What was flagged gets as many as it takes to confirm half of the
    slowdown that it seems to be, since what is flagged seems larger than it is; what is open gets as many as there is
    time for. `budget`: seconds for all rounds of both looks.
    Raises InputError for fewer rounds than decide anything.
    """
    at = np.log([max_ratio])
    seen = list(measure(rounds))
    first = _shifts(seen)
    spent = sum(each.seconds for each in seen)
    most = max(rounds, int((budget - spent) / max(spent, 1e-9) * rounds))
    found = CallableGate(
        verdict=Verdict.INCONCLUSIVE,
        max_ratio=max_ratio,
        ratio=_ratio(first),
        rounds=rounds,
        detectable=_detectable(first, at, SCREENING),
    )
    if first.p_slower(at)[0] <= SCREENING:
        fresh = _shifts(measure(_enough(first, at, alpha, most)))
        again = _ratio(fresh)
        verdict = Verdict.REGRESSED if fresh.p_slower(at)[0] <= alpha else _within(again, max_ratio)
        return replace(found, verdict=verdict, again=again, rounds_again=int(fresh.rounds[0]))
    if _within(found.ratio, max_ratio) is Verdict.WITHIN:
        return replace(found, verdict=Verdict.WITHIN)
    both = _shifts([*seen, *measure(most)])
    ratio = _ratio(both)
    return replace(found, verdict=_within(ratio, max_ratio), ratio=ratio, rounds=int(both.rounds[0]))


def _shifts(rounds: Iterable[CallableRound]) -> Shifts:
    """One log ratio for each round, of one subject."""
    return shifts_of(np.array([[log_ratio(each.g, each.f)] for each in rounds]))


def _ratio(shifts: Shifts) -> Estimate:
    found = next(shifts.estimates())
    if found is None:
        msg = f"{shifts.rounds[0]} rounds: nothing is decided by fewer than {FEWEST}"
        raise InputError(msg)
    return found


def _within(ratio: Estimate, max_ratio: float) -> Verdict:
    """By the whole 95 % interval, which lies too low in 2.5 % of the cases; two looks, in 5 % at most."""
    return Verdict.WITHIN if ratio.high is not None and ratio.high <= max_ratio else Verdict.INCONCLUSIVE


def _detectable(shifts: Shifts, at: Vector, level: float) -> float:
    return 1 + float(shifts.detectable(at, np.array([level]))[0])


def _enough(first: Shifts, at: Vector, alpha: float, most: int) -> int:
    """Rounds, doubled from the first look's on, that confirm half of the slowdown that was seen 9 times in 10."""
    count, half = int(first.rounds[0]), float(np.exp((first.mean[0] + at[0]) / 2))
    while count < most:
        error = first.error * np.sqrt(first.rounds / count)
        if _detectable(replace(first, error=error, rounds=np.array([count])), at, alpha) <= half:
            return count
        count *= 2
    return most


def _text(e: Estimate) -> str:
    return f"{e.point:.4f}" if e.low is None or e.high is None else f"{e.point:.4f} ({e.low:.4f} … {e.high:.4f})"
