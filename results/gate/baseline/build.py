"""Builds baselines: exact counts, ratios of arms, crossovers, and seconds for the same machine.

A run to compare with a baseline is reduced to one, too, with the baseline's pairs. Functions of a project
are measured beside the control, work that never changes, and become a run like any other. Both
sides of an observation are then the same working tree: two processes, whose values both count.
"""

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import numpy as np

from fwdrev.bench.records.observation import PREPARING, ArmResult, Cell, Observation, Status
from fwdrev.bench.records.parsing import names_function
from fwdrev.bench.records.sides import CONTROL, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.gate.baseline.record import Baseline, Ends, FunctionSpec, StoredArm, StoredCrossover, StoredRatio
from fwdrev.results.gate.sides import Counts, counts_of
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.cells import failures, log_ratios, times
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.run import Run
from fwdrev.results.runs.schema import Machine
from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.crossing import crossing
from fwdrev.results.stats.paired_shifts import shifts_of

Names = tuple[str, str]
"""An arm, and the arm whose time divides its own."""

_SECONDS, _RATIO, _ERROR, _PLACE = 4, 6, 3, 5
"""The digits to keep: of ratios far more than any machine reproduces, of others as many as a reader can use."""


def baseline_of(run: Run, pairs: Collection[Names] | None = None) -> Baseline:
    """The baseline of a run; `pairs`: the pairs whose ratios and crossovers to keep; `pairs_of` by default.

    Ratios need as many rounds as a test (`paired_shifts.FEWEST`). Raises NothingMeasuredError for a run
    without times and counts.
    """
    blocks = timed_blocks(run)
    wanted = pairs_of(run.spec.engines) if pairs is None else list(pairs)
    arms = tuple(_arms(run, blocks))
    if not arms:
        raise NothingMeasuredError(f"{run.folder} has no times and no counts: nothing can be compared with it")
    timed = [pair for pair in wanted if set(pair) <= set(blocks.engines)]
    crossing = [pair for pair in timed if pair in default_pairs(pair)]
    return Baseline(
        created=run.created,
        machine=Machine(**run.machine),
        spec=run.spec.model_dump(mode="json"),
        arms=arms,
        ratios=tuple(entry for pair in timed for entry in _ratios(blocks, pair)),
        crossovers=tuple(entry for pair in crossing for entry in _crossovers(blocks, pair, run)),
    )


def pairs_of(engines: Sequence[str]) -> list[Names]:
    """The pairs with crossovers, and every arm with the first one: each arm is in a pair, and pairs are few."""
    told = default_pairs(engines)
    referred = ((name, engines[0]) for name in engines[1:])
    return told + [pair for pair in referred if pair not in told and pair[::-1] not in told]


def _arms(run: Run, blocks: Blocks) -> Iterator[StoredArm]:
    """The facts of each arm in each cell; none if it has neither counts nor times.

    Memory for functions only: engines' memory is known from their runs.
    """
    counted = {
        (o.cell, name): counts
        for o in run.observations
        if o.round == PREPARING
        for name, arm in o.arms.items()
        if (counts := counts_of(arm)) != Counts()
    }
    weighed = {
        (o.cell, name): arm.memory.resident
        for o in run.observations
        for name, arm in o.arms.items()
        if names_function(name) and arm.memory is not None
    }
    table = times(blocks)
    seconds = {
        (Cell(int(n), int(m)), str(name)): float(point)
        for n, m, name, point in table[["n", "m", "engine", "point"]].itertuples(index=False)
    }
    for cell, name in sorted(counted.keys() | seconds.keys()):
        counts, took = counted.get((cell, name), Counts()), seconds.get((cell, name))
        kept = None if took is None else _rounded(took, _SECONDS)
        memory = weighed.get((cell, name))
        yield StoredArm(n=cell.n, m=cell.m, arm=name, seconds=kept, memory=memory, **asdict(counts))


def _ratios(blocks: Blocks, pair: Names) -> Iterator[StoredRatio]:
    """The ratios in each cell with enough rounds."""
    shifts = shifts_of(blocks.log_ratios(*pair))
    for cell, mean, error, rounds in zip(blocks.cells, shifts.mean, shifts.error, shifts.rounds, strict=True):
        if not math.isnan(mean):
            yield StoredRatio(
                n=cell.n,
                m=cell.m,
                arm=pair[0],
                against=pair[1],
                ratio=_rounded(math.exp(mean), _RATIO),
                error=_rounded(float(error), _ERROR),
                rounds=int(rounds),
            )


def _crossovers(blocks: Blocks, pair: Names, run: Run) -> Iterator[StoredCrossover]:
    """The crossovers at each n where both were timed."""
    if np.isnan(blocks.log_ratios(*pair)).all():
        return
    ratios = log_ratios(run, pair, blocks)
    for n in ratios.n:
        sizes, logs = ratios.along_m(n)
        found = crossing(sizes, logs, pair)
        size = found.size
        places = (None, None, None) if size is None else (size.point, size.low, size.high)
        m, low, high = (None if at is None else _rounded(at, _PLACE) for at in places)
        yield StoredCrossover(
            n=n,
            arm=pair[0],
            against=pair[1],
            cheaper=found.cheaper,
            m=m,
            low=low,
            high=high,
            open=cast("Ends", found.open_ends),
            rounds=int((~np.isnan(logs)).any(axis=1).sum()),
        )


def _rounded(value: float, digits: int) -> float:
    """Rounds to that many significant digits."""
    return float(f"{value:.{digits}g}")


def function_run(spec: SweepSpec, seen: Sequence[SideObservation], machine: Mapping[str, Any]) -> Run:
    """One value for each of the two processes: the lower quartile of its blocks.

    Other programs only lengthen blocks, and long blocks more than short ones: so the median of the control,
    with the longest blocks, can double where that of a function stays. Some arms may have fewer blocks.
    """
    return Run(
        folder=Path("the working tree"),
        spec=spec.model_copy(update={"engines": [*spec.engines, CONTROL]}),
        machine=machine,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        observations=tuple(
            Observation(round=o.round, cell=o.cell, arms=dict(_of_both(o)), seconds=o.seconds) for o in seen
        ),
        warnings=(),
    )


def function_baseline(run: Run, measured: FunctionSpec) -> Baseline:
    """The entries of functions: ratios to the control, times and memory."""
    made = baseline_of(run, [(name, CONTROL) for name in measured.functions])
    return made.model_copy(update={"spec": measured.model_dump(mode="json")})


def unmeasured_functions(run: Run) -> list[str]:
    """The reasons why functions were not measured, one line each."""
    rows = failures(run)[["engine", "status", "reason"]].drop_duplicates().itertuples(index=False)
    return [f"{name}: {status}: {reason or 'no reason given'}" for name, status, reason in rows if name != CONTROL]


def _of_both(o: SideObservation) -> Iterable[tuple[str, ArmResult]]:
    for name, base in o.base.items():
        head = o.head[name]
        failed = [arm for arm in (base, head) if arm.status is not Status.MEASURED]
        if failed:
            yield name, next((arm for arm in failed if arm.status is not Status.SKIPPED), failed[0])
            continue
        values = tuple(sorted(arm.values)[len(arm.values) // 4] for arm in (base, head) if arm.values)
        yield name, replace(base, values=values)
