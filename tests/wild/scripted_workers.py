"""Workers with a scripted fate: the local executor with all its threads, but without processes."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fwdrev.bench import Cell, LocalExecutor, Observation, Skips, Status
from fwdrev.bench.processes.ended import Ended
from fwdrev.bench.records.observation import ArmResult
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import Request

__all__ = ["Fate", "fine", "script"]

Fate = Callable[[int, Cell, str | None], str]
"""The fate of an arm in a pass or round and a cell; without an arm, of the cell itself before its first arm.

`fine`; `failed` or `wrong`, as a record; `late`; the last words of a worker that dies of it; or a signal, as in `-15`.
"""


def fine(*_: object) -> str:
    """The fate in which nothing goes wrong."""
    return "fine"


def script(monkeypatch: pytest.MonkeyPatch, fate: Fate) -> list[tuple[int, Cell, str]]:
    """Gives workers this fate; returns a growing list of what they run: pass or round, cell and arm."""
    ran: list[tuple[int, Cell, str]] = []

    @contextmanager
    def worker(_: LocalExecutor, request: Request, __: object) -> Iterator[_Worker]:
        yield _Worker(request, fate, ran)

    monkeypatch.setattr(LocalExecutor, "_worker", worker)
    return ran


@dataclass
class _Worker:
    """Stands in for `fwdrev.bench.workers.sweep_worker`, cell by cell."""

    request: Request
    fate: Fate
    ran: list[tuple[int, Cell, str]] = field(default_factory=list)
    ended: Ended = field(default_factory=Ended)

    def __post_init__(self) -> None:
        self._lines = self.lines()

    def line(self, _: float) -> str | None:
        """The next line."""
        return next(self._lines, None)

    def lines(self) -> Iterator[str]:
        """An observation for each cell, until the worker dies."""
        request, engines = self.request, self.request.spec["engines"]
        skips = Skips.from_json(engines, request.skips)
        with closing(Ledger(Path(request.ledger), engines)) as ledger:
            for n, m in request.cells:
                cell, names = Cell(n, m), skips.open(Cell(n, m))
                ledger.clear()
                if names and self._dies(self.fate(request.round, cell, None)):
                    return
                arms = skips.barred(cell)
                for name in names:
                    ledger.enter(name)
                    self.ran.append((request.round, cell, name))
                    fate = self.fate(request.round, cell, name)
                    if self._dies(fate):
                        return
                    arms[name] = self._result(fate)
                ledger.enter(None)
                skips.note(cell, arms)
                yield json.dumps(Observation(round=request.round, cell=cell, arms=arms).to_json())

    def _result(self, fate: str) -> ArmResult:
        if fate != "fine":
            return ArmResult(status=Status(fate), reason="as written")
        timed = self.request.round >= 0
        return ArmResult(status=Status.MEASURED, loops=int(timed), values=(1e-3,) * 2 if timed else ())

    def _dies(self, fate: str) -> bool:
        if fate in {"fine", "failed", "wrong"}:
            return False
        code = int(fate) if fate.startswith("-") else 1
        self.ended = Ended(code=code, late=fate == "late", lines=("Traceback (most recent call last):", fate))
        return True
