"""Workers of a sweep in this process: they do all that real ones do, at a tenth of the cost.

with workers_here():
    fwdrev("sweep", "--quick", "--out", folder)
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import pytest

from fwdrev.bench import LocalExecutor
from fwdrev.bench.processes.ended import Ended
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.workers import sweep_worker
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import READY, Request

__all__ = ["workers_here"]

_ALONE = Lock()
"""A worker traces and limits the memory of its process, so there is one at a time."""


@contextmanager
def workers_here() -> Iterator[None]:
    """Starts no process for the sweeps inside."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalExecutor, "_worker", _worker)
        yield


@contextmanager
def _worker(executor: LocalExecutor, request: Request, _: object) -> Iterator["_Worker"]:
    """It has served its request before the first line is asked for."""
    ledger = Path(request.ledger)
    Ledger(ledger, executor._spec.engines).close()
    with ledger.with_suffix(".said").open("w+", encoding="utf-8") as out, _ALONE:
        sweep_worker._serve(SweepSpec(**request.spec), request, out)
        out.seek(0)
        _, _, lines = out.read().partition(f"{READY}\n")
    yield _Worker(iter(lines.splitlines()))


class _Worker:
    """A worker that ends well."""

    ended = Ended()

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def line(self, _: float) -> str | None:
        """The next observation."""
        return next(self._lines, None)
