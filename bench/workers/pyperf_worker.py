"""A benchmark script for pyperf, for one arm in one cell: `pyperf.Runner` starts it again for each of its workers.

Only a worker builds the problem, and only its own: every process would repeat set-up done in pyperf's manager
(pyperf issue 110).
"""

import json
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from itertools import repeat
from pathlib import Path
from typing import Any

import pyperf

from fwdrev.bench.machine.memory import limited
from fwdrev.bench.processes.inside import end_with_command, own_streams
from fwdrev.bench.records.observation import Cell, Status
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.workers.cell_visit import checked, timed_call
from fwdrev.bench.workers.engine_prices import planned
from fwdrev.bench.workers.reference_check import Reference, cell_file
from fwdrev.bench.workers.sweep_worker import add_working_folder, load_libraries


@dataclass(frozen=True, slots=True, kw_only=True)
class PyperfRequest:
    """The arm to measure: an engine in a cell; `folder` has the reference, `memory` is the limit in bytes."""

    spec: dict[str, Any]
    n: int
    m: int
    engine: str
    folder: str
    memory: int | None


def main() -> None:
    """Runs as manager or as worker, which the options decide."""
    _open = own_streams()  # open until this process ends, so that the command sees its end
    end_with_command()
    add_working_folder()
    runner = pyperf.Runner(program_args=("-P", "-m", "fwdrev.bench.workers.pyperf_worker"), add_cmdline_args=_pass_on)
    runner.argparser.add_argument("--request", required=True)
    path = Path(runner.parse_args().request)
    request = PyperfRequest(**json.loads(path.read_text(encoding="utf-8")))
    if runner.args.worker:
        load_libraries([request.engine])
    runner.bench_time_func(f"{request.engine} n={request.n} m={request.m}", partial(_time, request))


def _pass_on(command: list[str], args: Namespace) -> None:
    command += ["--request", args.request]


def _time(request: PyperfRequest, loops: int) -> float:
    """Seconds of `loops` calls; the first call of this function prepares the arm, untimed."""
    with limited(request.memory):
        call = _prepared(request.engine, json.dumps(request.spec), request.n, request.m, request.folder)
        start = pyperf.perf_counter()
        for _ in repeat(None, loops):
            call()
        return float(pyperf.perf_counter() - start)


@cache
def _prepared(engine: str, spec_text: str, n: int, m: int, folder: str) -> Callable[[], object]:
    """The checked Jacobian at the problem's point, ready to be called."""
    spec, cell = SweepSpec(**json.loads(spec_text)), Cell(n, m)
    problem = spec.problem_at(cell)
    made = planned(engine, Path(folder))
    jacobian, arm = checked(made, spec, problem, Reference.load(cell_file(Path(folder), cell)))
    if arm.status is not Status.MEASURED or jacobian is None:
        raise SystemExit(f"{arm.status.value}: {arm.reason}")
    return timed_call(made, jacobian, spec, problem)


if __name__ == "__main__":
    main()
