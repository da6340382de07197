"""Arms to skip: they failed in that cell, or ran out of time or memory at a smaller size."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from fwdrev.bench.records.observation import ArmResult, Cell, Status

_GROWING = (Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED)
"""Failures that only get worse with size: such an arm is skipped at larger n and m; a wrong one is not."""


class Skips:
    """Decides which arms a cell still has to run; safe for several threads."""

    def __init__(self, engines: Sequence[str]) -> None:
        """Starts without any failure."""
        self._engines = list(engines)
        self._settled: dict[Cell, set[str]] = {}
        self._barriers: dict[tuple[str, Cell], Status] = {}
        self._lock = threading.RLock()

    def note(self, cell: Cell, arms: Mapping[str, ArmResult]) -> None:
        """Take note of failures: an arm that failed is not run in that cell again."""
        with self._lock:
            for name, arm in arms.items():
                if arm.status is not Status.MEASURED:
                    self._settled.setdefault(cell, set()).add(name)
                if arm.status in _GROWING:
                    self._barriers[name, cell] = arm.status

    def open(self, cell: Cell) -> list[str]:
        """The arms to run, in order."""
        with self._lock:
            barred = self.barred(cell)
            return [name for name in self._left(cell) if name not in barred]

    def barred(self, cell: Cell) -> dict[str, ArmResult]:
        """The arms to record as skipped in this cell now, with the smaller size as the reason."""
        with self._lock:
            return {
                name: ArmResult(status=Status.SKIPPED, reason=reason)
                for name in self._left(cell)
                if (reason := self._reason(name, cell)) is not None
            }

    def pending(self, cell: Cell) -> bool:
        """Whether any arm of this cell is still to run, or to be recorded as skipped."""
        return bool(self._left(cell))

    def copy(self) -> "Skips":
        """An independent copy."""
        return Skips.from_json(self._engines, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """This record as plain data, for a worker."""
        with self._lock:
            return {
                "settled": [[cell.n, cell.m, sorted(names)] for cell, names in self._settled.items()],
                "barriers": [[name, cell.n, cell.m, status] for (name, cell), status in self._barriers.items()],
            }

    @classmethod
    def from_json(cls, engines: Sequence[str], data: Mapping[str, Any]) -> "Skips":
        """The inverse of `to_json`."""
        made = cls(engines)
        made._settled = {Cell(n, m): set(names) for n, m, names in data["settled"]}
        made._barriers = {(name, Cell(n, m)): Status(status) for name, n, m, status in data["barriers"]}
        return made

    def _left(self, cell: Cell) -> list[str]:
        settled = self._settled.get(cell, set())
        return [name for name in self._engines if name not in settled]

    def _reason(self, name: str, cell: Cell) -> str | None:
        for (barred, at), status in self._barriers.items():
            if barred == name and at != cell and at.n <= cell.n and at.m <= cell.m:
                return f"larger than n = {at.n}, m = {at.m}, where it ended: {status.value}"
        return None
