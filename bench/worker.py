"""The process that measures: it reads one request from standard input and writes one observation per line.

Started afresh for each round, pinned to its processors, with the threads of BLAS and XLA set before they load. What
libraries print goes to standard error, so that the observations stay readable.
"""

import dataclasses
import gc
import json
import os
import sys
import traceback
from functools import partial
from pathlib import Path
from random import Random
from typing import TextIO

import numpy as np
from pyperf import perf_counter

from fwdrev.bench.cell import PREPARING, ArmResult, Cell, Observation, Status
from fwdrev.bench.check import Reference, cell_file, deviation, is_wrong, reference
from fwdrev.bench.request import Request
from fwdrev.bench.spec import SweepSpec
from fwdrev.bench.timing import calibrate, timed_blocks
from fwdrev.modes.engine import Jacobian
from fwdrev.modes.problem import Problem
from fwdrev.modes.registry import engine

__all__ = ["main"]

_LONGEST_REASON = 500
"""Letters: an exception may say anything, a journal line should stay readable."""


def main() -> None:
    """Serve one request."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path.append(str(Path.cwd()))
    request = Request(**json.load(sys.stdin))
    if request.cpus and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, request.cpus)
    gc.freeze()
    spec = SweepSpec(**request.spec)  # checked by whoever asked
    visit = _prepared if request.round == PREPARING else _timed_round
    try:
        for n, m in request.cells:
            _write(visit(spec, Cell(n, m), request), out)
    except BrokenPipeError:  # whoever asked is gone
        os._exit(1)


def _write(observation: Observation, out: TextIO) -> None:
    out.write(json.dumps(observation.to_json()) + "\n")
    out.flush()


def _prepared(spec: SweepSpec, cell: Cell, request: Request) -> Observation:
    """Compile each arm's program into the sweep's cache, and check its Jacobian."""
    problem = spec.problem_at(cell)
    expected = reference(problem, spec.wrt)
    expected.save(cell_file(Path(request.folder), cell))
    arms = {name: _arm(name, spec, problem, expected)[1] for name in spec.engines}
    costs = {name: engine(name).cost(problem.chain, spec.wrt) for name in spec.engines}
    return Observation(
        round=PREPARING,
        cell=cell,
        arms={name: dataclasses.replace(arm, cost=costs[name]) for name, arm in arms.items()},
    )


def _timed_round(spec: SweepSpec, cell: Cell, request: Request) -> Observation:
    """Check each arm again, since this process prepared it anew, and time those that are right."""
    problem, key = spec.problem_at(cell), Request.key(cell)
    expected = Reference.load(cell_file(Path(request.folder), cell))
    names = [name for name in spec.engines if name not in request.skip.get(key, ())]
    made = {name: _arm(name, spec, problem, expected) for name in names}
    calls = {
        name: partial(jacobian, problem.x, problem.theta)
        for name, (jacobian, _) in made.items()
        if jacobian is not None
    }
    loops = request.loops.get(key) or calibrate(calls, spec.block_seconds)
    values = timed_blocks(calls, loops, spec.blocks, Random(f"{spec.seed} {request.round} {key}"))
    arms = {
        name: dataclasses.replace(arm, loops=loops[name], values=tuple(values[name])) if name in calls else arm
        for name, (_, arm) in made.items()
    }
    return Observation(round=request.round, cell=cell, arms=arms)


def _arm(name: str, spec: SweepSpec, problem: Problem, expected: Reference) -> tuple[Jacobian | None, ArmResult]:
    """The prepared Jacobian, or None and why there is none."""
    made, start = engine(name), perf_counter()
    try:
        jacobian = made.prepare(problem.chain, spec.wrt)
        seconds = perf_counter() - start
        J = jacobian(problem.x, problem.theta)
    except Exception as error:  # noqa: BLE001 - an engine may be anybody's: its failure is a result
        traceback.print_exc()
        told = " ".join(f"{type(error).__name__}: {error}".split())
        return None, ArmResult(status=Status.FAILED, reason=told[:_LONGEST_REASON])
    if not made.computes:
        return jacobian, ArmResult(status=Status.MEASURED, prepare_seconds=seconds)
    error_size = deviation(np.asarray(J), expected)
    if is_wrong(error_size, problem.chain):
        reason = f"its Jacobian differs from jax.jvp and jax.vjp by {error_size:.1e}, relatively"
        return None, ArmResult(status=Status.WRONG, reason=reason, prepare_seconds=seconds)
    return jacobian, ArmResult(status=Status.MEASURED, prepare_seconds=seconds, error=error_size)


if __name__ == "__main__":
    main()
