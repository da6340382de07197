"""The process that measures: reads one request from standard input and writes one observation per line.

An arm may kill it, and it ends itself if an arm left no memory: the executor reads in the ledger which
arm it was, and starts another worker without it.

Started afresh for each round, pinned to its processors, with the threads of BLAS and XLA set before they load. What
libraries print goes to standard error, so that the observations stay readable.
"""

import gc
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TextIO

from fwdrev.bench.machine.processors import pin
from fwdrev.bench.processes.inside import end_with_command, own_streams
from fwdrev.bench.records.observation import PREPARING, WEIGHING, Cell, Observation
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.workers.cell_visit import Arms, memory_measured, prepared, timed
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import READY, Request
from fwdrev.modes.registry import engine

Visit = Callable[[SweepSpec, Cell, Sequence[str], Request, Ledger], Arms]

_VISITS: dict[int, Visit] = {PREPARING: prepared, WEIGHING: memory_measured}


def main() -> None:
    """Serves one request."""
    commands, out = own_streams()
    end_with_command()
    add_working_folder()
    request = Request(**json.loads(commands.readline()))
    pin(request.cpus)
    spec = SweepSpec(**request.spec)  # the command has checked it
    load_libraries(spec.engines, jax_too=request.round == PREPARING)
    gc.freeze()
    try:
        _serve(spec, request, out)
    except BrokenPipeError:  # the command is gone
        os._exit(1)


def add_working_folder() -> None:
    """Adds a folder at the end of the module search path; a removed folder does no harm."""
    with suppress(FileNotFoundError):
        sys.path.append(str(Path.cwd()))


def load_libraries(engines: Sequence[str], *, jax_too: bool = False) -> None:
    """Imports the engines' libraries before anything is timed or limited; `jax_too`: the check needs JAX."""
    if jax_too or "jax" in {engine(name).library for name in engines}:
        import jax

        jax.devices()


def _serve(spec: SweepSpec, request: Request, out: TextIO) -> None:
    """Writes one line for each cell."""
    skips = Skips.from_json(spec.engines, request.skips)
    visit = _VISITS.get(request.round, timed)
    with closing(Ledger(Path(request.ledger), spec.engines)) as ledger:
        _write(f"\n{READY}", out)  # starts its own line, whatever stands before it in the pipe
        for n, m in request.cells:
            cell = Cell(n, m)
            ledger.clear()
            names = skips.open(cell)
            arms = skips.barred(cell) | (visit(spec, cell, names, request, ledger) if names else {})
            ledger.enter(None)
            skips.note(cell, arms)
            _write(json.dumps(Observation(round=request.round, cell=cell, arms=arms).to_json()), out)


def _write(line: str, out: TextIO) -> None:
    out.write(line + "\n")
    out.flush()


if __name__ == "__main__":
    main()
