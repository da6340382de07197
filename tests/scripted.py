"""Scripted runs: sweeps whose times follow a formula instead of a clock, so that the truth is known."""

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fwdrev.bench import PREPARING, WEIGHING, Cell, Observation, Sweep, make_spec
from fwdrev.bench.records.observation import ArmResult, Memory
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.cost import EngineCost, ProgramCost
from fwdrev.results import Run, create
from tests.doubles.scripted_executor import ScriptedExecutor

__all__ = [
    "always",
    "on_disk",
    "on_machines",
    "scripted_run",
    "scripted_sweeps",
    "seconds",
    "slowed",
    "true_m",
    "true_n",
    "with_counts",
    "with_memory",
]

Bytes = Callable[[str, Cell], int | None]
"""The bytes that an engine needs in a cell; None if unknown."""


def seconds(engine: str, cell: Cell) -> float:
    """Seconds of an engine in a cell: overhead plus work per pass, with effects that bend the curves of the plane."""
    if engine == "forward":
        return 5e-6 + 2e-9 * cell.n * (40 + cell.m)
    return 7e-6 + 2.6e-9 * cell.m * (60 + cell.n)


def true_m(n: int) -> float:
    """The m at which the two formulas meet, for this n."""
    return (2e-9 * 40 * n - 2e-6) / (2.6e-9 * (60 + n) - 2e-9 * n)


def true_n(m: int) -> float:
    """The n at which the two formulas meet, for this m."""
    return (2e-6 + 2.6e-9 * 60 * m) / (2e-9 * (40 + m) - 2.6e-9 * m)


def scripted_run(
    seed: int = 0,
    *,
    noise: float = 0.0,
    shift: float = 0.0,
    tails: int | None = None,
    drift: float = 0.0,
    **fields: Any,
) -> Run:
    """A whole sweep in memory, with the noise of the scripted executor."""
    spec = make_spec(
        {"engines": ["forward", "reverse"], "inputs": "64:512:*2", "outputs": "1:1024:*4", "rounds": 5} | fields
    )
    visits = len(spec.cells) * spec.rounds
    executor = ScriptedExecutor(
        spec.engines, seconds, noise=noise, shift=shift, tails=tails, drift=drift, visits=visits, seed=seed
    )
    return Run(
        folder=Path("scripted"),
        spec=spec,
        machine={"cpu_model_name": "a <script>machine</script>", "versions": {"numpy": "2"}},
        created="2026-01-01T00:00:00+00:00",
        observations=tuple(Sweep(spec, executor)),
        warnings=(),
    )


def on_machines(run: Run, names: Sequence[str], spread: float = 0.0, seed: int = 0) -> Run:
    """The run as if its rounds were shared by machines whose engines differ, in logarithms, by `spread`."""
    rng, engines = Random(seed), run.spec.engines
    effects = {name: {engine: math.exp(spread * rng.gauss()) for engine in engines} for name in names}

    def moved(o: Observation) -> Observation:
        name = names[max(o.round, 0) % len(names)]
        arms = {
            engine: replace(arm, values=tuple(value * effects[name][engine] for value in arm.values))
            for engine, arm in o.arms.items()
        }
        return replace(o, arms=arms, machine=name)

    return replace(run, observations=tuple(map(moved, run.observations)))


def on_disk(folder: Path, run: Run) -> Path:
    """Writes such a run to a folder as a sweep does."""
    with create(folder, run.spec, dict(run.machine)) as journal:
        for observation in run.observations:
            journal.append(observation)
    return folder


@contextmanager
def scripted_sweeps() -> Iterator[None]:
    """Makes sweeps of the command take their times from the formula while this is active."""

    def scripted(spec: SweepSpec, _: Path) -> ScriptedExecutor:
        return ScriptedExecutor(spec.engines, seconds, blocks=spec.blocks, noise=0.02)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwdrev.api.sweep.LocalExecutor", scripted)
        yield


def always(peak: int | None) -> Bytes:
    """The same bytes for every engine and cell."""
    return lambda *_: peak


def with_memory(run: Run, counted: Bytes, measured: Bytes, *, compiled: Collection[str] = ()) -> Run:
    """The same run with these memory needs of engines; the compiler reports those of `compiled` engines."""

    def weighed(o: Observation, name: str, arm: ArmResult) -> ArmResult:
        peak, stated = measured(name, o.cell), counted(name, o.cell)
        if o.round == WEIGHING:
            return replace(arm, memory=Memory(allocated=None if name in compiled else peak))
        if o.round == PREPARING:
            cost = None if stated is None else EngineCost(multiply_adds=1, passes=1, bytes_moved=1, peak_bytes=stated)
            return replace(arm, cost=cost, program=ProgramCost(peak_bytes=peak) if name in compiled else None)
        return arm

    return _changed(run, weighed)


def with_counts(run: Run, program: ProgramCost | None = None, *, more: int = 0) -> Run:
    """The same run with counts: multiply–adds by the size of the cell.

    `more`: forward's extra multiply–adds at n = 64, m = 16; `program`: the compiler's count for forward everywhere.
    """

    def counted(o: Observation, name: str, arm: ArmResult) -> ArmResult:
        if o.round != PREPARING:
            return arm
        adds = 10 * o.cell.n * o.cell.m + (more if (o.cell, name) == (Cell(64, 16), "forward") else 0)
        cost = EngineCost(multiply_adds=adds, passes=o.cell.n, bytes_moved=1, peak_bytes=1)
        return replace(arm, cost=cost, program=program if name == "forward" else None)

    return _changed(run, counted)


def slowed(run: Run, **factors: float) -> Run:
    """The same run, in which each of these engines takes this many times as long."""

    def slower(_: Observation, name: str, arm: ArmResult) -> ArmResult:
        return replace(arm, values=tuple(value * factors.get(name, 1.0) for value in arm.values))

    return _changed(run, slower)


def _changed(run: Run, change: Callable[[Observation, str, ArmResult], ArmResult]) -> Run:
    seen = [replace(o, arms={name: change(o, name, arm) for name, arm in o.arms.items()}) for o in run.observations]
    return replace(run, observations=tuple(seen))
