"""The timed blocks of a run as one array, from which times and ratios of all cells are computed at once.

blocks = timed_blocks(run)
blocks.medians          # (rounds, cells, engines), logarithms of seconds
blocks.log_ratios("forward", "reverse")         # (rounds, cells), of blocks that were timed side by side
"""

from collections import defaultdict
from dataclasses import dataclass
from itertools import chain

import numpy as np
from jaxtyping import Float

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.core.arrays import Matrix
from fwdrev.results.runs.run import Run

__all__ = ["Blocks", "block_median", "timed_blocks"]

Blockwise = Float[np.ndarray, "rounds cells engines blocks"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blocks:
    """`logs` (rounds, cells, engines, blocks): the logarithm of the seconds per call, NaN where nothing was timed.

    `cells` are ascending, `engines` in the order of the specification; those without any value are not there.
    """

    rounds: tuple[int, ...]
    cells: tuple[Cell, ...]
    engines: tuple[str, ...]
    logs: Blockwise

    @property
    def medians(self) -> Float[np.ndarray, "rounds cells engines"]:
        """Over the blocks of each round."""
        return block_median(self.logs)

    def log_ratios(self, one: str, other: str) -> Matrix:
        """(rounds, cells): the median over the blocks of log(time of one / time of the other), block beside block.

        Raises ValueError for an engine without any value.
        """
        i, j = self.engines.index(one), self.engines.index(other)
        return block_median(self.logs[:, :, i] - self.logs[:, :, j])


def timed_blocks(run: Run) -> Blocks:
    """All of them; an empty run has no rounds, cells or engines."""
    timed = [o for o in run.observations if any(arm.values for arm in o.arms.values())]
    rounds, cells = sorted({o.round for o in timed}), sorted({o.cell for o in timed})
    found = {name for o in timed for name, arm in o.arms.items() if arm.values}
    engines = [name for name in run.spec.engines if name in found]
    row, column, layer = ({key: i for i, key in enumerate(keys)} for keys in (rounds, cells, engines))
    places, values = defaultdict[int, list[int]](list), defaultdict[int, list[tuple[float, ...]]](list)
    for o in timed:
        visit = (row[o.round] * len(cells) + column[o.cell]) * len(engines)
        for name, arm in o.arms.items():
            if arm.values:
                places[len(arm.values)].append(visit + layer[name])
                values[len(arm.values)].append(arm.values)
    logs = np.full((len(rounds) * len(cells) * len(engines), max(values, default=0)), np.nan)
    for count, arms in values.items():  # all arms with so many blocks at once: mostly these are all that there are
        seconds = np.fromiter(chain.from_iterable(arms), dtype=float, count=count * len(arms))
        logs[places[count], :count] = np.log(seconds).reshape(-1, count)
    shape = len(rounds), len(cells), len(engines), logs.shape[1]
    return Blocks(rounds=tuple(rounds), cells=tuple(cells), engines=tuple(engines), logs=logs.reshape(shape))


def block_median(logs: Float[np.ndarray, "... blocks"]) -> Float[np.ndarray, "..."]:
    """Over the last axis, of what is there; NaN where nothing is."""
    if not logs.size:
        return np.full(logs.shape[:-1], np.nan)
    ordered = np.sort(logs, axis=-1)  # NaN comes last; for so few values this is faster than np.nanmedian
    there = (~np.isnan(logs)).sum(axis=-1, keepdims=True)
    lower, upper = (np.take_along_axis(ordered, i, axis=-1) for i in (np.maximum(there - 1, 0) // 2, there // 2))
    return np.asarray((lower + upper)[..., 0] / 2)
