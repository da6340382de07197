"""Functions of a project, measured beside the control, as a run: so a baseline of them is made and compared as any.

run = function_run(spec, list(observations), fingerprint(spec.threads))
save_baseline(function_baseline(run, measured), Path("baseline.json"))

What a call takes is divided by what the control takes, work that is the same everywhere and at any time. Both sides of
an observation are the same working tree: two processes, whose values of a round are both taken.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fwdrev.bench.records.observation import ArmResult, Observation, Status
from fwdrev.bench.records.sides import CONTROL, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.record import Baseline, FunctionSpec
from fwdrev.results.runs.cells import failures
from fwdrev.results.runs.run import Run

__all__ = ["function_baseline", "function_run", "unmeasured_functions"]


def function_run(spec: SweepSpec, seen: Sequence[SideObservation], machine: Mapping[str, Any]) -> Run:
    """What was seen of both processes, a value for each: of its blocks, the one that a quarter of them beat.

    Others on the machine only make blocks longer, and long ones more than short ones: so the median of the control,
    whose blocks are the longest, can double where that of a function stays. There may be fewer blocks of some arms.
    """
    return Run(
        folder=Path("the working tree"),
        spec=spec.model_copy(update={"engines": [*spec.engines, CONTROL]}),
        machine=machine,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        observations=tuple(
            Observation(round=o.round, cell=o.cell, arms=dict(_arms(o)), seconds=o.seconds) for o in seen
        ),
        warnings=(),
    )


def function_baseline(run: Run, measured: FunctionSpec) -> Baseline:
    """What is kept of them: ratios to the control, times and memory."""
    made = baseline_of(run, [(name, CONTROL) for name in measured.functions])
    return made.model_copy(update={"spec": measured.model_dump(mode="json")})


def unmeasured_functions(run: Run) -> list[str]:
    """Why functions were not measured, a line each."""
    rows = failures(run)[["engine", "status", "reason"]].drop_duplicates().itertuples(index=False)
    return [f"{name}: {status}: {reason or 'no reason given'}" for name, status, reason in rows if name != CONTROL]


def _arms(o: SideObservation) -> Iterable[tuple[str, ArmResult]]:
    for name, base in o.base.items():
        head = o.head[name]
        failed = [arm for arm in (base, head) if arm.status is not Status.MEASURED]
        if failed:
            yield name, next((arm for arm in failed if arm.status is not Status.SKIPPED), failed[0])
            continue
        values = tuple(sorted(arm.values)[len(arm.values) // 4] for arm in (base, head) if arm.values)
        yield name, replace(base, values=values)
