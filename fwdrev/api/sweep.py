"""A whole sweep: opens a new or an existing run, and measures it into its journal."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from fwdrev.api.new_names import claimed_folder
from fwdrev.bench.machine.environment import cautions, check_machine, device_name
from fwdrev.bench.machine.facts import fingerprint
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.processes.signals import signals_deferred
from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.plan import FixedPlan
from fwdrev.bench.records.reasons import needed
from fwdrev.bench.records.spec import QUICK, Planning, Protocol, SweepSpec, make_spec, read_spec
from fwdrev.bench.sweep.local import LocalExecutor
from fwdrev.bench.sweep.progress import watched
from fwdrev.bench.sweep.pyperf_runner import PyperfExecutor
from fwdrev.bench.sweep.runner import Sweep
from fwdrev.bench.sweep.scratch import scratch_folder
from fwdrev.bench.workers.engine_prices import hand_out
from fwdrev.modes.bracketing.machine_prices import Seconds
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.errors import InputError, SurroundingsError
from fwdrev.modes.registry import engine, problem_shape
from fwdrev.results.costs.calibration import KEPT, calibrated, read_calibration, save_calibration
from fwdrev.results.planning.adaptive import AdaptivePlan
from fwdrev.results.planning.forecast import TimeForecast
from fwdrev.results.runs.journal import Journal, create, reopen
from fwdrev.results.runs.machines import machines_of
from fwdrev.results.runs.run import go_on, load, runs_in

MAY_CHANGE = ("rounds", "precision", "budget", "timeout", "memory_limit")
"""The fields of a specification that may change on resuming: those that say how much and how long, not what."""

Opened = AbstractContextManager[tuple[Journal, SweepSpec, Sequence[Observation]]]
"""A journal to append to, the specification, and earlier observations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The reason why a sweep ended, and its seconds: in rounds, and of these inside timed blocks."""

    outcome: str
    measuring: float
    timed: float


def new_run(
    given: Mapping[str, Any],
    *,
    quick: bool = False,
    spec: Path | None = None,
    out: Path | None = None,
    cells: Sequence[Cell] | None = None,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[Path, Opened]:
    """Opens a run in a new folder; a default folder is made at once, since other sweeps may begin in the same second.

    `cells`: only these cells of the grid; `told` gets a line if the problem does not have the whole grid.
    """
    fields = fields_of(given, quick=quick, spec=spec)
    plan = make_spec(fields)
    check_machine(plan)
    if cells is None:
        tell_grid(plan, told)
    else:
        plan = plan.model_copy(update={"shapes": [(cell.n, cell.m) for cell in cells]})
    plan = _priced(plan, asked="prices" in fields)
    machine = _machine(plan)
    folder = out or new_folder(plan)

    @contextmanager
    def opened() -> Iterator[tuple[Journal, SweepSpec, Sequence[Observation]]]:
        try:
            with create(folder, plan, machine, claimed=out is None) as journal:
                yield journal, plan, ()
        finally:
            if out is None:
                with suppress(OSError):  # by now it is a run, unless it failed to start
                    folder.rmdir()

    return folder, opened()


def fields_of(given: Mapping[str, Any], *, quick: bool, spec: Path | None) -> dict[str, Any]:
    """The fields of a specification: of `--quick`, then of the file, then those given."""
    return (QUICK if quick else {}) | (read_spec(spec) if spec else {}) | dict(given)


def new_folder(spec: SweepSpec) -> Path:
    """Makes the default folder of a run; other sweeps may begin in the same second."""
    name = f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{re.sub('[:/]', '-', spec.problem)}"
    return claimed_folder(Path("runs"), name)


def tell_grid(spec: SweepSpec, told: Callable[[str], None]) -> None:
    """Tells where the problem's sizes are not those that the user may expect."""
    _tell_shapes(spec, told)
    _tell_columns(spec, told)


def old_run(folder: Path, given: Mapping[str, Any]) -> Opened:
    """Opens an existing run to continue; `given`: changed fields, out of `MAY_CHANGE`."""
    _check_one_machine(folder)
    spec = load(folder).spec
    if given.get("rounds", spec.rounds) < spec.rounds:
        msg = f"rounds = {given['rounds']}: {folder} is for {spec.rounds} already; rounds can be added, not taken away"
        raise InputError(msg)

    @contextmanager
    def opened() -> Iterator[tuple[Journal, SweepSpec, Sequence[Observation]]]:
        with reopen(folder, given, _machine(spec)) as (journal, run):
            yield journal, run.spec, run.observations

    return opened()


def _check_one_machine(folder: Path) -> None:
    """Raises InputError for the folder of a cluster's sweep, or a run in it: this machine cannot continue them."""
    whole = folder if runs_in(folder) != [folder] else folder.parent if machines_of(load(folder)) else None
    if whole is not None:
        raise InputError(f"{folder} was measured on a cluster: go on with --resume {whole} --cluster WHERE")


def measure(folder: Path, opened: Opened, told: Callable[[str], None] = lambda _: None) -> Report:
    """Runs the sweep; each observation is in the journal before it waits for the next.

    `told` gets a line for each condition that makes measurements noisy.
    """
    try:
        with opened as (journal, spec, past), scratch_folder(folder) as scratch:
            for line in cautions(spec.threads):
                told(f"warning: {line}")
            return _measured(folder, journal, spec, past, scratch)
    except SurroundingsError as error:
        if not folder.exists():  # nothing was measured, or the folder was moved
            raise
        raise SurroundingsError(f"{error}; {kept(folder)}") from None


def kept(folder: Path, cluster: str | None = None) -> str:
    """A line about a run that ended early: how to continue it, on that cluster."""
    if not folder.exists():
        return "nothing was measured"
    there = "" if cluster is None else f" --cluster {shlex.quote(cluster)}"
    return f"what was measured is kept; {go_on(folder)}{there}"


def _measured(folder: Path, journal: Journal, spec: SweepSpec, past: Sequence[Observation], scratch: Path) -> Report:
    if spec.prices is Planning.SECONDS:
        with needed(f"write to {scratch}"):
            hand_out(_prices_of(folder, spec), scratch)
    forecast = TimeForecast(spec, len(available_cpus()) or 1)
    plan = AdaptivePlan(spec, forecast) if spec.adaptive else FixedPlan(spec, forecast)
    executor = (PyperfExecutor if spec.protocol is Protocol.PYPERF else LocalExecutor)(spec, scratch)
    sweep = Sweep(spec, executor, plan, past)
    observations = watched(sweep, plan.seconds_left)
    try:
        for observation in observations:
            journal.append(observation)
    finally:
        with signals_deferred():  # afterwards no worker is left; a second Ctrl-C waits for that
            observations.close()
    return Report(outcome=plan.outcome(), measuring=sweep.measuring_seconds, timed=sweep.timed_seconds)


def _tell_shapes(spec: SweepSpec, told: Callable[[str], None]) -> None:
    """Tell about the grid, if the problem does not have all of it."""
    grid = list(product(spec.inputs, spec.outputs))
    if spec.shapes is not None and spec.shapes != grid:
        near = f"the shapes nearest to the grid are measured, {len(spec.shapes)} instead of {len(grid)}"
        told(f"{spec.problem} has {problem_shape(spec.problem)}: {near}")


def _tell_columns(spec: SweepSpec, told: Callable[[str], None]) -> None:
    """Says how many columns the smallest Jacobian has, unless it has n."""
    n, m = spec.cells[0].n, spec.cells[0].m
    problem = spec.problem_at(spec.cells[0])
    columns = problem.chain.n_columns(spec.wrt)
    what = {problem.theta.size: "theta", problem.x.size: "x"}.get(n)
    if columns != n and what is not None:
        told(f"n is the size of {what}; with respect to {spec.wrt.value} J has {columns:,} columns at n = {n}, m = {m}")


def _priced(spec: SweepSpec, *, asked: bool) -> SweepSpec:
    """Chooses prices: seconds on a calibrated machine, unless the specification says otherwise."""
    plans = any(engine(name).direction is Direction.MIXED for name in spec.engines)
    known = plans and calibrated(_machine(spec)) is not None
    if asked and spec.prices is Planning.SECONDS and plans and not known:
        msg = "prices = seconds: this machine was not calibrated with these versions; run `fwdrev calibrate` first"
        raise InputError(msg)
    wanted = Planning.SECONDS if known and (not asked or spec.prices is Planning.SECONDS) else Planning.OPERATIONS
    return spec.model_copy(update={"prices": wanted})


def _prices_of(folder: Path, spec: SweepSpec) -> Seconds:
    """The prices with which the run began, which are stored with it."""
    kept = folder / KEPT
    if not kept.exists():
        found = calibrated(_machine(spec))
        if found is None:
            raise InputError(f"{folder} was planned by seconds, and {kept.name} is not there: run `fwdrev calibrate`")
        save_calibration(found, kept)
    return read_calibration(kept).seconds


def _machine(spec: SweepSpec) -> dict[str, Any]:
    return fingerprint(spec.threads, device_name(spec))
