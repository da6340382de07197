"""Arms that are not run: they failed in that cell, or ran out of time or memory at a smaller size."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from fwdrev.bench.records.observation import ArmResult, Cell, Status

_GROWING = (Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED)
"""Failures that get no better with size: such an arm is not tried at larger n and m; a wrong one is."""


class Skips:
    """Which arms a cell still has; several threads may ask and note at once."""

    def __init__(self, engines: Sequence[str]) -> None:
        """Nothing is known yet."""
        self._engines = list(engines)
        self._settled: dict[Cell, set[str]] = {}
        self._barriers: dict[tuple[str, Cell], Status] = {}
        self._lock = threading.RLock()

    def note(self, cell: Cell, arms: Mapping[str, ArmResult]) -> None:
        """An arm that was not measured is not run in that cell again."""
        with self._lock:
            for name, arm in arms.items():
                if arm.status is not Status.MEASURED:
                    self._settled.setdefault(cell, set()).add(name)
                if arm.status in _GROWING:
                    self._barriers[name, cell] = arm.status

    def open(self, cell: Cell) -> list[str]:
        """The arms that are to be run, in order."""
        with self._lock:
            barred = self.barred(cell)
            return [name for name in self._left(cell) if name not in barred]

    def barred(self, cell: Cell) -> dict[str, ArmResult]:
        """The arms that are now to be recorded as skipped in this cell, with the smaller size that is the reason."""
        with self._lock:
            return {
                name: ArmResult(status=Status.SKIPPED, reason=reason)
                for name in self._left(cell)
                if (reason := self._reason(name, cell)) is not None
            }

    def pending(self, cell: Cell) -> bool:
        """Whether an arm of this cell is still to be run, or to be recorded as skipped."""
        return bool(self._left(cell))

    def copy(self) -> "Skips":
        """An independent copy."""
        return Skips.from_json(self._engines, self.to_json())

    def to_json(self) -> dict[str, Any]:
        """Plain data, for a worker."""
        with self._lock:
            return {
                "settled": [[cell.n, cell.m, sorted(names)] for cell, names in self._settled.items()],
                "barriers": [[name, cell.n, cell.m, status] for (name, cell), status in self._barriers.items()],
            }

    @classmethod
    def from_json(cls, engines: Sequence[str], data: Mapping[str, Any]) -> "Skips":
        """The inverse."""
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
