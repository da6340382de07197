"""Side by side: the crossover maps of one pair from two runs, on one colour scale and the same axes.

Each title says how its run differs from the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fwdrev.plots.core.frame import ask, caption, facts, inputs_label, write_foot
from fwdrev.plots.core.plane import draw_cells, draw_diagonal, draw_scale, legend_below
from fwdrev.plots.core.style import INK, UNKNOWN, shown
from fwdrev.plots.figures.crossover_map import MapLayout, draw_crossover, lay_out_map
from fwdrev.results.runs.cells import log_count_ratios, log_ratios
from fwdrev.results.runs.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class SideBySideLayout:
    """A map of each run, with their differences as `titles`."""

    pair: tuple[str, str]
    maps: tuple[MapLayout, MapLayout]
    titles: tuple[str, str]


def lay_out_side_by_side(runs: tuple[Run, Run], pair: tuple[str, str]) -> SideBySideLayout:
    """Raises NothingMeasuredError if a run has no cell with both engines."""
    one, other = (lay_out_map(log_ratios(run, pair), log_count_ratios(run, pair)) for run in runs)
    left, right = differences(runs)
    return SideBySideLayout(pair=pair, maps=(one, other), titles=(left, right))


def differences(runs: Sequence[Run]) -> list[str]:
    """For each run, its differences from the others in words; without any, the folders' names."""
    known = [facts(run) for run in runs]
    keys = dict.fromkeys(key for each in known for key in each)
    differing = [key for key in keys if len({each.get(key) for each in known}) > 1]
    if not differing:
        return [shown(run.folder.name) for run in runs]
    # an option not given, or a version not recorded
    default = {key: f"default {shown(key.split(maxsplit=1)[-1])}" for key in differing}
    return [", ".join(each.get(key, default[key]) for key in differing) for each in known]


def changes(runs: Sequence[Run]) -> list[str]:
    """For each run, its differences from the run before, except the date; empty without any."""
    known = [facts(run) | {"created": ""} for run in runs]
    return [
        "",
        *(", ".join(text for key, text in now.items() if before.get(key) != text) for before, now in pairwise(known)),
    ]


def draw_side_by_side(layout: SideBySideLayout, axes: tuple[Axes, Axes], *, inputs: Sequence[str] = ("", "")) -> None:
    """Draws each with its own crossover and, thin and dashed, the other's."""
    for ax, own, other, title, label in zip(axes, layout.maps, layout.maps[::-1], layout.titles, inputs, strict=True):
        mesh = draw_cells(own, layout.pair, ax)
        draw_crossover(own, ax)
        _draw_other(other, ax)
        ax.set(xlabel=label or "inputs n", ylabel="outputs m", facecolor=UNKNOWN)
        ax.set_title(title, loc="left", size=9.5, wrap=True)
    x, y = np.array([ax.get_xlim() for ax in axes]), np.array([ax.get_ylim() for ax in axes])
    for ax in axes:  # the same range, so that lines are comparable even if the runs' sizes differ
        ax.set(xlim=(x[:, 0].min(), x[:, 1].max()), ylim=(y[:, 0].min(), y[:, 1].max()))
        draw_diagonal(ax)
    legend_below(axes[0], axes)
    draw_scale(mesh, layout.pair, axes, "is faster")


def _draw_other(layout: MapLayout, ax: Axes) -> None:
    if layout.points:
        n, points = zip(*sorted(layout.points.items()), strict=True)
        m = np.array([e.point for e in points])
        ax.plot(n, m, color=INK, linewidth=1.2, linestyle="--", marker="x", markersize=4, label="that of the other run")


def side_by_side_figure(runs: tuple[Run, Run], pair: tuple[str, str]) -> Figure:
    """The figure with the captions of both runs."""
    figure = Figure(figsize=(12.0, 6.6))
    left, right = figure.subplots(1, 2)
    layout = lay_out_side_by_side(runs, pair)
    draw_side_by_side(layout, (left, right), inputs=[inputs_label(run.spec) for run in runs])
    one, other = map(shown, pair)
    ask(figure, f"Which is faster, {one} or {other}, and where does that differ between two runs?")
    sides = zip(("left", "right"), runs, strict=True)
    write_foot(figure, [line for side, run in sides for line in f"{side}: {caption(run)}".splitlines()])
    return figure
