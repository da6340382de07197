"""Every way in which an arm of a gate can end, each scripted as its rounds.

run = ended({"mymodule:step": WAYS["slower"], "mymodule:other": WAYS["same"]})
run.gate.outcome
"""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fwdrev.bench.records.observation import ArmResult, Cell, Status
from fwdrev.bench.records.sides import CONTROL, Lacking, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.cost import EngineCost
from fwdrev.results.gate.run import GateRun, gate_run
from fwdrev.results.gate.sides import Pair
from fwdrev.results.gate.verdicts.report import Outcome, Verdict
from tests.gate_sides import WOBBLE

__all__ = ["FEWEST_ROUNDS", "SAME", "SIZES", "UNTIMED", "WAYS", "Way", "ended"]

SIZES = (4, 8)
FEWEST_ROUNDS = 5

Both = tuple[ArmResult, ArmResult]
Times = Callable[[int], float]


def _by(change: float, noise: float = 1.0) -> Times:
    """Head is slower by this share, give or take half a per cent."""
    return lambda number: math.log1p(change) + noise * WOBBLE[number % len(WOBBLE)]


_AS_FAST = _by(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The behaviour of an arm and the expected report.

    `first`, `fresh`: log(head ÷ base) in each round of both looks; `ends`: the statuses of base and head if they end,
    `at` this round of the first look, or of the fresh rounds with `late`; `sizes`: the sizes at which they end;
    `operations` of head, where base has 10; `lacks`: the side without the arm; `silent`: the arm appears in no round.

    `verdict`: of the finding; `outcome`: of a gate whose other arms are unchanged, and `alone` of a gate without other
    arms, if that differs; `untimed`: the reason for no timing; `says`: part of the grounds.
    """

    first: Times = _AS_FAST
    fresh: Times = _AS_FAST
    ends: Both | None = None
    at: int = 0
    late: bool = False
    sizes: Sequence[int] = SIZES
    operations: int = 10
    lacks: str | None = None
    silent: bool = False
    verdict: Verdict = Verdict.INCONCLUSIVE
    outcome: Outcome = Outcome.INCONCLUSIVE
    alone: Outcome | None = None
    untimed: str | None = None
    says: str = ""

    def seen(self, size: int, number: int, *, again: bool) -> Both | None:
        """The arm in one round at one size; None after it has ended."""
        if self.silent:
            return None
        if self.ends is not None and size in self.sizes:
            if (again, number) >= (self.late, self.at):
                return self.ends if (again, number) == (self.late, self.at) else None
        elif size not in self.sizes:
            return _timed(WOBBLE[number % len(WOBBLE)]), _timed(0.0)
        times = self.fresh if again else self.first
        base, head = (_timed(log, n) for log, n in ((0.0, 10), (times(number), self.operations)))
        return base, head


def _timed(log: float, operations: int = 10) -> ArmResult:
    cost = EngineCost(multiply_adds=operations, passes=1, bytes_moved=1, peak_bytes=1)
    return ArmResult(status=Status.MEASURED, loops=1, values=(1.2e-3 * math.exp(log),) * 3, cost=cost)


def ended(arms: Mapping[str, Way], *, rounds: int = FEWEST_ROUNDS, allow_missing: bool = False) -> GateRun:
    """Runs a gate of these arms."""
    outputs = 1 if all(":" in arm for arm in arms) else 2
    spec = SweepSpec(inputs=list(SIZES), outputs=[outputs], rounds=rounds).model_copy(update={"engines": list(arms)})
    lacking = {arm: Lacking(side=way.lacks, reason="no such name") for arm, way in arms.items() if way.lacks}

    def measure(spec: SweepSpec, *, only: Sequence[Pair] | None) -> Generator[SideObservation, None, None]:
        again = only is not None
        for number in range(spec.rounds):
            for n in SIZES:
                cell = Cell(n, outputs)
                wanted = [arm for arm in spec.engines if only is None or (cell, arm) in only]
                seen = {arm: arms[arm].seen(n, number, again=again) for arm in wanted}
                both = {arm: each for arm, each in seen.items() if each is not None}
                both[CONTROL] = (_timed(0.0), _timed(0.0))
                base, head = ({arm: each[side] for arm, each in both.items()} for side in (0, 1))
                yield SideObservation(round=number, cell=cell, base=base, head=head, seconds=0.1)

    return gate_run(spec, measure, lacking=lacking, allow_missing=allow_missing)


SAME = Way(verdict=Verdict.UNCHANGED, outcome=Outcome.UNCHANGED, says="within the threshold: ")

_INSIDE = ": the threshold, 5 %, lies inside; could have seen "

_CLOCK = {
    "slower": Way(
        first=_by(0.31),
        fresh=_by(0.31),
        verdict=Verdict.REGRESSED,
        outcome=Outcome.REGRESSED,
        says="31 % slower (30 to 32 %), 1.2 ms → 1.57 ms, confirmed in fresh rounds",
    ),
    "slower at first": Way(
        first=_by(0.31),
        verdict=Verdict.UNCHANGED,
        outcome=Outcome.UNCHANGED,
        says="within the threshold in fresh rounds: ",
    ),
    "slower, not confirmed": Way(first=_by(0.31), fresh=_by(0.05), sizes=SIZES[:1], says=_INSIDE),
    "faster": Way(
        first=_by(-0.3),
        verdict=Verdict.IMPROVED,
        outcome=Outcome.IMPROVED,
        says="30 % faster (30 to 30 %), 1.2 ms → 841 µs",
    ),
    "at the threshold": Way(first=_by(0.05), fresh=_by(0.05), sizes=SIZES[:1], says=_INSIDE),
    "noisy": Way(first=_by(0, 40), fresh=_by(0, 40), says=_INSIDE),
    "faster, perhaps": Way(
        first=_by(-0.049),
        fresh=_by(-0.049),
        says="not slower, and open whether it is faster by the threshold, 5 %; could have seen ",
    ),
    "more operations": Way(
        operations=11,
        verdict=Verdict.COUNTS_CHANGED,
        outcome=Outcome.REGRESSED,
        says="multiply adds 10 → 11, within the threshold: ",
    ),
    "fewer operations": Way(
        operations=9,
        verdict=Verdict.COUNTS_CHANGED,
        outcome=Outcome.IMPROVED,
        says="multiply adds 10 → 9, within the threshold: ",
    ),
}

_ENDS = {
    status: ArmResult(status=status, reason=f"the reason is {status}")
    for status in Status
    if status is not Status.MEASURED
}


def _waits(status: Status, side: str) -> ArmResult:
    return ArmResult(status=Status.SKIPPED, reason=f"not timed, since {side} ended: {status}")


def _endings() -> dict[str, Way]:
    """Every status of an arm: on one side or both, at once or in a later round, in fresh rounds, at some sizes."""
    variants: dict[str, dict[str, Any]] = {
        "": {"alone": Outcome.NOTHING},
        " at one size": {"sizes": SIZES[:1]},
        " in a later round": {"at": 3},
        " in fresh rounds": {"late": True, "first": _by(0.31)},
    }
    found = {}
    for status, arm in _ENDS.items():
        sides = {"base": (arm, _waits(status, "base")), "head": (_waits(status, "head"), arm), "both": (arm, arm)}
        for side, ends in sides.items():
            for when, how in variants.items():
                says = f"the reason is {status}"
                found[f"{status} in {side}{when}"] = Way(ends=ends, untimed=status.value, says=says, **how)
    return found


UNTIMED = {
    **_endings(),
    "new": Way(
        lacks="base",
        verdict=Verdict.NEW,
        outcome=Outcome.UNCHANGED,
        alone=Outcome.INCONCLUSIVE,
        untimed="new",
        says="base does not have it: no such name",
    ),
    "missing": Way(
        lacks="head",
        verdict=Verdict.MISSING,
        outcome=Outcome.MISSING,
        untimed="missing",
        says="head does not have it: no such name",
    ),
}

WAYS: dict[str, Way] = {"same": SAME, **_CLOCK, **UNTIMED}
