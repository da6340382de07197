"""The crossover map: the plane (inputs × outputs), coloured by which of two engines is faster and by how much."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from fwdrev.modes.arrays import Matrix, Vector
from fwdrev.plots.style import LESS_INK, colour, diverging
from fwdrev.results.crossing import crossing
from fwdrev.results.crossover import Crossover, crossover
from fwdrev.results.estimate import Estimate
from fwdrev.results.tables import LogRatios

__all__ = ["MapLayout", "draw_map", "lay_out_map"]

_MOST = 3.0
"""Colours saturate at 2³ = 8 times: beyond that it no longer matters by how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayout:
    """The numbers of a map.

    `advantage` (len(m), len(n)): log2(time of the second / time of the first), positive where the first is faster, NaN
    where nothing was measured; `points`: the measured crossover m* at each n; `predicted`: the same from counts alone.
    """

    pair: tuple[str, str]
    n: Vector
    m: Vector
    advantage: Matrix
    points: dict[int, Estimate]
    predicted: dict[int, float]


def lay_out_map(ratios: LogRatios, counts: LogRatios) -> MapLayout:
    """The mean over rounds in each cell, and both crossovers."""
    mean = (-ratios.grid.mean() / math.log(2)).unstack("n").sort_index()
    found: Crossover = crossover(ratios)
    predicted = {n: c.size.point for n in counts.n if (c := crossing(*counts.along_m(n), counts.pair)).size is not None}
    return MapLayout(
        pair=ratios.pair,
        n=mean.columns.to_numpy(float),
        m=mean.index.to_numpy(float),
        advantage=mean.to_numpy(),
        points={n: c.size for n, c in found.in_m.items() if c.size is not None},
        predicted=predicted,
    )


def draw_map(layout: MapLayout, ax: Axes, *, inputs: str = "inputs n") -> None:
    """Cells, the crossover with its interval, the line n = m and what counts predict; direct labels, no legend."""
    first, second = layout.pair
    mesh = ax.pcolormesh(
        _edges(layout.n),
        _edges(layout.m),
        layout.advantage,
        cmap=diverging(colour(second), colour(first)),
        vmin=-_MOST,
        vmax=_MOST,
        edgecolors="white",
        linewidth=0.5,
    )
    _write_cells(layout, ax)
    ax.set(xscale="log", yscale="log", xlabel=inputs, ylabel="outputs m")
    ax.set_title(f"Which is faster: {first} or {second}?", loc="left")
    _size_ticks(ax, layout)
    _draw_lines(layout, ax)
    bar = ax.figure.colorbar(mesh, ax=ax, pad=0.02, extend="both", ticks=[-3, -2, -1, 0, 1, 2, 3])
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: "equal" if v == 0 else f"{2 ** abs(v):g}×"))
    bar.set_label(f"← {second} is faster by          {first} is faster by →")
    bar.outline.set_visible(False)


def _write_cells(layout: MapLayout, ax: Axes) -> None:
    """How many times faster, in every cell, small."""
    for (i, j), value in np.ndenumerate(layout.advantage):
        if math.isfinite(value):
            dark = abs(value) > 0.7 * _MOST
            ax.text(
                float(layout.n[j]),
                float(layout.m[i]),
                f"{2 ** abs(value):.2g}" if 2 ** abs(value) < 100 else f"{2 ** abs(value):.0f}",  # noqa: PLR2004
                ha="center",
                va="center",
                size=6.5,
                color="white" if dark else "#333333",
            )


def _draw_lines(layout: MapLayout, ax: Axes) -> None:
    left, right, bottom, top = *ax.get_xlim(), *ax.get_ylim()
    low, high = max(left, bottom), min(right, top)
    if low < high:
        ax.plot([low, high], [low, high], color=LESS_INK, linewidth=1, linestyle=":", label="n = m")
    if layout.predicted:
        n, m = np.array(sorted(layout.predicted.items())).T
        ax.plot(n, m, color="#222222", linewidth=1.2, linestyle="--", label="equal operation counts")
    if layout.points:
        n, points = zip(*sorted(layout.points.items()), strict=True)
        m = np.array([e.point for e in points])
        low_m = np.array([e.point if e.low is None else e.low for e in points])
        high_m = np.array([e.point if e.high is None else e.high for e in points])
        ax.fill_between(n, low_m, high_m, color="black", alpha=0.18, linewidth=0)
        ax.errorbar(
            n,
            m,
            [m - low_m, high_m - m],
            color="black",
            marker="o",
            markersize=4,
            capsize=2,
            linewidth=1.8,
            label="measured crossover, 95 % interval",
        )
    ax.set(xlim=(left, right), ylim=(bottom, top))
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.13), ncols=3, frameon=False, fontsize=8.5)


def _size_ticks(ax: Axes, layout: MapLayout) -> None:
    for axis, sizes in ((ax.xaxis, layout.n), (ax.yaxis, layout.m)):
        shown = sizes[:: math.ceil(sizes.size / 12)]
        axis.set_major_locator(FixedLocator(list(shown)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def _edges(sizes: Vector) -> Vector:
    """Cell borders halfway between sizes, in logarithms; a single size gets a factor of two."""
    logs = np.log(sizes)
    middle = (logs[:-1] + logs[1:]) / 2
    half = (logs[1] - logs[0], logs[-1] - logs[-2]) if logs.size > 1 else (math.log(2), math.log(2))
    edges: Vector = np.exp(np.concatenate([[logs[0] - half[0] / 2], middle, [logs[-1] + half[1] / 2]]))
    return edges
