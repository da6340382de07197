"""Preparation: the time for planning, tracing and compiling, and the number of Jacobians that pay it back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from fwdrev.modes.core.arrays import Vector
from fwdrev.plots.core.frame import ask, foot, inputs_label
from fwdrev.plots.core.style import LESS_INK, colour, line_style, marker, shown
from fwdrev.plots.figures.cost_curves import Curve, CurvesLayout, draw_curves, how_to_read, label_ends, set_scales
from fwdrev.plots.figures.winner_map import contenders
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.cells import arms
from fwdrev.results.runs.payback import payback
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks


@dataclass(frozen=True, slots=True, kw_only=True)
class Payback:
    """One engine: the calls that pay back its preparation, NaN if its calls are not faster."""

    engine: str
    sizes: Vector
    calls: Vector

    @property
    def is_paid(self) -> bool:
        """Whether it pays back at any size."""
        return not np.isnan(self.calls).all()

    @property
    def end(self) -> tuple[str, float, float]:
        """The name and the last point with a payback."""
        last = np.flatnonzero(~np.isnan(self.calls))[-1]
        return self.engine, float(self.sizes[last]), float(self.calls[last])


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparationLayout:
    """Along one line of the plane: seconds to prepare each engine, and `paybacks` against the `cheapest` to prepare."""

    curves: CurvesLayout
    cheapest: str
    paybacks: tuple[Payback, ...]


def lay_out_preparation(
    table: pd.DataFrame, blocks: Blocks, along: Literal["n", "m"], fixed: int
) -> PreparationLayout | None:
    """The numbers from the table of arms (n, m, engine, prepare_seconds), rows with that size `fixed`, and `blocks`.

    None if nothing was prepared. The cheapest is the engine with the least mean, among those at most sizes.
    """
    rows = table[(table["m" if along == "n" else "n"] == fixed) & (table["prepare_seconds"] > 0)].sort_values(along)
    if rows.empty:
        return None
    lines = {str(name): one.set_index(along) for name, one in rows.groupby("engine", sort=False)}
    most = max(map(len, lines.values()))
    whole = {name: one["prepare_seconds"].astype(float) for name, one in lines.items() if len(one) == most}
    cheapest = min(whole, key=lambda name: np.log(whole[name]).mean())
    return PreparationLayout(
        curves=CurvesLayout(along=along, fixed=fixed, curves=tuple(_curve(*line) for line in lines.items())),
        cheapest=cheapest,
        paybacks=tuple(
            _payback(payback(blocks, rows, name, cheapest), name, line)
            for name, line in lines.items()
            if name != cheapest
        ),
    )


def _curve(name: str, line: pd.DataFrame) -> Curve:
    """The curve of an engine, without an interval, since a cell prepares it once."""
    none = np.full(len(line), np.nan)
    seconds = line["prepare_seconds"].to_numpy(float)
    return Curve(engine=name, sizes=line.index.to_numpy(float), seconds=seconds, low=none, high=none)


def _payback(calls: pd.Series, name: str, line: pd.DataFrame) -> Payback:
    """The blocks of the line's cells, in order."""
    cells = pd.MultiIndex.from_frame(line.reset_index()[["n", "m"]])
    return Payback(engine=name, sizes=line.index.to_numpy(float), calls=calls.reindex(cells).to_numpy(float))


def draw_preparation(layout: PreparationLayout, ax: Axes, *, label: bool = True) -> None:
    """Draws the seconds to prepare, log–log."""
    draw_curves(layout.curves, ax, label=label)


def draw_payback(layout: PreparationLayout, ax: Axes, *, label: bool = True) -> None:
    """Draws the calls until payback, log–log; names engines that never pay back."""
    paid = [one for one in layout.paybacks if one.is_paid]
    for one in paid:
        style = line_style(one.engine)
        ax.plot(one.sizes, one.calls, style, color=colour(one.engine), marker=marker(one.engine), markersize=4)
    ax.set_title(f"paid back against {shown(layout.cheapest)}", loc="left")
    set_scales(layout.curves, EngFormatter(sep=""), ax)
    never = ", ".join(shown(one.engine) for one in layout.paybacks if not one.is_paid)
    if never:
        ax.margins(y=0.15)  # space for the note
        ax.text(0.02, 0.97, f"never here: {never}", transform=ax.transAxes, size=8, color=LESS_INK, va="top", wrap=True)
    if label:
        label_ends([one.end for one in paid], ax)


def preparation_figure(run: Run) -> Figure | None:
    """The figure: left along the outputs, right along the inputs, through the middle; None if nothing was prepared."""
    table, blocks = arms(run), timed_blocks(run)
    table = table[table["engine"].isin(contenders(run.spec.engines)) & table["prepare_seconds"].notna()]
    n, m = (sizes[len(sizes) // 2] for sizes in (run.spec.sizes_n, run.spec.sizes_m))
    layouts = (lay_out_preparation(table, blocks, "m", n), lay_out_preparation(table, blocks, "n", m))
    found = [layout for layout in layouts if layout is not None]
    if not found:
        return None
    figure = Figure(figsize=(10.5, 7.2))
    axes = figure.subplots(2, len(found), sharey="row", squeeze=False)
    for (above, below), layout in zip(axes.T, found, strict=True):
        below.sharex(above)
        draw_preparation(layout, above, label=False)
        draw_payback(layout, below, label=False)
        below.set_xlabel("outputs m" if layout.curves.along == "m" else inputs_label(run.spec))
    for (above, below), layout in zip(axes.T, found, strict=True):  # the axes have their final ranges only now
        label_ends([curve.end for curve in layout.curves.curves], above)
        label_ends([one.end for one in layout.paybacks if one.is_paid], below)
    axes[0, 0].set_ylabel("time to plan, trace and compile, once")
    axes[1, 0].set_ylabel("Jacobians until paid back")
    engines = [curve.engine for layout in found for curve in layout.curves.curves]
    ask(figure, "What does it take to prepare an engine, and when is it paid back?", how_to_read(engines))
    paid = "Paid back: when faster calls have saved what it took more."
    foot(figure, run, f"Prepared once in each cell: no interval. {paid}")
    return figure
