"""The shared parts of maps of the plane (inputs × outputs): cells, their numbers, axes and the colour scale."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.plots.core.style import LESS_INK, UNKNOWN, diverging, pair_colours, shown

ABOVE = 4
"""The drawing order of everything above the numbers in cells; other lines are below."""

MOST_NUMBERS = 400
"""The most numbers written into a plane: with more cells they are too small to read."""

_MOST = 3.0
"""Colours saturate at 2³ = 8 times: beyond that it no longer matters by how much."""

_FEW = 300.0
"""The ratio of a scale's ends up to which it has few powers of ten."""

_THREE_DIGITS = 99.5
"""From here on, a factor has three digits before the point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The sizes n and m, ascending, and the numbers of the cells.

    `advantage` (len(m), len(n)): log2(cost of the second / cost of the first), positive where the first is better, NaN
    if unknown.
    """

    n: Vector
    m: Vector
    advantage: Matrix


def draw_cells(cells: Cells, pair: tuple[str, str], ax: Axes, *, clear: bool = False) -> QuadMesh:
    """Draws cells in the colour of the better one, with the factor; grey if unknown.

    `clear`: lines stop at numbers.
    """
    first, second = pair_colours(pair)
    many = cells.advantage.size > MOST_NUMBERS
    mesh = ax.pcolormesh(
        edges(cells.n),
        edges(cells.m),
        cells.advantage,
        cmap=diverging(second, first).with_extremes(bad=UNKNOWN),
        vmin=-_MOST,
        vmax=_MOST,
        edgecolors="white",
        linewidth=0 if many else 0.5,
        rasterized=many,  # one image instead of thousands of shapes in a file
    )
    _write_factors(cells, mesh if clear else None, ax)
    ax.set(xscale="log", yscale="log")
    size_ticks(cells.n, cells.m, ax)
    return mesh


def draw_diagonal(ax: Axes) -> None:
    """Draws the line n = m inside the plane without changing its limits."""
    left, right, bottom, top = *ax.get_xlim(), *ax.get_ylim()
    low, high = max(left, bottom), min(right, top)
    if low < high:
        ax.plot([low, high], [low, high], color=LESS_INK, linewidth=1, linestyle=":", label="n = m")
    ax.set(xlim=(left, right), ylim=(bottom, top))


def legend_below(ax: Axes, axes: Sequence[Axes], columns: int = 2) -> None:
    """Adds a legend of the lines in `axes`."""
    lines = {str(line.get_label()): line for each in axes for line in each.get_legend_handles_labels()[0]}
    if lines:
        look: Any = {"frameon": False, "fontsize": 8.5, "ncols": columns}
        ax.legend(lines.values(), lines, loc="upper left", bbox_to_anchor=(0, -0.13), **look)


def draw_scale(mesh: QuadMesh, pair: tuple[str, str], axes: Sequence[Axes], better: str) -> None:
    """Adds the colour scale beside `axes`; `better` completes the sentence about the winner, such as "is faster"."""
    first, second = (shown(name) for name in pair)
    figure = axes[0].figure
    bar = figure.colorbar(mesh, ax=list(axes), pad=0.02, extend="both", ticks=[-3, -2, -1, 0, 1, 2, 3])
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: "equal" if v == 0 else f"{2 ** abs(v):g}×"))
    bar.set_label(f"← {second} {better} by          {first} {better} by →")
    bar.outline.set_visible(False)


def _write_factors(cells: Cells, ground: QuadMesh | None, ax: Axes) -> None:
    """Writes the factors small, in the corner of each cell that diagonal lines leave free.

    Optionally on a ground of the cell's colour. Nothing if there are too many cells.
    """
    if cells.advantage.size > MOST_NUMBERS:
        return
    right, bottom = edges(cells.n)[1:], edges(cells.m)[:-1]
    for (i, j), value in np.ndenumerate(cells.advantage):
        if math.isfinite(value):
            dark = abs(value) > 0.7 * _MOST
            ax.annotate(
                factor_text(value),
                (float(right[j]), float(bottom[i])),
                (-4, 4),
                textcoords="offset points",
                ha="right",
                va="bottom",
                size=6.5,
                color="white" if dark else "#333333",
                bbox=ground and {"facecolor": ground.to_rgba(value), "linewidth": 0, "pad": 0.6},
            )


def factor_text(advantage: float) -> str:
    """A factor with two digits, or as a whole number."""
    factor = 2 ** abs(advantage)
    return f"{factor:.2g}" if factor < _THREE_DIGITS else f"{factor:.0f}"


def size_ticks(n: Vector, m: Vector, ax: Axes) -> None:
    """Sizes as whole numbers on both axes, at most twelve on each."""
    for axis, sizes in ((ax.xaxis, n), (ax.yaxis, m)):
        axis.set_major_locator(FixedLocator(apart(sizes, 11.5)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def apart(sizes: Vector, most: float) -> list[float]:
    """Sizes whose labels do not touch: both ends, and those 1/`most` of the axis from their neighbours."""
    room = math.log(sizes[-1] / sizes[0]) / most
    shown_sizes = [float(sizes[0])]
    for size in sizes[1:-1]:
        if min(math.log(size / shown_sizes[-1]), math.log(sizes[-1] / size)) >= room:
            shown_sizes.append(float(size))
    return [*shown_sizes, float(sizes[-1])] if sizes.size > 1 else shown_sizes


class Decades(LogLocator):
    """Ticks at powers of ten, and at 2 and 5 times these if there are few."""

    def tick_values(self, vmin: float, vmax: float) -> Sequence[float]:
        """The tick values within these limits."""
        self.set_params(subs=(1.0, 2.0, 5.0) if vmax < _FEW * vmin else (1.0,))
        return list(super().tick_values(vmin, vmax))


def edges(sizes: Vector) -> Vector:
    """Cell borders halfway between sizes, in logarithms; a single size gets a factor of two."""
    logs = np.log(sizes)
    middle = (logs[:-1] + logs[1:]) / 2
    half = (logs[1] - logs[0], logs[-1] - logs[-2]) if logs.size > 1 else (math.log(2), math.log(2))
    borders: Vector = np.exp(np.concatenate([[logs[0] - half[0] / 2], middle, [logs[-1] + half[1] / 2]]))
    return borders
