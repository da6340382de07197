"""Cost curves: the time of one Jacobian along the outputs and along the inputs, every engine, with bands."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FixedLocator, FuncFormatter, NullFormatter, NullLocator

from fwdrev.modes.core.arrays import Vector
from fwdrev.plots.core.frame import ask, foot, inputs_label
from fwdrev.plots.core.plane import Decades, apart
from fwdrev.plots.core.style import MIXED, colour, colour_words, line_style, marker, shown
from fwdrev.results.runs.cells import times
from fwdrev.results.runs.run import Run

_ROOM = 0.062
"""The height of a label as a share of the axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One engine: seconds per Jacobian at each size, with its interval (NaN where there is none)."""

    engine: str
    sizes: Vector
    seconds: Vector
    low: Vector
    high: Vector

    @property
    def end(self) -> tuple[str, float, float]:
        """The name and the end of the curve."""
        return self.engine, float(self.sizes[-1]), float(self.seconds[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesLayout:
    """All engines along one line of the plane: `along` varies, the other size is `fixed`."""

    along: Literal["n", "m"]
    fixed: int
    curves: tuple[Curve, ...]


def shown_sizes(table: pd.DataFrame, size: Literal["n", "m"]) -> list[int]:
    """The smallest, middle and largest size: the figure shows at most three lines of the plane."""
    sizes = sorted(table[size].unique())
    return [int(sizes[i]) for i in sorted({0, len(sizes) // 2, len(sizes) - 1})]


def lay_out_curves(table: pd.DataFrame, along: Literal["n", "m"], fixed: int) -> CurvesLayout:
    """The curves from the table of times (n, m, engine, point, low, high), rows with the other size `fixed`."""
    other = "m" if along == "n" else "n"
    rows = table[table[other] == fixed].sort_values(along)
    curves = []
    for name, one in rows.groupby("engine", sort=False):
        sizes, seconds, low, high = one[[along, "point", "low", "high"]].to_numpy(float).T
        curves.append(Curve(engine=str(name), sizes=sizes, seconds=seconds, low=low, high=high))
    return CurvesLayout(along=along, fixed=fixed, curves=tuple(curves))


def draw_curves(layout: CurvesLayout, ax: Axes, *, label: bool = True) -> None:
    """Draws the curves log–log; with `label`, each has its engine's name at its right end."""
    for curve in layout.curves:
        draw_curve(curve, ax)
    set_scales(layout, EngFormatter(unit="s"), ax)
    ax.set_title(f"{'n' if layout.along == 'm' else 'm'} = {layout.fixed}", loc="left")
    if label:
        label_ends([curve.end for curve in layout.curves], ax)


def set_scales(layout: CurvesLayout, values: EngFormatter, ax: Axes) -> None:
    """Sets logarithmic axes: measured sizes below, powers of ten beside."""
    ax.set(xscale="log", yscale="log")
    sizes = np.unique(np.concatenate([curve.sizes for curve in layout.curves]))
    ax.xaxis.set_major_locator(FixedLocator(apart(sizes, 9.0)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.yaxis.set_major_locator(Decades())
    ax.yaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_formatter(values)
    ax.grid(visible=True, which="major", color="#e5e5e5", linewidth=0.6)


def draw_curve(curve: Curve, ax: Axes) -> None:
    """Draws a curve with its band. Mixed modes, which often equal a pure one, are drawn broader and below."""
    hue, mixed = colour(curve.engine), colour(curve.engine) == MIXED
    ax.fill_between(curve.sizes, curve.low, curve.high, color=hue, alpha=0.25, linewidth=0)
    ax.plot(
        curve.sizes,
        curve.seconds,
        line_style(curve.engine),
        color=hue,
        marker=marker(curve.engine),
        markersize=5.5 if mixed else 3.5,
        linewidth=2.6 if mixed else 1.4,
        zorder=2 if mixed else 3,
    )


def label_ends(ends: Sequence[tuple[str, float, float]], ax: Axes) -> None:
    """Writes engines' names beside the last points (name, size, value), with thin lines and without overlap."""
    given = sorted(ends, key=lambda end: end[2])
    bottom, top = np.log(ax.get_ylim())
    heights = spread([(math.log(value) - bottom) / (top - bottom) for _, _, value in given], _ROOM)
    for (engine, size, value), height in zip(given, heights, strict=True):
        ax.annotate(
            shown(engine),
            (size, value),
            xytext=(1.07, height),
            textcoords="axes fraction",
            color=colour(engine),
            va="center",
            size=8.5,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour(engine), "linewidth": 0.7, "linestyle": ":", "shrinkA": 1},
        )


def spread(heights: Sequence[float], room: float) -> list[float]:
    """Moves ascending heights as little as possible so that `room` separates any two, within 0 and 1.

    Heights that are too close form groups; each group keeps its middle.
    """
    groups: list[tuple[float, int]] = []  # a group's offset from even spacing, and its size
    for i, height in enumerate(heights):
        middle, size = height - i * room, 1
        while groups and groups[-1][0] > middle:
            before, number = groups.pop()
            middle, size = (middle * size + before * number) / (size + number), size + number
        groups.append((middle, size))
    highest = max(0.0, 1 - (len(heights) - 1) * room)
    return [
        min(max(middle, 0.0), highest) + i * room
        for i, middle in enumerate(middle for middle, size in groups for _ in range(size))
    ]


def how_to_read(engines: Sequence[str]) -> str:
    """The legend of the colours and line styles present."""
    styles = {line_style(name) for name in engines}
    lines = "; NumPy solid, other libraries dashed" if len(styles) > 1 else ""
    return f"{colour_words(engines)}{lines}"


def curves_figure(run: Run) -> Figure:
    """The figure: above, along the outputs at three n; below, along the inputs at three m."""
    table = times(run)
    fixed_n, fixed_m = shown_sizes(table, "n"), shown_sizes(table[table["m"].isin(run.spec.sizes_m)], "m")
    figure = Figure(figsize=(10.5, 6.8))
    axes = figure.subplots(2, max(len(fixed_n), len(fixed_m)), sharey=True, squeeze=False)
    lines: tuple[tuple[Any, Literal["n", "m"], list[int]], ...] = ((axes[0], "m", fixed_n), (axes[1], "n", fixed_m))
    for row, along, sizes in lines:
        for ax, size in zip(row, sizes, strict=False):
            draw_curves(lay_out_curves(table, along, size), ax, label=False)
            ax.set_xlabel("outputs m" if along == "m" else inputs_label(run.spec))
        for ax in row[len(sizes) :]:
            ax.set_visible(False)
        row[0].set_ylabel("time of one Jacobian (less is better)")
    for row, along, sizes in lines:  # the shared axis has its final range only now
        label_ends([curve.end for curve in lay_out_curves(table, along, sizes[-1]).curves], row[len(sizes) - 1])
    ask(figure, "What does one Jacobian cost, in which mode?", how_to_read(table["engine"].unique().tolist()))
    foot(figure, run)
    return figure
