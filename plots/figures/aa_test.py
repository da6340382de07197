"""An A/A test as a figure: the apparent differences of identical code, and the rounds that a threshold needs."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, PercentFormatter

from fwdrev.modes.core.arrays import Vector
from fwdrev.plots.core.frame import ask, write_foot
from fwdrev.plots.core.style import INK, LESS_INK, shown
from fwdrev.results.gate.aa_test.record import Record
from fwdrev.results.gate.aa_test.summary import Summary, gate_of
from fwdrev.results.gate.findings import Finding

_SHAPES = "osD^vPX*"
"""A marker for each threshold, so that colours need not distinguish them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AATestLayout:
    """`cells`, `pools`: head / base - 1 of every finding on identical code, in rising order; `threshold` of a cell.

    `decided`: for each threshold, numbers of rounds and the shares of runs that they settle at once.
    """

    cells: Vector
    pools: Vector
    threshold: float
    decided: dict[float, tuple[Vector, Vector]]


def lay_out_aa_test(record: Record, summary: Summary) -> AATestLayout:
    """The numbers from all findings of all runs on identical code."""
    same = [gate_of(run, record.threshold) for run in record.runs if not run.delays]
    findings = [finding for gate in same for finding in gate.findings]
    decided = summary.advice.decided
    lines: dict[float, list[tuple[float, float]]] = {}
    for (rounds, threshold), share in sorted(decided.items()):
        lines.setdefault(threshold, []).append((rounds, share.count / share.among))
    return AATestLayout(
        cells=_changes([finding for finding in findings if not finding.subject.pooled]),
        pools=_changes([finding for finding in findings if finding.subject.pooled]),
        threshold=record.threshold,
        decided={threshold: tuple(np.array(line).T) for threshold, line in sorted(lines.items())},
    )


def _changes(findings: list[Finding]) -> Vector:
    return np.sort([finding.change.point - 1 for finding in findings if finding.change is not None])


def draw_changes(layout: AATestLayout, ax: Axes) -> None:
    """Draws the share of findings below each change, with the threshold on either side."""
    for changes, style, name in ((layout.cells, "-", "an arm in a cell"), (layout.pools, "--", "a pool")):
        if changes.size:
            ax.plot(changes, (np.arange(changes.size) + 0.5) / changes.size, color=INK, linestyle=style, label=name)
    for edge in (-layout.threshold, layout.threshold):
        ax.axvline(edge, color=LESS_INK, linewidth=1, linestyle=":")
    widest = 1.15 * max(layout.threshold, float(np.abs(layout.cells).max(initial=0.0)))
    ax.set_xlim(-widest, widest)
    ax.set_xlabel("what identical code seems to differ by\n(dotted: the threshold)")
    ax.set_ylabel("share of findings below")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.legend(loc="upper left", frameon=False)


def draw_decided(layout: AATestLayout, ax: Axes) -> None:
    """Draws the share of runs that the first look settles; the advice asks for nine of ten."""
    for (threshold, (rounds, share)), shape in zip(layout.decided.items(), _SHAPES, strict=False):
        ours = threshold == layout.threshold
        hue, width = (INK, 1.8) if ours else (LESS_INK, 1.0)
        ax.plot(rounds, share, color=hue, linewidth=width, marker=shape, markersize=4, label=f"{threshold:.0%}")
    ax.axhline(0.9, color=LESS_INK, linewidth=1, linestyle=":")
    ax.set_ylim(-0.04, 1.04)
    ax.set_xlabel("rounds of a run\n(dotted: nine of ten runs)")
    ax.set_ylabel("runs decided by the first look")
    if layout.decided:
        ax.legend(title="threshold", loc="lower right", fontsize=8, framealpha=0.9)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    ax.yaxis.set_major_formatter(PercentFormatter(1))


def aa_test_figure(record: Record, summary: Summary) -> Figure:
    """The figure with both panels and a caption."""
    layout = lay_out_aa_test(record, summary)
    figure = Figure(figsize=(9.0, 4.6))
    left, right = figure.subplots(1, 2)
    draw_changes(layout, left)
    draw_decided(layout, right)
    ask(figure, "How far can the timing gate be trusted on this machine?")
    spec, machine = record.spec, record.machine
    engines = ", ".join(map(shown, spec.engines))
    runs = f"{summary.alarms.among} runs on identical code: {len(spec.cells)} cells × {engines}, {spec.rounds} rounds"
    where = f"{shown(machine.get('cpu_model_name', 'unknown processor'))}, {shown(record.created[:10])}"
    write_foot(figure, [runs, where])
    return figure
