"""Cost curves: the time of one Jacobian along the outputs and along the inputs, every engine, with bands."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, FixedLocator, FuncFormatter, NullLocator

from fwdrev.modes.arrays import Vector
from fwdrev.plots.style import colour, line_style

__all__ = ["Curve", "CurvesLayout", "draw_curves", "lay_out_curves", "shown_sizes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One engine: seconds per Jacobian at each size, with its interval (NaN where there is none)."""

    engine: str
    sizes: Vector
    seconds: Vector
    low: Vector
    high: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvesLayout:
    """All engines along one line of the plane: `along` varies, the other size is `fixed`."""

    along: Literal["n", "m"]
    fixed: int
    curves: tuple[Curve, ...]


def shown_sizes(table: pd.DataFrame, size: Literal["n", "m"]) -> list[int]:
    """The smallest, the middle and the largest: at most three lines of the plane are drawn."""
    sizes = sorted(table[size].unique())
    return [int(sizes[i]) for i in sorted({0, len(sizes) // 2, len(sizes) - 1})]


def lay_out_curves(table: pd.DataFrame, along: Literal["n", "m"], fixed: int) -> CurvesLayout:
    """From the table of times (n, m, engine, point, low, high), the rows with the other size `fixed`."""
    other = "m" if along == "n" else "n"
    rows = table[table[other] == fixed].sort_values(along)
    curves = tuple(
        Curve(
            engine=str(name),
            sizes=one[along].to_numpy(float),
            seconds=one["point"].to_numpy(float),
            low=one["low"].to_numpy(float),
            high=one["high"].to_numpy(float),
        )
        for name, one in rows.groupby("engine", sort=False)
    )
    return CurvesLayout(along=along, fixed=fixed, curves=curves)


def draw_curves(layout: CurvesLayout, ax: Axes, *, label: bool = True) -> None:
    """Log–log; each curve carries its engine's name at its right end when `label` is set."""
    for curve in layout.curves:
        ax.plot(
            curve.sizes, curve.seconds, line_style(curve.engine), color=colour(curve.engine), marker="o", markersize=3
        )
        ax.fill_between(curve.sizes, curve.low, curve.high, color=colour(curve.engine), alpha=0.2, linewidth=0)
    ax.set(xscale="log", yscale="log")
    sizes = np.unique(np.concatenate([curve.sizes for curve in layout.curves]))
    ax.xaxis.set_major_locator(FixedLocator(_apart(sizes)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.yaxis.set_major_formatter(EngFormatter(unit="s"))
    ax.grid(visible=True, which="major", color="#e5e5e5", linewidth=0.6)
    ax.set_title(f"{'n' if layout.along == 'm' else 'm'} = {layout.fixed}", loc="left")
    if label:
        _label_ends(layout, ax)


def _apart(sizes: Vector) -> list[float]:
    """Sizes whose labels do not touch: both ends, and what is a ninth of the axis away from its neighbours."""
    room = math.log(sizes[-1] / sizes[0]) / 9
    shown = [float(sizes[0])]
    for size in sizes[1:-1]:
        if min(math.log(size / shown[-1]), math.log(sizes[-1] / size)) >= room:
            shown.append(float(size))
    return [*shown, float(sizes[-1])] if sizes.size > 1 else shown


def _label_ends(layout: CurvesLayout, ax: Axes) -> None:
    """Names beside the last points, moved apart where they would overlap."""
    ends = sorted((curve.seconds[-1], curve.sizes[-1], curve.engine) for curve in layout.curves)
    bottom, top = np.log(ax.get_ylim())
    room = (top - bottom) * 0.055
    below = -math.inf
    for seconds, size, engine in ends:
        at = max(math.log(seconds), below + room)
        below = at
        ax.annotate(
            engine,
            (size, seconds),
            xytext=(1.03, (at - bottom) / (top - bottom)),
            textcoords="axes fraction",
            color=colour(engine),
            va="center",
            size=8.5,
            annotation_clip=False,
        )
