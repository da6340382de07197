"""The crossover map: the plane (inputs × outputs), coloured by the faster of two engines and its lead.

Also the plane that the cost model predicts, beside the measured one.
"""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.plots.core.frame import ask, foot, inputs_label
from fwdrev.plots.core.plane import Cells, draw_cells, draw_diagonal, draw_scale, legend_below
from fwdrev.plots.core.style import INK, shown
from fwdrev.plots.pair import PairOfRun
from fwdrev.results.stats.crossover import crossover, crossover_points
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.stats.log_ratios import LogRatios
from fwdrev.results.text.summary import prediction_text

_MEASURED = "measured crossover"


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLayout(Cells):
    """The numbers of a map: the cells, from times, and the lines through them.

    `points`: the measured crossover m* at each n; `predicted`: the same from counts alone; `expected`: from the cost
    model, empty where the machine was not calibrated.
    """

    pair: tuple[str, str]
    points: dict[int, Estimate]
    predicted: dict[int, float]
    expected: dict[int, float]


def lay_out_cells(ratios: LogRatios) -> Cells:
    """The mean over rounds in each cell of the grid; raises NothingMeasuredError if there is none."""
    mean = (-ratios.grid.mean() / math.log(2)).unstack("n").sort_index()
    if mean.isna().to_numpy().all():
        msg = f"no cell of the grid has both {ratios.pair[0]} and {ratios.pair[1]}: there is no plane to draw"
        raise NothingMeasuredError(msg)
    return Cells(n=mean.columns.to_numpy(float), m=mean.index.to_numpy(float), advantage=mean.to_numpy())


def lay_out_map(ratios: LogRatios, counts: LogRatios, model: LogRatios | None = None) -> MapLayout:
    """The mean over rounds in each cell; the crossovers measured, predicted from counts and by the model."""
    cells = lay_out_cells(ratios)
    return MapLayout(
        n=cells.n,
        m=cells.m,
        advantage=cells.advantage,
        pair=ratios.pair,
        points={n: c.size for n, c in crossover(ratios).in_m.items() if c.size is not None},
        predicted=crossover_points(counts),
        expected={} if model is None else crossover_points(model),
    )


def draw_map(layout: MapLayout, ax: Axes, *, inputs: str = "inputs n", line: str = _MEASURED) -> None:
    """Draws the cells, the crossover with its interval, the line n = m and the prediction from counts.

    `inputs` names what n counts, `line` the source of the crossover.
    """
    first, second = layout.pair
    mesh = draw_cells(layout, layout.pair, ax)
    ax.set(xlabel=inputs, ylabel="outputs m")
    ax.set_title(f"Which is faster: {shown(first)} or {shown(second)}?", loc="left")
    draw_diagonal(ax)
    _draw_predicted(layout, ax)
    draw_crossover(layout, ax, line)
    legend_below(ax, [ax])
    draw_scale(mesh, layout.pair, [ax], "is faster")


def _draw_predicted(layout: MapLayout, ax: Axes) -> None:
    dash = "_" if len(layout.predicted) == 1 else ""  # a line of one point would be invisible
    for points, style, marker, label in (
        (layout.predicted, "--", dash, "equal operation counts"),
        (layout.expected, "-.", "x", "predicted by the cost model"),
    ):
        if points:
            n, m = np.array(sorted(points.items())).T
            ax.plot(n, m, color=INK, linewidth=1.2, linestyle=style, marker=marker, label=label)


def draw_crossover(layout: MapLayout, ax: Axes, line: str = _MEASURED) -> None:
    """Draws the measured crossover, or the one named by `line`, with known intervals."""
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
    """The map of one pair, with a caption."""
    figure = Figure(figsize=(7.6, 6.4))
    draw_map(lay_out_map(of.ratios, of.counts, of.model), figure.subplots(), inputs=inputs_label(of.run.spec))
    foot(figure, of.run, "The number in a cell says how many times faster the faster one is.")
    return figure


def predicted_figure(of: PairOfRun) -> Figure | None:
    """Predicted and measured map on one colour scale; None for an uncalibrated machine."""
    if of.found is None:
        return None
    figure = Figure(figsize=(12.0, 6.0))
    axes = left, right = tuple(figure.subplots(1, 2, sharey=True))
    shown_ratios = ((left, of.found.ratios, "predicted by the cost model"), (right, of.ratios, "measured"))
    for ax, ratios, title in shown_ratios:
        mesh = draw_cells(lay_out_cells(ratios), of.pair, ax)
        draw_diagonal(ax)
        ax.set(xlabel=inputs_label(of.run.spec), ylabel="outputs m" if ax is left else "")
        ax.set_title(title, loc="left")
    draw_scale(mesh, of.pair, axes, "is faster")
    one, other = map(shown, of.pair)
    ask(figure, f"Which is faster, as predicted and as measured: {one} or {other}?")
    foot(figure, of.run, prediction_text(of.found))
    return figure
