"""Executors: what turns cells into observations. The sweep does not know whether processes run or a formula answers."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.skips import Skips

__all__ = ["Executor"]


@runtime_checkable
class Executor(Protocol):
    """Measures cells. Observations come as soon as they exist; every cell that was asked for has one in each round.

    What `skips` says is not run; what fails on the way is noted in it.
    """

    def prepare(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Compile and check every arm in every cell; nothing is timed."""
        ...

    def weigh(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Measure the memory of every arm in every cell, in processes that do nothing else."""
        ...

    def rounds(
        self, indices: Sequence[int], cells: Sequence[Cell], loops: Mapping[Cell, Mapping[str, int]], skips: Skips
    ) -> Iterator[Observation]:
        """These rounds: the cells in the given order, with calls per block where they are known."""
        ...
