"""The winner map: the plane (inputs × outputs), coloured by the fastest of all engines, mixed modes included.

A cell whose two fastest cannot be told apart is split, pale, and shows both.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Int
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.registry import find_engine
from fwdrev.plots.core.frame import foot, inputs_label
from fwdrev.plots.core.plane import MOST_NUMBERS, edges, factor_text, size_ticks
from fwdrev.plots.core.style import INK, UNKNOWN, ink_on, marks, shade, shown
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.run import Run
from fwdrev.results.runs.winners import winners

_LOOKS_EQUAL = 1.095
"""Below this factor, two digits are not enough."""

_PALE = 0.5
"""The share of white in the colours of an undecided cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WinnerLayout:
    """The sizes n and m, ascending, and the winner of each cell (len(m), len(n)).

    `fastest` and `second` index `engines`, -1 if there is none; `factor`: time of the second / of the fastest,
    NaN without a second; `apart`: whether the two can be told apart, true for a single engine.
    """

    engines: tuple[str, ...]
    n: Vector
    m: Vector
    fastest: Int[np.ndarray, "m n"]
    second: Int[np.ndarray, "m n"]
    factor: Matrix
    apart: Bool[np.ndarray, "m n"]

    def won(self, engine: str) -> tuple[int, int]:
        """The number of cells in which it is the fastest, and of these, the decided ones."""
        mine = self.fastest == self.engines.index(engine)
        return int(mine.sum()), int((mine & self.apart).sum())


def contenders(engines: Sequence[str]) -> list[str]:
    """The engines that compute a Jacobian; one not installed here counts, too."""
    return [name for name in engines if (found := find_engine(name)) is None or found.computes]


def lay_out_winners(table: pd.DataFrame, engines: Sequence[str]) -> WinnerLayout:
    """The numbers from the table of winners (n, m, engine, next, point, low, high) among `engines`.

    Two differ if the interval of their ratio lies above 1; a single round has no interval.
    """
    n, column = np.unique(table["n"].to_numpy(int), return_inverse=True)
    m, row = np.unique(table["m"].to_numpy(int), return_inverse=True)
    places = {name: i for i, name in enumerate(engines)}
    fastest, second = (np.full((m.size, n.size), -1) for _ in range(2))
    factor, apart = np.full(fastest.shape, np.nan), np.zeros(fastest.shape, dtype=bool)
    fastest[row, column] = table["engine"].map(places).to_numpy(int)
    second[row, column] = [places.get(name, -1) for name in table["next"]]
    factor[row, column] = table["point"].to_numpy(float)
    apart[row, column] = table["next"].isna().to_numpy() | (table["low"].to_numpy(float) > 1)
    return WinnerLayout(
        engines=tuple(engines),
        n=n.astype(float),
        m=m.astype(float),
        fastest=fastest,
        second=second,
        factor=factor,
        apart=apart,
    )


def draw_winners(layout: WinnerLayout, ax: Axes, *, inputs: str = "inputs n") -> None:
    """Draws cells with the mark and lead of the fastest, or with the marks of two; below, the legend."""
    _draw_grounds(layout, ax)
    ax.set(xscale="log", yscale="log", xlabel=inputs, ylabel="outputs m")
    ax.set(xlim=edges(layout.n)[[0, -1]], ylim=edges(layout.m)[[0, -1]], facecolor=UNKNOWN)
    ax.set_title("Which of all engines is the fastest?", loc="left")
    size_ticks(layout.n, layout.m, ax)
    if layout.fastest.size <= MOST_NUMBERS:
        _write_marks(layout, ax)
    ax.legend(
        handles=[Patch(facecolor=shade(name), label=text) for name, text in _key(layout)],
        loc="upper left",
        bbox_to_anchor=(0, -0.1),
        frameon=False,
        fontsize=8.5,
    )


def _draw_grounds(layout: WinnerLayout, ax: Axes) -> None:
    """A rectangle for a clear winner, two triangles for two possible winners."""
    x, y = edges(layout.n), edges(layout.m)
    corners, colours = [], []
    for (i, j), first in np.ndenumerate(layout.fastest):
        left, right, bottom, top = x[j], x[j + 1], y[i], y[i + 1]
        if first >= 0 and layout.apart[i, j]:
            corners.append([(left, bottom), (right, bottom), (right, top), (left, top)])
            colours.append(shade(layout.engines[first]))
        elif first >= 0:
            for engine, corner in zip(_either(layout, i, j), ((left, bottom), (right, top)), strict=True):
                corners.append([(left, top), corner, (right, bottom)])
                colours.append(_pale(shade(layout.engines[engine])))
    many = layout.fastest.size > MOST_NUMBERS
    edge: Any = {"edgecolors": "white", "linewidths": 0.0 if many else 0.5}
    ax.add_collection(PolyCollection(corners, facecolors=colours, rasterized=many, **edge))


def _either(layout: WinnerLayout, i: int, j: int) -> list[int]:
    """The two that cannot be told apart, in the order of the engines."""
    return sorted((int(layout.fastest[i, j]), int(layout.second[i, j])))


def _write_marks(layout: WinnerLayout, ax: Axes) -> None:
    """Writes the fastest's mark and factor in a cell's middle, or a mark in each half of a split cell."""
    letters = list(marks(layout.engines).values())
    x, y = np.log(edges(layout.n)), np.log(edges(layout.m))
    for (i, j), first in np.ndenumerate(layout.fastest):
        if first < 0:
            continue
        if layout.apart[i, j]:
            ink = ink_on(shade(layout.engines[first]))
            written = [(0.5, f"{letters[first]}{_factor(float(layout.factor[i, j]))}", ink)]
        else:
            low, high = _either(layout, i, j)
            written = [(0.3, letters[low], INK), (0.7, letters[high], INK)]
        for share, text, ink in written:
            across, up = (math.exp(edge[k] + share * (edge[k + 1] - edge[k])) for edge, k in ((x, j), (y, i)))
            ax.text(across, up, text, ha="center", va="center", size=7, color=ink, linespacing=1.1)


def _factor(factor: float) -> str:
    """The factor below the mark, with enough digits not to look like 1."""
    if not math.isfinite(factor):
        return ""
    if factor < _LOOKS_EQUAL:
        return f"\n{factor:.3f}" if f"{factor:.2f}" == "1.00" else f"\n{factor:.2f}"
    return f"\n{factor_text(math.log2(factor))}"


def _key(layout: WinnerLayout) -> list[tuple[str, str]]:
    """The legend: each mark's engine and its number of wins."""
    letters, key = marks(layout.engines), []
    for name in layout.engines:
        cells, sure = layout.won(name)
        won = f"fastest in {cells} of {(layout.fastest >= 0).sum()} cells, in {sure} beyond doubt"
        key.append((name, f"{letters[name]} = {shown(name)}: {won if cells else 'in no cell the fastest'}"))
    return key


def _pale(colour: str) -> str:
    red, green, blue = (_PALE + (1 - _PALE) * part for part in to_rgb(colour))
    return to_hex((red, green, blue))


def winner_figure(run: Run) -> Figure | None:
    """The map with a caption; None with fewer than two engines."""
    blocks = timed_blocks(run)
    engines = contenders(blocks.engines)
    table = winners(blocks, engines)
    table = table[table["m"].isin(run.spec.sizes_m)]
    if len(engines) <= 1 or table.empty:
        return None
    figure = Figure(figsize=(7.6, 6.0 + 0.19 * len(engines)))
    draw_winners(lay_out_winners(table, engines), figure.subplots(), inputs=inputs_label(run.spec))
    number = "A number says by how many times the fastest beats the next one."
    pale = "A pale cell with two letters: these two cannot be told apart"
    foot(figure, run, f"{number} {pale}: the interval of their ratio holds 1, or one round gave none.")
    return figure
