"""Executors: what turns cells into observations. The sweep does not know whether processes run or a formula answers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from fwdrev.bench.cell import Cell, Observation

__all__ = ["Executor"]


@runtime_checkable
class Executor(Protocol):
    """Measures cells. Observations come as soon as they exist; every cell that was asked for has one."""

    def prepare(self, cells: Sequence[Cell]) -> Iterator[Observation]:
        """Compile and check every arm in every cell; nothing is timed."""
        ...

    def round(
        self,
        index: int,
        cells: Sequence[Cell],
        loops: Mapping[Cell, Mapping[str, int]],
        skip: Mapping[Cell, Sequence[str]],
    ) -> Iterator[Observation]:
        """One round: the cells in the given order, with calls per block where they are known, without skipped arms."""
        ...
