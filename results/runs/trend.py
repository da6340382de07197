"""The trend: one cell over several runs, the time of each of two engines and their ratio, in the order of their dates.

for point in trend([load("runs/may"), load("runs/june")], ("forward", "reverse")).points:
    print(point.run.created, point.ratio)
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.core.arrays import Vector
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.estimate import Estimate, log_mean

DECIDES = ("problem", "options", "wrt", "dtype")
"""The options that define the function: runs that differ in one have no trend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One run: seconds per Jacobian of each of the two engines, and their ratio, first to second."""

    run: Run
    seconds: Mapping[str, Estimate]
    ratio: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """The points, oldest first; `left_out`: a line for each run without a point, with the reason."""

    pair: tuple[str, str]
    cell: Cell
    points: tuple[TrendPoint, ...]
    left_out: tuple[str, ...]


def trend(runs: Sequence[Run], pair: tuple[str, str], cell: Cell | None = None) -> Trend:
    """The trend of that cell, by default the middle one of the cells that all runs share.

    It leaves out runs of another function than the oldest, and runs without the cell. Raises
    NothingMeasuredError if fewer than two are left.
    """
    same, left_out = _same(sorted(runs, key=lambda run: run.created))
    blocks = [timed_blocks(run) for run in same]
    reached = [_both(each, pair) for each in blocks]
    chosen = cell or _middle([cells for cells in reached if cells])
    points = []
    for run, each, cells in zip(same, blocks, reached, strict=True):
        if chosen in cells:
            points.append(_point(run, each, pair, chosen))
        elif chosen is not None or not cells:
            where = "" if chosen is None else f" at n = {chosen.n}, m = {chosen.m}"
            left_out.append(f"{run.folder} has no time of both {pair[0]} and {pair[1]}{where}")
    if chosen is None or len(points) <= 1:
        raise NothingMeasuredError(_nothing(len(runs), pair, chosen, reached, left_out))
    return Trend(pair=pair, cell=chosen, points=tuple(points), left_out=tuple(left_out))


def _same(runs: Sequence[Run]) -> tuple[list[Run], list[str]]:
    """The runs of the same function as the first, and the reasons against the others."""
    same, left_out = [], []
    for run in runs:
        other = [key for key in DECIDES if getattr(run.spec, key) != getattr(runs[0].spec, key)]
        if other:
            left_out.append(f"{run.folder} has another {' and '.join(other)} than {runs[0].folder}")
        else:
            same.append(run)
    return same, left_out


def _both(blocks: Blocks, pair: tuple[str, str]) -> set[Cell]:
    """The cells with both engines timed side by side."""
    if not set(pair) <= set(blocks.engines):
        return set()
    there = ~np.isnan(blocks.log_ratios(*pair)).all(axis=0)
    return {cell for cell, known in zip(blocks.cells, there, strict=True) if known}


def _middle(reached: Sequence[set[Cell]]) -> Cell | None:
    """The cell nearest the middle, in log sizes, of the cells that all share; None without any."""
    common = sorted(set[Cell].intersection(*reached)) if reached else []
    if not common:
        return None
    logs = np.log([(cell.n, cell.m) for cell in common])
    middle = (logs.min(axis=0) + logs.max(axis=0)) / 2
    return common[int(np.abs(logs - middle).sum(axis=1).argmin())]


def _point(run: Run, blocks: Blocks, pair: tuple[str, str], cell: Cell) -> TrendPoint:
    at, medians = blocks.cells.index(cell), blocks.medians
    return TrendPoint(
        run=run,
        seconds={name: _mean(medians[:, at, blocks.engines.index(name)]) for name in pair},
        ratio=_mean(blocks.log_ratios(*pair)[:, at]),
    )


def _mean(logs: Vector) -> Estimate:
    """The mean over the rounds that measured the cell."""
    return log_mean(logs[~np.isnan(logs)])


def _nothing(
    runs: int, pair: tuple[str, str], cell: Cell | None, reached: Sequence[set[Cell]], left_out: Sequence[str]
) -> str:
    share = "none share one" if cell is None else f"fewer than two have n = {cell.n}, m = {cell.m}"
    common = _middle([cells for cells in reached if cells])
    try_this = f"; all have n = {common.n}, m = {common.m}" if common is not None and common != cell else ""
    why = f" ({'; '.join(left_out)})" if left_out else ""
    return (
        f"a trend of {pair[0]} and {pair[1]} takes two runs with a cell in common, but of {runs} given {share}"
        f"{why}{try_this}; give runs of the same problem with sizes in common"
    )
