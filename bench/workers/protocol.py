"""What a worker process is asked for, as plain data that goes through a pipe."""

from dataclasses import dataclass
from typing import Any

from fwdrev.bench.records.observation import Cell

READY = "{}"
"""A worker's first line: its libraries are loaded, from here on the time counts. Lines before it come from others, such
as a `sitecustomize` that prints."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a worker is asked for: `cells` in the order to visit them, calls per block where they are known already.

    `skips` tells what not to run (`Skips`); `folder` is where the sweep keeps references and compiled programs,
    `ledger` the file in which the worker notes what it is at; `cpus` are the processors to use, `memory` the bytes that
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
        """How a cell is named in `loops`."""
        return f"{cell.n},{cell.m}"
