"""The crossover map: the plane (inputs × outputs), coloured by which of two engines is faster and by how much."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fwdrev.modes.core.arrays import Vector
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.plots.core.frame import foot, inputs_label
from fwdrev.plots.core.plane import Cells, draw_cells, draw_diagonal, draw_scale
from fwdrev.plots.core.style import INK, shown
from fwdrev.plots.pair import PairOfRun
from fwdrev.results.stats.crossover import crossover, crossover_points
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.stats.log_ratios import LogRatios

__all__ = ["MapLayout", "draw_crossover", "draw_map", "lay_out_cells", "lay_out_map", "map_figure"]

_MEASURED = "measured crossover"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayout(Cells):
    """The numbers of a map: the cells, which hold times, and the lines through them.

    `points`: the measured crossover m* at each n; `predicted`: the same from counts alone; `expected`: from the cost
    model, empty where the machine was not calibrated.
    """

    pair: tuple[str, str]
    points: dict[int, Estimate]
    predicted: dict[int, float]
    expected: dict[int, float]


def lay_out_cells(ratios: LogRatios) -> Cells:
    """The mean over rounds in each cell of the grid; raises NothingMeasuredError where that is known of none."""
    mean = (-ratios.grid.mean() / math.log(2)).unstack("n").sort_index()
    if mean.isna().to_numpy().all():
        msg = f"no cell of the grid has both {ratios.pair[0]} and {ratios.pair[1]}: there is no plane to draw"
        raise NothingMeasuredError(msg)
    return Cells(n=mean.columns.to_numpy(float), m=mean.index.to_numpy(float), advantage=mean.to_numpy())


def lay_out_map(ratios: LogRatios, counts: LogRatios, model: LogRatios | None = None) -> MapLayout:
    """The mean over rounds in each cell; the measured crossover, and those predicted from counts and by the model."""
    cells, found = lay_out_cells(ratios), crossover(ratios)
    return MapLayout(
        pair=ratios.pair,
        n=cells.n,
        m=cells.m,
        advantage=cells.advantage,
        points={n: c.size for n, c in found.in_m.items() if c.size is not None},
        predicted=crossover_points(counts),
        expected={} if model is None else crossover_points(model),
    )


def draw_map(layout: MapLayout, ax: Axes, *, inputs: str = "inputs n", line: str = _MEASURED) -> None:
    """Cells, the crossover with its interval, the line n = m and what counts predict.

    `inputs` says what n counts, `line` what the crossover comes from.
    """
    first, second = layout.pair
    mesh = draw_cells(layout, layout.pair, ax)
    ax.set(xlabel=inputs, ylabel="outputs m")
    ax.set_title(f"Which is faster: {shown(first)} or {shown(second)}?", loc="left")
    draw_diagonal(ax)
    _draw_predicted(layout, ax)
    draw_crossover(layout, ax, line)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc="upper left", bbox_to_anchor=(0, -0.13), ncols=2, frameon=False, fontsize=8.5)
    draw_scale(mesh, layout.pair, [ax], "is faster")


def _draw_predicted(layout: MapLayout, ax: Axes) -> None:
    if layout.predicted:
        n, m = np.array(sorted(layout.predicted.items())).T
        ax.plot(n, m, color=INK, linewidth=1.2, linestyle="--", marker=_lone(n), label="equal operation counts")
    if layout.expected:
        n, m = np.array(sorted(layout.expected.items())).T
        ax.plot(n, m, color=INK, linewidth=1.2, linestyle="-.", marker="x", label="predicted by the cost model")


def _lone(sizes: Vector) -> str:
    """A line of one point would not be seen."""
    return "_" if sizes.size == 1 else ""


def draw_crossover(layout: MapLayout, ax: Axes, line: str = _MEASURED) -> None:
    """The measured one, or whose `line` it is, with its intervals where they are known."""
    if not layout.points:
        return
    n, points = zip(*sorted(layout.points.items()), strict=True)
    known = any(e.low is not None for e in points)
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
        label=f"{line}, 95 % interval" if known else line,
    )


def map_figure(of: PairOfRun) -> Figure:
    """The map of one pair, with its caption."""
    figure = Figure(figsize=(7.6, 6.4))
    draw_map(lay_out_map(of.ratios, of.counts, of.model), figure.subplots(), inputs=inputs_label(of.run.spec))
    foot(figure, of.run, "The number in a cell says how many times faster the faster one is.")
    return figure
