"""Timed blocks as one array, to compute times and ratios of all cells at once.

blocks.medians          # (units, cells, engines), logarithms of seconds
blocks.log_ratios("forward", "reverse")         # (units, cells), from blocks timed side by side

The unit is the round. Where several machines of one type measured, it is the machine: rounds on one machine share what
that machine does, so they tell nothing about the next one, and each machine counts once, by the mean of its rounds
(a random effect: the interval over machines has as many degrees of freedom as there are machines, less one).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.core.arrays import Matrix

Blockwise = Float[np.ndarray, "rounds cells engines blocks"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """`logs` (rounds, cells, engines, blocks): log seconds per call, NaN where nothing was timed.

    `cells` are ascending, `engines` in the order of the specification, without engines that have no value.
    `machines`: their names if there are several, and `owners` (rounds, cells) the one that measured, or -1.
    """

    rounds: tuple[int, ...]
    cells: tuple[Cell, ...]
    engines: tuple[str, ...]
    logs: Blockwise
    machines: tuple[str, ...] = ()
    owners: Int[np.ndarray, "rounds cells"] | None = None

    @property
    def units(self) -> tuple[int, ...]:
        """The labels of the units: the rounds, or the positions of several machines."""
        return tuple(range(len(self.machines))) or self.rounds

    @property
    def medians(self) -> Float[np.ndarray, "units cells engines"]:
        """The median over the blocks of each round, or the mean of these over the rounds of each machine."""
        return self._by_unit(block_median(self.logs))

    def log_ratios(self, one: str, other: str) -> Matrix:
        """(units, cells): the median of log(time of one / time of the other) over paired blocks.

        Raises ValueError for an engine without values.
        """
        i, j = self.engines.index(one), self.engines.index(other)
        return self._by_unit(block_median(self.logs[:, :, i] - self.logs[:, :, j]))

    def _by_unit(self, of_rounds: Float[np.ndarray, "rounds ..."]) -> Float[np.ndarray, "units ..."]:
        """The values of the rounds themselves, or their means on each machine; NaN where it measured nothing."""
        if self.owners is None:
            return of_rounds
        found = []
        for machine in range(len(self.machines)):
            mine = (self.owners == machine).reshape(self.owners.shape + (1,) * (of_rounds.ndim - 2))
            there = mine & ~np.isnan(of_rounds)
            total, rounds = np.where(there, of_rounds, 0.0).sum(axis=0), there.sum(axis=0)
            found.append(np.divide(total, rounds, out=np.full(total.shape, np.nan), where=rounds > 0))
        return np.stack(found)


def block_median(logs: Float[np.ndarray, "... blocks"]) -> Float[np.ndarray, "..."]:
    """The median over the last axis, ignoring NaN; NaN where all are missing."""
    if not logs.size:
        return np.full(logs.shape[:-1], np.nan)
    ordered = np.sort(logs, axis=-1)  # NaN sorts last; for so few values this is faster than np.nanmedian
    there = (~np.isnan(logs)).sum(axis=-1, keepdims=True)
    lower, upper = (np.take_along_axis(ordered, i, axis=-1) for i in (np.maximum(there - 1, 0) // 2, there // 2))
    return np.asarray((lower + upper)[..., 0] / 2)
