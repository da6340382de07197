"""Workers in this process: they do the work of real ones at a fraction of the cost, but cannot die or hang.

with workers_here():
fwdrev("sweep", "--quick", "--out", folder)
with functions_here():
fwdrev("advise", "model:f", "--shape", "3")
"""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from threading import Lock
from typing import Any

import pytest

from fwdrev.bench import LocalExecutor
from fwdrev.bench.functions import worker as function_worker
from fwdrev.bench.processes.ended import Ended
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.workers import sweep_worker
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import READY, Request

__all__ = ["functions_here", "workers_here"]

_ALONE = Lock()
"""Allows one worker at a time, since a worker traces and limits the memory of its process."""


@contextmanager
def workers_here() -> Iterator[None]:
    """Makes sweeps run their workers in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalExecutor, "_worker", _worker)
        yield


@contextmanager
def _worker(executor: LocalExecutor, request: Request, _: object) -> Iterator["_Worker"]:
    """Serves the whole request before the first line is read."""
    ledger = Path(request.ledger)
    Ledger(ledger, executor._spec.engines).close()
    with ledger.with_suffix(".said").open("w+", encoding="utf-8") as out, _ALONE:
        sweep_worker._serve(SweepSpec(**request.spec), request, out)
        out.seek(0)
        _, _, lines = out.read().partition(f"{READY}\n")
    yield _Worker(iter(lines.splitlines()))


class _Worker:
    """A worker that ends normally."""

    ended = Ended()

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def line(self, _: float) -> str | None:
        """The next observation."""
        return next(self._lines, None)


@contextmanager
def functions_here() -> Iterator[None]:
    """Makes `advise` run the user's functions in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwdrev.bench.functions.isolated.started", _function_process)
        patch.setattr("fwdrev.bench.functions.worker.gc.freeze", lambda: None)  # of a process that lives on
        yield


@contextmanager
def _function_process(*_: object) -> Iterator["_FunctionProcess"]:
    yield _FunctionProcess()


class _FunctionProcess:
    """Stands in for `fwdrev.bench.processes.side_process.SideProcess`; its first answer reports that it has started."""

    def __init__(self) -> None:
        self._worker = function_worker._Worker()
        self.tell({"do": "start"})

    def tell(self, command: Mapping[str, Any]) -> None:
        """Answers at once; the function's prints go to standard error."""
        given = json.loads(json.dumps(command))
        action = getattr(self._worker, given.pop("do"))
        with redirect_stdout(sys.stderr):
            self._answer = json.dumps(function_worker._tried(action, given))

    def hear(self, _: float) -> dict[str, Any]:
        """The answer to the last command."""
        answer: dict[str, Any] = json.loads(self._answer)
        return answer
