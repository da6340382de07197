"""The crossover map: the plane (inputs × outputs), coloured by which of two engines is faster and by how much."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from fwdrev.plots.plane import Cells, draw_cells, draw_diagonal, draw_scale
from fwdrev.results.crossing import crossing
from fwdrev.results.crossover import Crossover, crossover
from fwdrev.results.estimate import Estimate
from fwdrev.results.tables import LogRatios

__all__ = ["MapLayout", "draw_map", "lay_out_map"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayout(Cells):
    """The numbers of a map: the cells, which hold times, and the lines through them.

    `points`: the measured crossover m* at each n; `predicted`: the same from counts alone.
    """

    pair: tuple[str, str]
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
    mesh = draw_cells(layout, layout.pair, ax)
    ax.set(xlabel=inputs, ylabel="outputs m")
    ax.set_title(f"Which is faster: {first} or {second}?", loc="left")
    draw_diagonal(ax)
    _draw_lines(layout, ax)
    draw_scale(mesh, layout.pair, [ax], "is faster")


def _draw_lines(layout: MapLayout, ax: Axes) -> None:
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
    ax.legend(loc="upper left", bbox_to_anchor=(0, -0.13), ncols=3, frameon=False, fontsize=8.5)
