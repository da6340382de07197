"""One run of the gate: a first look at every arm in every cell, then fresh rounds of what it left open.

    run = gate_run(spec, partial(against, sides=sides))
    run.gate.outcome, run.unmeasured

What is measured next depends on estimates, which is why this stands here and not with the measuring.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import Protocol, runtime_checkable

from fwdrev.bench.records.observation import Cell, Status
from fwdrev.bench.records.sides import Lacking, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.results.gate.decision import Gate
from fwdrev.results.gate.findings import Finding
from fwdrev.results.gate.looks import Looks
from fwdrev.results.gate.sides import Pair, Sides, unmeasured
from fwdrev.results.gate.subjects import Kind, Subject
from fwdrev.results.gate.verdicts.report import Verdict

__all__ = ["GateRun", "Measure", "gate_run"]


@runtime_checkable
class Measure(Protocol):
    """`fwdrev.bench.revisions.rounds.against` with its sides, or a script of rounds."""

    def __call__(self, spec: SweepSpec, *, only: Sequence[Pair] | None) -> Generator[SideObservation, None, None]:
        """Every round of every cell; `only`: of these arms in these cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRun:
    """The decision and what it rests on; `again` is None where the first look left nothing open.

    `unmeasured`: the cells in which an arm was not measured, by (arm, side and reason); `apart`: by how much results
    differ, relatively, of arms for which that was allowed.
    """

    gate: Gate
    first: Sides
    again: Sides | None
    unmeasured: dict[tuple[str, str], list[Cell]]
    apart: Mapping[str, float] = field(default_factory=dict)

    @property
    def differing(self) -> list[str]:
        """The results that differ as was allowed, a line for each arm."""
        return [
            f"{arm}: its results differ from base's{f' by {error:.1e}, relatively' if isfinite(error) else ''}; allowed"
            for arm, error in self.apart.items()
        ]

    @property
    def reasons(self) -> list[str]:
        """Why arms were not measured, a line for each reason."""
        among = len(self.first.cells)
        return [
            f"{arm}, {why} (in {len(set(cells))} of {among} cells)" for (arm, why), cells in self.unmeasured.items()
        ]


def gate_run(
    spec: SweepSpec,
    measure: Measure,
    *,
    threshold: float = 0.05,
    find: float | None = None,
    lacking: Mapping[str, Lacking] | None = None,
    allow_missing: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> GateRun:
    """Measure and decide; `told` gets a line before each round. Raises what `measure` raises.

    `find`: a relative slow-down above the threshold that 95 % of such runs are to find in any arm and cell.
    `lacking`: the arms of `spec` that one side does not have. They are not measured, and are findings all the same;
    those that head does not have any more fail unless `allow_missing`.
    """
    lacking = lacking or {}
    apart = tuple(_apart(arm, each, spec) for arm, each in lacking.items())
    spec = spec.model_copy(update={"engines": [arm for arm in spec.engines if arm not in lacking]})
    looks = Looks(spec, measure, threshold=threshold, find=find, told=told)
    gate, first, again = looks.decided()
    gate = replace(gate, findings=(*gate.findings, *apart), allow_missing=allow_missing)
    seen = looks.seen
    return GateRun(gate=gate, first=first, again=again, unmeasured=unmeasured(seen), apart=_apart_in(seen))


def _apart_in(seen: Sequence[SideObservation]) -> dict[str, float]:
    """The largest difference of each arm's results, where they differ and were timed all the same."""
    found: dict[str, float] = {}
    for o in seen:
        for name, arm in o.head.items():
            if arm.status is Status.MEASURED and arm.error:
                found[name] = max(arm.error, found.get(name, 0.0))
    return found


def _apart(arm: str, lacking: Lacking, spec: SweepSpec) -> Finding:
    """What one side does not have cannot be compared, and is told."""
    verdict = Verdict.NEW if lacking.side == "base" else Verdict.MISSING
    members = tuple((cell, arm) for cell in spec.cells)
    reason = f"{lacking.side} does not have it: {lacking.reason}"
    return Finding(subject=Subject(kind=Kind.ARM, name=arm, members=members), time=verdict, rounds=0, reason=reason)
