"""Functions of the working tree, measured beside the control: for a baseline of them, and for a check against one."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import monotonic

from fwdrev.bench.machine.facts import fingerprint
from fwdrev.bench.records.gate_spec import FUNCTIONS, gate_spec, points_of
from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.sides import CONTROL, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.git_worktree import Sides, here
from fwdrev.bench.revisions.lookup import looked_up
from fwdrev.bench.revisions.rounds import against
from fwdrev.cli.common.show import interruptible, note
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.baseline.build import function_run
from fwdrev.results.gate.baseline.compare import compared, undecided, without_run
from fwdrev.results.gate.baseline.record import Baseline, FunctionSpec
from fwdrev.results.gate.verdicts.report import GateReport
from fwdrev.results.runs.run import Run


def measured(
    spec: SweepSpec, point: str | None, sides: Sides, *, only: Sequence[tuple[Cell, str]] | None = None, what: str = ""
) -> Run:
    """Every round of `spec`; `only`: of these functions at these sizes. Results are free to differ: none are kept."""
    seen: list[SideObservation] = []
    with closing(against(spec, sides, inputs=point, only=only, tolerance=float("inf"))) as observations:
        for o in observations:
            if not seen or o.round != seen[-1].round:
                note(f"{what}round {o.round + 1} of {spec.rounds}")
            seen.append(o)
    return function_run(spec, seen, fingerprint(spec.threads))


def judged_functions(
    baseline: Baseline, asked: FunctionSpec, threshold: float, title: str, *, allow_missing: bool
) -> GateReport:
    """The functions of a baseline as they are here, in as many rounds as a gate has, then in fresh ones."""
    with interruptible(), here() as opened:
        sides = replace(opened, path=tuple(map(Path, asked.path)))
        lacking = _lacking(asked, sides)
        left = [name for name in asked.functions if name not in lacking]
        if not left:
            return without_run(baseline, lacking, title=title, allow_missing=allow_missing)
        rounds = min(asked.rounds, int(FUNCTIONS["rounds"]))
        spec = gate_spec({**asked.sweep_fields, "rounds": rounds}, left)
        points = points_of(asked.functions, asked.point)
        point = ",".join(points[name] for name in left if name in points) or None
        began = monotonic()
        first = measured(spec, point, sides)
        seconds = (monotonic() - began) / rounds
        again, fresh = undecided(baseline, first, threshold=threshold), None
        if again is not None:
            longer = spec.model_copy(update={"rounds": again.rounds(spec)})
            note(again.announced(first, seconds * longer.rounds))
            only = [pair for pair in again.pairs if pair[1] != CONTROL]
            fresh = measured(longer, point, sides, only=only, what="again: ")
    return compared(
        baseline, first, threshold=threshold, title=title, allow_missing=allow_missing, again=fresh, lacking=lacking
    )


def _lacking(asked: FunctionSpec, sides: Sides) -> dict[str, str]:
    """The functions that are not here any more, or whose point is not, with what is there instead."""
    spec, points = gate_spec(asked.sweep_fields, asked.functions), points_of(asked.functions, asked.point)
    try:
        looked_up(spec, sides, inputs=asked.point)
    except InputError:
        found = {name: _fault(spec, name, points.get(name), sides) for name in asked.functions}
        return {name: why for name, why in found.items() if why is not None}
    return {}


def _fault(spec: SweepSpec, name: str, point: str | None, sides: Sides) -> str | None:
    try:
        looked_up(spec.model_copy(update={"engines": [name]}), sides, inputs=point)
    except InputError as error:
        return str(error).rpartition(": it is nowhere: ")[-1]
    return None
