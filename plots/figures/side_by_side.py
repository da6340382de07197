"""Side by side: the crossover maps of one pair of engines from two runs, on one scale of colours and the same axes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fwdrev.plots.core.caption import caption
from fwdrev.plots.core.differences import differences
from fwdrev.plots.core.frame import ask, inputs_label, write_foot
from fwdrev.plots.core.plane import draw_cells, draw_diagonal, draw_scale
from fwdrev.plots.core.style import INK, UNKNOWN, shown
from fwdrev.plots.figures.crossover_map import MapLayout, draw_crossover, lay_out_map
from fwdrev.results.runs.cells import log_count_ratios, log_ratios
from fwdrev.results.runs.run import Run

__all__ = ["SideBySideLayout", "draw_side_by_side", "lay_out_side_by_side", "side_by_side_figure"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySideLayout:
    """A map of each run, and what tells them apart as `titles`."""

    pair: tuple[str, str]
    maps: tuple[MapLayout, MapLayout]
    titles: tuple[str, str]


def lay_out_side_by_side(runs: tuple[Run, Run], pair: tuple[str, str]) -> SideBySideLayout:
    """Raises NothingMeasuredError when one of them has no cell with both engines."""
    one, other = (lay_out_map(log_ratios(run, pair), log_count_ratios(run, pair)) for run in runs)
    left, right = differences(runs)
    return SideBySideLayout(pair=pair, maps=(one, other), titles=(left, right))


def draw_side_by_side(layout: SideBySideLayout, axes: tuple[Axes, Axes], *, inputs: Sequence[str] = ("", "")) -> None:
    """Each with its own crossover and, thin and dashed, that of the other."""
    left, right = axes
    for ax, own, other, title, label in zip(axes, layout.maps, layout.maps[::-1], layout.titles, inputs, strict=True):
        mesh = draw_cells(own, layout.pair, ax)
        draw_crossover(own, ax)
        _draw_other(other, ax)
        ax.set(xlabel=label or "inputs n", ylabel="outputs m", facecolor=UNKNOWN)
        ax.set_title(title, loc="left", size=9.5, wrap=True)
    _same_range(left, right)
    for ax in axes:
        draw_diagonal(ax)
    handles = {str(line.get_label()): line for ax in axes for line in ax.get_legend_handles_labels()[0]}
    left.legend(
        handles.values(), handles, loc="upper left", bbox_to_anchor=(0, -0.13), ncols=2, frameon=False, fontsize=8.5
    )
    draw_scale(mesh, layout.pair, axes, "is faster")


def _draw_other(layout: MapLayout, ax: Axes) -> None:
    if layout.points:
        n, points = zip(*sorted(layout.points.items()), strict=True)
        m = np.array([e.point for e in points])
        ax.plot(n, m, color=INK, linewidth=1.2, linestyle="--", marker="x", markersize=4, label="that of the other run")


def _same_range(left: Axes, right: Axes) -> None:
    """So that the lines can be compared by eye, also where the runs have other sizes."""
    x, y = np.array([left.get_xlim(), right.get_xlim()]), np.array([left.get_ylim(), right.get_ylim()])
    for ax in (left, right):
        ax.set(xlim=(x[:, 0].min(), x[:, 1].max()), ylim=(y[:, 0].min(), y[:, 1].max()))


def side_by_side_figure(runs: tuple[Run, Run], pair: tuple[str, str]) -> Figure:
    """With the captions of both runs."""
    figure = Figure(figsize=(12.0, 6.6))
    left, right = figure.subplots(1, 2)
    layout = lay_out_side_by_side(runs, pair)
    draw_side_by_side(layout, (left, right), inputs=[inputs_label(run.spec) for run in runs])
    one, other = (shown(name) for name in pair)
    ask(figure, f"Which is faster, {one} or {other}, and where does that differ between two runs?")
    sides = zip(("left", "right"), runs, strict=True)
    write_foot(figure, [line for side, run in sides for line in f"{side}: {caption(run)}".splitlines()])
    return figure
