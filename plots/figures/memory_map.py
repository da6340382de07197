"""The memory map: the plane (inputs × outputs), coloured by the engine that needs less memory, in two panels.

The left panel shows predictions from the engines' own counts, the right one measurements.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fwdrev.modes.core.arrays import Vector
from fwdrev.plots.core.frame import ask, foot, inputs_label
from fwdrev.plots.core.plane import ABOVE, Cells, draw_cells, draw_diagonal, draw_scale, legend_below
from fwdrev.plots.core.style import INK, shown
from fwdrev.plots.pair import PairOfRun
from fwdrev.results.runs.memory import MemoryPlane, MemoryRatios, Source, memory_ratios
from fwdrev.results.text.summary import apart_text

_MEMORY = {
    Source.ALLOCATED: (
        "memory of one call and its preparation, in processes that time nothing",
        "Measured: all that is allocated (by tracemalloc, or a GPU), also engines' own copies of layers' constants.",
    ),
    Source.PROGRAM: (
        "memory as XLA states it for its program",
        "Measured: arguments, results and all temporary arrays, also the layers' constants and the seeds.",
    ),
    None: ("memory as counts predict it", "Measured: nothing that can be compared."),
}
"""The caption's note on the measurement of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPanel(Cells):
    """One panel: the cells, from bytes, and the line through them.

    `known`: the number of cells with both engines, `less`: of these, where the first needs less; `break_even`
    (len(n),): the m* at which both need the same, NaN if there is none.
    """

    known: int
    less: int
    break_even: Vector


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLayout:
    """The numbers of both panels, over the same cells."""

    pair: tuple[str, str]
    predicted: MemoryPanel
    measured: MemoryPanel


def lay_out_memory(ratios: MemoryRatios) -> MemoryLayout:
    """The advantage, positive where the first engine needs less."""
    return MemoryLayout(pair=ratios.pair, predicted=_panel(ratios.predicted), measured=_panel(ratios.measured))


def _panel(plane: MemoryPlane) -> MemoryPanel:
    grid = plane.grid
    return MemoryPanel(
        n=grid.columns.to_numpy(float),
        m=grid.index.to_numpy(float),
        advantage=-grid.to_numpy(),
        known=plane.known,
        less=plane.less,
        break_even=np.array([m or np.nan for m in plane.break_even.values()]),
    )


def draw_memory(layout: MemoryLayout, axes: tuple[Axes, Axes], *, inputs: str = "inputs n") -> None:
    """Draws predictions on the first and measurements on the second of `axes`, on one colour scale."""
    left, right = axes
    for ax, name, panel in ((left, "Predicted", layout.predicted), (right, "Measured", layout.measured)):
        mesh = draw_cells(panel, layout.pair, ax, clear=True)
        ax.set_title(f"{name}: {_verdict(panel, layout.pair)}", loc="left")
        ax.set(xlabel=inputs, ylabel="outputs m")
        draw_diagonal(ax)
        _draw_predicted(layout.predicted, ax)
    _draw_measured(layout.measured, right)
    right.label_outer()
    legend_below(left, [right], columns=3)
    draw_scale(mesh, layout.pair, axes, "needs less")


def _verdict(panel: MemoryPanel, pair: tuple[str, str]) -> str:
    if not panel.known:
        return "nothing to compare"
    return f"{shown(pair[0])} needs less in {panel.less} of {panel.known} cells"


def _draw_predicted(panel: MemoryPanel, ax: Axes) -> None:
    """Draws a dashed line; a point without neighbours becomes a dash."""
    known = ~np.isnan(panel.break_even)
    if known.any():
        beside = np.append(known[1:], False) | np.append(False, known[:-1])
        alone = np.flatnonzero(known & ~beside).tolist()
        style, label = "--_" if alone else "--", "break-even, predicted"
        ax.plot(panel.n, panel.break_even, style, color=INK, linewidth=1.2, markevery=alone, label=label)


def _draw_measured(panel: MemoryPanel, ax: Axes) -> None:
    """Draws a line with a dot at each n, broken at gaps."""
    if not np.isnan(panel.break_even).all():
        label = "break-even, measured"
        ax.plot(panel.n, panel.break_even, "-o", color="black", markersize=4, linewidth=1.8, zorder=ABOVE, label=label)


def memory_figure(of: PairOfRun) -> Figure | None:
    """The figure with both panels; None without counts and bytes."""
    ratios = memory_ratios(of.run, of.pair)
    if ratios.is_empty:
        return None
    figure = Figure(figsize=(11.5, 5.9))
    left, right = figure.subplots(1, 2, sharey=True)
    draw_memory(lay_out_memory(ratios), (left, right), inputs=inputs_label(of.run.spec))
    one, other = map(shown, ratios.pair)
    ask(figure, f"Which needs less memory: {one} or {other}?")
    how, measured = _MEMORY[ratios.source]
    predicted = "Predicted: what is held at once in Jacobians, the result included."
    foot(figure, of.run, f"{predicted} {measured}\n{apart_text(ratios)}".rstrip(), how=how)
    return figure
