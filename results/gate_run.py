"""One run of the gate: a first look at every arm in every cell, then fresh rounds of what it left open.

    run = gate_run(spec, partial(against, sides=sides))
    run.gate.outcome, run.unmeasured

What is measured next depends on estimates, which is why this stands here and not with the measuring.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from fwdrev.bench.against import SideObservation
from fwdrev.bench.cell import Cell
from fwdrev.bench.lookup import Lacking
from fwdrev.bench.spec import SweepSpec
from fwdrev.results.findings import Finding
from fwdrev.results.gate import Gate, decide
from fwdrev.results.judgement import Verdict
from fwdrev.results.measured_sides import sides_of, unmeasured
from fwdrev.results.paired_sides import Pair, Sides
from fwdrev.results.subjects import Kind, Subject

__all__ = ["GateRun", "Measure", "gate_run"]

_MOST = 3.0
"""Times as many fresh rounds as the first look had, where few pairs are measured again: then they are short, and the
fewest cells stay undecided."""


@runtime_checkable
class Measure(Protocol):
    """`fwdrev.bench.against.against` with its sides, or a script of rounds."""

    def __call__(self, spec: SweepSpec, *, only: Sequence[Pair] | None) -> Generator[SideObservation, None, None]:
        """Every round of every cell; `only`: of these arms in these cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRun:
    """The decision and what it rests on; `again` is None where the first look left nothing open.

    `unmeasured`: the cells in which an arm was not measured, by (arm, side and reason).
    """

    gate: Gate
    first: Sides
    again: Sides | None
    unmeasured: dict[tuple[str, str], list[Cell]]

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
    lacking: Mapping[str, Lacking] | None = None,
    allow_missing: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> GateRun:
    """Measure and decide; `told` gets a line before each round. Raises what `measure` raises.

    `lacking`: the arms of `spec` that one side does not have. They are not measured, and are findings all the same;
    those that head does not have any more fail unless `allow_missing`.
    """
    lacking = lacking or {}
    apart = tuple(_apart(arm, each, spec) for arm, each in lacking.items())
    spec = spec.model_copy(update={"engines": [arm for arm in spec.engines if arm not in lacking]})
    seen = _observed(spec, measure, None, "", told) if spec.engines else []
    asked = [(cell, arm) for cell in spec.cells for arm in spec.engines]
    first, again = sides_of(seen, asked), None
    gate = decide(first, threshold=threshold)
    if gate.pairs_again:
        share = len(gate.pairs_again) / len(first.pairs)
        more = round(spec.rounds * min(1 / share, _MOST))
        longer = spec.model_copy(update={"rounds": more})
        fresh = _observed(longer, measure, gate.pairs_again, "again: ", told)
        again = sides_of(fresh)
        gate = decide(first, threshold=threshold, confirmation=again)
        seen = [*seen, *fresh]
    gate = replace(gate, findings=(*gate.findings, *apart), allow_missing=allow_missing)
    return GateRun(gate=gate, first=first, again=again, unmeasured=unmeasured(seen))


def _apart(arm: str, lacking: Lacking, spec: SweepSpec) -> Finding:
    """What one side does not have cannot be compared, and is told."""
    verdict = Verdict.NEW if lacking.side == "base" else Verdict.MISSING
    members = tuple((cell, arm) for cell in spec.cells)
    reason = f"{lacking.side} does not have it: {lacking.reason}"
    return Finding(subject=Subject(kind=Kind.ARM, name=arm, members=members), time=verdict, rounds=0, reason=reason)


def _observed(
    spec: SweepSpec, measure: Measure, only: Sequence[Pair] | None, what: str, told: Callable[[str], None]
) -> list[SideObservation]:
    found: list[SideObservation] = []
    with closing(measure(spec, only=only)) as observations:
        for o in observations:
            if not found or o.round != found[-1].round:
                told(f"{what}round {o.round + 1} of {spec.rounds}")
            found.append(o)
    return found
