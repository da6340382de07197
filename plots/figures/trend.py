"""The trend: the times of two engines in one cell over several runs, and below them their ratio."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator, NullLocator

from fwdrev.bench.records.observation import Cell
from fwdrev.plots.core.frame import ask, caption, write_foot
from fwdrev.plots.core.style import INK, LESS_INK, colour, line_style, marker, shown
from fwdrev.plots.figures.cost_curves import Curve, how_to_read, label_ends
from fwdrev.plots.figures.side_by_side import changes
from fwdrev.results.runs.trend import Trend
from fwdrev.results.stats.estimate import Estimate

_MOST_LINES = 6
"""The most notes in a caption."""

_MOST_DATES = 8
"""The most dates below the axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendLayout:
    """The runs stand at 0, 1, 2, … in the order of their dates.

    `times`: seconds of each engine at these places; `ratio`: time of the first / of the second; `changed`: differences
    from the run before, empty without any.
    """

    pair: tuple[str, str]
    cell: Cell
    dates: tuple[str, ...]
    times: tuple[Curve, Curve]
    ratio: Curve
    changed: tuple[str, ...]


def lay_out_trend(found: Trend) -> TrendLayout:
    """The numbers from the points; NaN for an engine without an interval in a run (one round)."""
    one, other = (_curve(name, [point.seconds[name] for point in found.points]) for name in found.pair)
    return TrendLayout(
        pair=found.pair,
        cell=found.cell,
        dates=tuple(shown(point.run.created[:16].replace("T", " ")) for point in found.points),
        times=(one, other),
        ratio=_curve(found.pair[0], [point.ratio for point in found.points]),
        changed=tuple(changes([point.run for point in found.points])),
    )


def _curve(name: str, estimates: list[Estimate]) -> Curve:
    point, low, high = np.array([(e.point, e.low, e.high) for e in estimates], dtype=float).T  # None becomes NaN
    return Curve(engine=name, sizes=np.arange(len(estimates), dtype=float), seconds=point, low=low, high=high)


def draw_times(layout: TrendLayout, ax: Axes) -> None:
    """Draws both engines with their intervals, and a thin vertical line where something changed."""
    for curve in layout.times:
        _draw_bars(curve, ax, colour(curve.engine), line_style(curve.engine), marker(curve.engine))
    ax.margins(y=0.15)
    _set_scale(ax)
    ax.set_ylabel("time of one Jacobian")
    ax.yaxis.set_major_formatter(EngFormatter(unit="s"))
    _mark_changes(layout, ax)
    label_ends([curve.end for curve in layout.times], ax)


def draw_ratio(layout: TrendLayout, ax: Axes) -> None:
    """Draws the ratio; its side of 1 shows the faster engine."""
    one, other = map(shown, layout.pair)
    ax.axhline(1, color=LESS_INK, linewidth=1, linestyle=":")
    _draw_bars(layout.ratio, ax, INK, "-", "o")
    _set_scale(ax)  # before limits are read: the margins of a linear scale may reach below zero
    low, high = ax.get_ylim()
    ax.set_ylim(min(low, 0.8), max(high, 1.25))
    ax.set_ylabel(f"time of {one}\n÷ time of {other}")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    for at, side, name in ((0.98, "top", other), (0.02, "bottom", one)):
        ax.text(1.02, at, f"{name} is faster", transform=ax.transAxes, size=8.5, color=LESS_INK, va=side)
    _mark_changes(layout, ax)
    ax.xaxis.set_major_locator(MaxNLocator(_MOST_DATES, integer=True))
    dates = {float(at): date.replace(" ", "\n") for at, date in enumerate(layout.dates)}  # date and time in two lines
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: dates.get(v, "")))


def _draw_bars(curve: Curve, ax: Axes, hue: str, style: str, shape: str) -> None:
    bars = np.array([curve.seconds - curve.low, curve.high - curve.seconds])
    ax.errorbar(
        curve.sizes,
        curve.seconds,
        np.nan_to_num(bars),
        color=hue,
        linestyle=style,
        marker=shape,
        markersize=4,
        capsize=3,
        linewidth=1.4,
    )


def _set_scale(ax: Axes) -> None:
    """Sets a logarithmic axis with round numbers, however short."""
    ax.set_yscale("log")
    ax.yaxis.set_major_locator(MaxNLocator(5))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.grid(visible=True, axis="y", which="major", color="#e5e5e5", linewidth=0.6)


def _mark_changes(layout: TrendLayout, ax: Axes) -> None:
    for at, text in enumerate(layout.changed):
        if text:
            ax.axvline(at - 0.5, color=LESS_INK, linewidth=0.7)


def trend_figure(found: Trend) -> Figure:
    """The figure: times above, their ratio below; the caption of the latest run with changes and omissions."""
    layout = lay_out_trend(found)
    figure = Figure(figsize=(9.0, 6.4))
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
    draw_times(layout, above)
    draw_ratio(layout, below)
    one, other = map(shown, found.pair)
    where = f"n = {found.cell.n}, m = {found.cell.m}"
    ask(figure, f"Which is faster at {where}, {one} or {other}, and does that change?", how_to_read(found.pair))
    changed = [f"{date}: {text}" for date, text in zip(layout.dates, layout.changed, strict=True) if text]
    notes = [*(f"changed at {text}" for text in changed), *(f"left out: {shown(text, 200)}" for text in found.left_out)]
    more = [f"and {len(notes) - _MOST_LINES} more notes"] if len(notes) > _MOST_LINES else []
    latest = caption(found.points[-1].run).splitlines()
    write_foot(figure, [f"{len(found.points)} runs; the latest: {latest[0]}", *latest[1:], *notes[:_MOST_LINES], *more])
    return figure
