"""A worker's visit to one cell: it prepares and checks the arms, measures their memory, or times them.

Each function returns a result for every given arm; an arm's error becomes its result, except for a lack
of memory or of other resources (`fwdrev.bench.records.reasons`).
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from random import Random
from time import perf_counter
from typing import TypeVar

import numpy as np

from fwdrev.bench.machine.memory import limited, peak_of, peak_on
from fwdrev.bench.records.observation import ArmResult, Cell, Memory, Status
from fwdrev.bench.records.reasons import lack, means_memory, one_line
from fwdrev.bench.records.spec import Device, SweepSpec
from fwdrev.bench.timing.blocks import calibrate, timed_blocks
from fwdrev.bench.workers import reference_check
from fwdrev.bench.workers.engine_prices import planned
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import Request
from fwdrev.bench.workers.reference_check import Reference
from fwdrev.modes.core.cost import EngineCost, ProgramCost
from fwdrev.modes.core.engine import Engine, Jacobian
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.errors import Raised, attempt
from fwdrev.modes.plugins import checked_counts

Arms = dict[str, ArmResult]
T = TypeVar("T")


def prepared(spec: SweepSpec, cell: Cell, names: Sequence[str], request: Request, ledger: Ledger) -> Arms:
    """Compile each arm's program into the sweep's cache, check its Jacobian, and record its counts."""
    found = _tried(lambda: _with_reference(spec, cell))
    if isinstance(found, ArmResult):  # the problem itself fails, so no arm can be measured
        return dict.fromkeys(names, found)
    problem, expected = found
    expected.save(reference_check.cell_file(Path(request.folder), cell))
    arms: Arms = {}
    for name in names:
        ledger.enter(name)
        made = _tried(partial(planned, name, Path(request.folder)))
        if isinstance(made, ArmResult):
            arms[name] = made
            continue
        with limited(request.memory):
            jacobian, arm = checked(made, spec, problem, expected)
        arms[name] = arm if jacobian is None else _tried(partial(_counted, made, spec, problem, arm))
    return arms


def _with_reference(spec: SweepSpec, cell: Cell) -> tuple[Problem, Reference]:
    problem = spec.problem_at(cell)
    return problem, reference_check.reference(problem, spec.wrt)


def memory_measured(spec: SweepSpec, cell: Cell, names: Sequence[str], request: Request, ledger: Ledger) -> Arms:
    """Measure the peak of each arm's memory, from its preparation on."""
    problem = spec.problem_at(cell)
    arms: Arms = {}
    for name in names:
        ledger.enter(name)
        with limited(request.memory):
            arms[name] = _tried(partial(_memory_measured, name, Path(request.folder), spec, problem))
    return arms


def timed(spec: SweepSpec, cell: Cell, names: Sequence[str], request: Request, ledger: Ledger) -> Arms:
    """Check each arm again, since this process prepared it anew, and time the correct ones."""
    problem, key = spec.problem_at(cell), Request.key(cell)
    expected = Reference.load(reference_check.cell_file(Path(request.folder), cell))
    made: dict[str, ArmResult] = {}
    calls: dict[str, Callable[[], object]] = {}
    for name in names:
        ledger.enter(name)
        with limited(request.memory):
            engine = planned(name, Path(request.folder))
            jacobian, made[name] = checked(engine, spec, problem, expected)
            if jacobian is not None:
                calls[name] = timed_call(engine, jacobian, spec, problem)
    known = request.loops.get(key, {})
    rng = Random(f"{spec.seed} {request.round} {key}")
    with limited(request.memory):
        loops = known if calls.keys() <= known.keys() else calibrate(calls, spec.block_seconds, ledger.enter) | known
        values = timed_blocks(calls, loops, spec.blocks, rng, ledger.enter)
    return {name: _with_times(arm, loops[name], values[name]) if name in calls else arm for name, arm in made.items()}


def timed_call(made: Engine, jacobian: Jacobian, spec: SweepSpec, problem: Problem) -> Callable[[], object]:
    """What is timed: one Jacobian at the problem's point.

    On a GPU that of a JAX engine begins with x and θ there, and stays there; or, with `transfers`, all three are
    NumPy's.
    """
    if spec.device is Device.CPU or made.library != "jax":
        return partial(jacobian, problem.x, problem.theta)
    if spec.transfers:
        return lambda: np.asarray(jacobian(problem.x, problem.theta))
    import jax

    return partial(jacobian, *jax.device_put((problem.x, problem.theta)))


def _with_times(arm: ArmResult, loops: int, values: Sequence[float]) -> ArmResult:
    """The times alone: the seconds to prepare and the error of an arm are those of the pass that prepares."""
    return replace(arm, prepare_seconds=None, error=None, loops=loops, values=tuple(values))


def checked(made: Engine, spec: SweepSpec, problem: Problem, expected: Reference) -> tuple[Jacobian | None, ArmResult]:
    """The prepared Jacobian, checked against the reference; or None and the reason."""
    start = perf_counter()
    jacobian = _tried(lambda: made.prepare(problem.chain, spec.wrt))
    seconds = perf_counter() - start
    if isinstance(jacobian, ArmResult):
        return None, jacobian
    J = _tried(lambda: np.asarray(jacobian(problem.x, problem.theta)))
    if isinstance(J, ArmResult):
        return None, J
    arm = ArmResult(status=Status.MEASURED, prepare_seconds=seconds)
    if not made.computes:
        return jacobian, arm
    error = _tried(partial(reference_check.deviation, J, expected))
    if isinstance(error, ArmResult):
        return None, error
    if not error <= reference_check.TOLERANCE[problem.chain.dtype.name]:  # also true for NaN
        return None, replace(arm, status=Status.WRONG, reason=reference_check.wrong_text(J, expected, error))
    return jacobian, replace(arm, error=error, reason=reference_check.unchecked_text(J, expected))


def _counted(made: Engine, spec: SweepSpec, problem: Problem, arm: ArmResult) -> ArmResult:
    cost, program = made.cost(problem.chain, spec.wrt), made.program_cost(problem.chain, spec.wrt)
    compiled = None if program is None else checked_counts(program, ProgramCost)
    return replace(arm, cost=checked_counts(cost, EngineCost), program=compiled)


def _memory_measured(name: str, folder: Path, spec: SweepSpec, problem: Problem) -> ArmResult:
    """tracemalloc sees NumPy's allocations, a GPU counts JAX's; on the processor `ProgramCost` has XLA's."""
    made = planned(name, folder)

    def call() -> object:
        return made.prepare(problem.chain, spec.wrt)(problem.x, problem.theta)

    if spec.device is Device.GPU and made.library == "jax":
        import jax

        memory = Memory(allocated=peak_on(jax.local_devices()[0], call))
    else:
        memory = peak_of(call, traced=made.library == "numpy")
    return ArmResult(status=Status.MEASURED, memory=memory)


def _tried(action: Callable[[], T]) -> T | ArmResult:
    found = attempt(action)
    if not isinstance(found, Raised):
        return found
    error = found.error
    if means_memory(repr(error)) or lack(repr(error)):
        raise error  # this process, or the machine, is no longer fit to measure
    traceback.print_exception(error)
    return ArmResult(status=Status.FAILED, reason=one_line(f"{type(error).__name__}: {error}"))
