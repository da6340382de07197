"""The request to a worker process, as plain data for a pipe."""

from dataclasses import dataclass
from typing import Any

from fwdrev.bench.records.observation import Cell

READY = "{}"
"""A worker's first line: its libraries are loaded, and its time starts. Lines before it come from other code, such
as a `sitecustomize` that prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to a worker: `cells` in the order to visit them, with known calls per block.

    `skips` lists what not to run (`Skips`); `folder` holds the sweep's references and compiled programs,
    `ledger` is the file where it notes its present arm; `cpus` are the processors to use, `memory` the bytes that
    an arm may allocate.
    """

    spec: dict[str, Any]
    round: int
    cells: list[tuple[int, int]]
    loops: dict[str, dict[str, int]]
    skips: dict[str, Any]
    folder: str
    ledger: str
    cpus: list[int]
    memory: int | None

    @staticmethod
    def key(cell: Cell) -> str:
        """The key of a cell in `loops`."""
        return f"{cell.n},{cell.m}"
