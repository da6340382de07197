"""Regret: the cost of choosing the mode by a rule of thumb instead of by measuring."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from fwdrev.modes.core.arrays import Vector
from fwdrev.plots.core.frame import ask, foot
from fwdrev.plots.core.style import INK, LESS_INK, shown
from fwdrev.plots.pair import PairOfRun
from fwdrev.results.rules.rules import Rule, Score, Scores, predictions, scores
from fwdrev.results.runs.engine_pairs import forward_first
from fwdrev.results.stats.log_ratios import LogRatios

_FACTORS = (1, 1.2, 1.5, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
"""The possible labels of the axis."""

_SHORT = 8
"""The longest scale with room for all labels."""

_COLUMNS = (12.0, 110.0, 158.0)
"""The place of the numbers, in points right of the axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegretLayout:
    """One row for each rule, best first.

    `labels`: when it picks the first engine; `mean` and `worst`: the slow-down of its choice relative to the faster
    engine; `right`: the share of decided cells where it picks that one, in words; `worst_at`: (n, m).
    """

    pair: tuple[str, str]
    labels: tuple[str, ...]
    mean: Vector
    worst: Vector
    right: tuple[str, ...]
    worst_at: tuple[tuple[int, int], ...]


def scored(of: PairOfRun) -> Scores | None:
    """The scores of the rules in use and of our predictions, for the pair with the forward engine first.

    None for engines that no rule chooses between, and without a measured cell.
    """
    pair = forward_first(of.pair)
    if pair is None or of.ratios.grid.dropna(axis=1, how="all").empty:
        return None
    model = None if of.model is None else _ordered(of.model, pair)
    return scores(_ordered(of.ratios, pair), predictions(_ordered(of.counts, pair), model))


def _ordered(ratios: LogRatios, pair: tuple[str, str]) -> LogRatios:
    return ratios if ratios.pair == pair else replace(ratios, pair=pair, table=-ratios.table)


def lay_out_regret(found: Sequence[Score], pair: tuple[str, str]) -> RegretLayout:
    """The rows, in the order of `found`."""
    return RegretLayout(
        pair=pair,
        labels=tuple(_label(score.rule, pair) for score in found),
        mean=np.array([score.mean_slowdown for score in found]),
        worst=np.array([score.worst_slowdown for score in found]),
        right=tuple(_right(score) for score in found),
        worst_at=tuple(score.worst_at for score in found),
    )


def _label(rule: Rule, pair: tuple[str, str]) -> str:
    """The label: when the rule picks the first engine, and the rule's name."""
    one, other = map(shown, pair)
    return f"always {other}" if rule.when == "never" else f"{one} if {rule.when}\n({rule.name})"


def _right(score: Score) -> str:
    share = f" ({score.right / score.decided:.0%})" if score.decided else ""
    return f"{score.right} of {score.decided}{share}"


def draw_regret(layout: RegretLayout, ax: Axes) -> None:
    """Draws a dot for the mean and a ring for the worst cell, on a logarithmic scale from 1."""
    rows = np.arange(len(layout.labels))
    ax.set(xscale="log", xlim=(0.97, max(2.0, 1.1 * float(layout.worst.max()))), ylim=(rows[-1] + 0.6, -0.6))
    ax.hlines(rows, layout.mean, layout.worst, color="#cccccc", linewidth=1.5, zorder=1)
    ax.axvline(1, color=LESS_INK, linewidth=1)
    ax.plot(layout.mean, rows, "o", color=INK, markersize=7, clip_on=False, zorder=3)
    ax.plot(layout.worst, rows, "o", color=INK, markersize=7, fillstyle="none")
    _write_columns(layout, ax)
    ax.set_yticks(rows, layout.labels)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    _scale(ax)


def _write_columns(layout: RegretLayout, ax: Axes) -> None:
    """Writes the numbers right of the dots."""
    worst = [f"{x:.3g}×" for x in layout.worst]
    worst = [x if x == "1×" else f"{x} at n = {n}, m = {m}" for x, (n, m) in zip(worst, layout.worst_at, strict=True)]
    mean = [f"{x:.2f}×" for x in layout.mean]
    look: Any = {"xycoords": ax.get_yaxis_transform(), "textcoords": "offset points", "va": "center", "size": 9}
    for at, head, column in zip(_COLUMNS, ("right in", "mean", "worst"), (layout.right, mean, worst), strict=True):
        ax.annotate(head, (1, -0.75), (at, 0), weight="bold", **look)
        for row, text in enumerate(column):
            ax.annotate(text, (1, row), (at, 0), **look)


def _scale(ax: Axes) -> None:
    """Labels a few factors: those near 1 only on a short scale."""
    high = float(ax.get_xlim()[1])
    few = [one for one in _FACTORS if one <= high and (high <= _SHORT or float(one).is_integer())]
    ax.xaxis.set_major_locator(LogLocator() if high > _FACTORS[-1] else FixedLocator(few))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}×"))
    ax.set_xlabel("slow-down against the faster of the two\n● mean over the cells   ○ worst cell")


def regret_figure(of: PairOfRun) -> Figure | None:
    """The figure; None for engines that no rule chooses between, or an empty grid."""
    found, pair = scored(of), forward_first(of.pair)
    if found is None or pair is None:
        return None
    figure = Figure(figsize=(11.0, 1.8 + 0.5 * len(found)))
    draw_regret(lay_out_regret(found, pair), figure.subplots())
    one, other = map(shown, pair)
    ask(figure, f"What does it cost to choose between {one} and {other} by a rule of thumb?")
    right = "Right: cells in which the two differ by more than 10 % and the rule picks the faster one"
    foot(figure, of.run, f"{right}; slow-downs are over all cells.")
    return figure
