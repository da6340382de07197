"""Timed blocks as one array, to compute times and ratios of all cells at once.

blocks.medians          # (rounds, cells, engines), logarithms of seconds
blocks.log_ratios("forward", "reverse")         # (rounds, cells), from blocks timed side by side
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.core.arrays import Matrix

Blockwise = Float[np.ndarray, "rounds cells engines blocks"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """`logs` (rounds, cells, engines, blocks): log seconds per call, NaN where nothing was timed.

    `cells` are ascending, `engines` in the order of the specification, without engines that have no value.
    """

    rounds: tuple[int, ...]
    cells: tuple[Cell, ...]
    engines: tuple[str, ...]
    logs: Blockwise

    @property
    def medians(self) -> Float[np.ndarray, "rounds cells engines"]:
        """The median over the blocks of each round."""
        return block_median(self.logs)

    def log_ratios(self, one: str, other: str) -> Matrix:
        """(rounds, cells): the median of log(time of one / time of the other) over paired blocks.

        Raises ValueError for an engine without values.
        """
        i, j = self.engines.index(one), self.engines.index(other)
        return block_median(self.logs[:, :, i] - self.logs[:, :, j])


def block_median(logs: Float[np.ndarray, "... blocks"]) -> Float[np.ndarray, "..."]:
    """The median over the last axis, ignoring NaN; NaN where all are missing."""
    if not logs.size:
        return np.full(logs.shape[:-1], np.nan)
    ordered = np.sort(logs, axis=-1)  # NaN sorts last; for so few values this is faster than np.nanmedian
    there = (~np.isnan(logs)).sum(axis=-1, keepdims=True)
    lower, upper = (np.take_along_axis(ordered, i, axis=-1) for i in (np.maximum(there - 1, 0) // 2, there // 2))
    return np.asarray((lower + upper)[..., 0] / 2)
