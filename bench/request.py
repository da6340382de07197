"""What a worker process is asked for, as plain data that goes through a pipe."""

from dataclasses import dataclass
from typing import Any

from fwdrev.bench.cell import Cell

__all__ = ["Request"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a worker is asked for: `cells` in the order to visit them, calls per block where they are known already.

    `skip` names the arms that are not to be run in a cell, since they were wrong or failed there; `folder` is where the
    sweep keeps references and compiled programs; `cpus` are the processors to use.
    """

    spec: dict[str, Any]
    round: int
    cells: list[tuple[int, int]]
    loops: dict[str, dict[str, int]]
    skip: dict[str, list[str]]
    folder: str
    cpus: list[int]

    @staticmethod
    def key(cell: Cell) -> str:
        """How a cell is named in `loops` and `skip`."""
        return f"{cell.n},{cell.m}"
