"""All figures of a run, drawn and saved: the one place that turns layouts into files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from matplotlib.figure import Figure

from fwdrev.bench.spec import SweepSpec
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.plots.caption import caption
from fwdrev.plots.cost_curves import draw_curves, lay_out_curves, shown_sizes
from fwdrev.plots.crossover_map import draw_map, lay_out_cells, lay_out_map
from fwdrev.plots.memory_map import draw_memory, lay_out_memory
from fwdrev.plots.plane import draw_cells, draw_diagonal, draw_scale
from fwdrev.plots.style import LESS_INK, styled
from fwdrev.results.calibration import calibration_of
from fwdrev.results.journal import Run
from fwdrev.results.memory import MemoryRatios, Source, memory_ratios
from fwdrev.results.pairs import default_pairs
from fwdrev.results.prediction import Prediction, prediction
from fwdrev.results.summary import apart_text, prediction_text
from fwdrev.results.tables import engines_measured, log_count_ratios, log_ratios, times

__all__ = ["FORMATS", "figures", "save_figures"]

FORMATS = ("svg", "png")

_MEMORY = {
    Source.ALLOCATED: (
        "memory of one call and its preparation, in processes that time nothing",
        "Measured: all that is allocated (tracemalloc), also each engine's own copies of the layers' constants.",
    ),
    Source.PROGRAM: (
        "memory as XLA states it for its program",
        "Measured: arguments, results and all temporary arrays, also the layers' constants and the seeds.",
    ),
    None: ("memory as counts predict it", "Measured: nothing that can be compared."),
}
"""How memory was measured, and what is in it."""


def figures(run: Run, pairs: list[tuple[str, str]] | None = None) -> Iterator[tuple[str, Figure]]:
    """Name and figure: maps of time and of memory for each pair, then the cost curves.

    Raises NothingMeasuredError for an empty run. There is no map of memory where neither counts nor bytes are known.
    """
    measured = engines_measured(run)
    if not measured:
        msg = f"{run.folder} has no measured cell yet: nothing to draw"
        raise NothingMeasuredError(msg)
    known = calibration_of(run)
    for pair in default_pairs(measured) if pairs is None else pairs:
        found = None if known is None else prediction(run, pair, known.seconds)
        yield f"map-{pair[0]}-{pair[1]}", _map(run, pair, found)
        if found is not None:
            yield f"predicted-{pair[0]}-{pair[1]}", _predicted(run, found)
        ratios = memory_ratios(run, pair)
        if not ratios.is_empty:
            yield f"memory-{pair[0]}-{pair[1]}", _memory(run, ratios)
    yield "cost-curves", _curves(run)


def save_figures(run: Run, folder: Path, pairs: list[tuple[str, str]] | None = None) -> list[Path]:
    """Every figure in every format, in `folder`; returns the paths. Raises InputError when it cannot be written."""
    paths = []
    with styled():
        for name, figure in figures(run, pairs):
            for suffix in FORMATS:
                path = folder / f"{name}.{suffix}"
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    figure.savefig(path, metadata={"Date": None} if suffix == "svg" else None)
                except OSError as error:
                    msg = f"cannot write {path}: {error.strerror}; give --out a folder that can be written"
                    raise InputError(msg) from None
                paths.append(path)
    return paths


def _map(run: Run, pair: tuple[str, str], found: Prediction | None) -> Figure:
    figure = Figure(figsize=(7.6, 6.4))
    model = None if found is None else found.ratios
    layout = lay_out_map(log_ratios(run, pair), log_count_ratios(run, pair), model)
    draw_map(layout, figure.subplots(), inputs=_inputs_label(run.spec))
    _foot(figure, run, "The number in a cell says how many times faster the faster one is.")
    return figure


def _predicted(run: Run, found: Prediction) -> Figure:
    """The plane that the cost model expects beside the measured one."""
    figure = Figure(figsize=(12.0, 6.0))
    layouts = (lay_out_cells(found.ratios), lay_out_cells(log_ratios(run, found.pair)))
    axes = list(figure.subplots(1, 2, sharey=True))
    for ax, layout, title in zip(axes, layouts, ("predicted by the cost model", "measured"), strict=True):
        mesh = draw_cells(layout, found.pair, ax)
        draw_diagonal(ax)
        ax.set(xlabel=_inputs_label(run.spec), ylabel="outputs m" if ax is axes[0] else "")
        ax.set_title(title, loc="left")
    draw_scale(mesh, found.pair, axes, "is faster")
    one, other = found.pair
    figure.suptitle(f"Which is faster: {one} or {other}?", x=0.01, ha="left", weight="bold")
    _foot(figure, run, prediction_text(found))
    return figure


def _memory(run: Run, ratios: MemoryRatios) -> Figure:
    figure = Figure(figsize=(11.5, 5.9))
    left, right = figure.subplots(1, 2, sharey=True)
    draw_memory(lay_out_memory(ratios), (left, right), inputs=_inputs_label(run.spec))
    one, other = ratios.pair
    figure.suptitle(f"Which needs less memory: {one} or {other}?", x=0.01, ha="left", weight="bold")
    how, measured = _MEMORY[ratios.source]
    predicted = "Predicted: what is held at once in Jacobians, the result included."
    _foot(figure, run, f"{predicted} {measured}\n{apart_text(ratios)}".rstrip(), how=how)
    return figure


def _curves(run: Run) -> Figure:
    """Upper row: along the outputs, at three n; lower row: along the inputs, at three m."""
    table = times(run)
    fixed_n, fixed_m = shown_sizes(table, "n"), shown_sizes(table[table["m"].isin(run.spec.outputs)], "m")
    figure = Figure(figsize=(10.5, 6.8))
    axes = figure.subplots(2, max(len(fixed_n), len(fixed_m)), sharey=True, squeeze=False)
    lines: tuple[tuple[Any, Literal["n", "m"], list[int]], ...] = ((axes[0], "m", fixed_n), (axes[1], "n", fixed_m))
    for row, along, sizes in lines:
        for ax, size in zip(row, sizes, strict=False):
            draw_curves(lay_out_curves(table, along, size), ax, label=size == sizes[-1])
            ax.set_xlabel("outputs m" if along == "m" else _inputs_label(run.spec))
        for ax in row[len(sizes) :]:
            ax.set_visible(False)
        row[0].set_ylabel("time of one Jacobian (less is better)")
    figure.suptitle(
        "What one Jacobian costs: forward in orange, reverse in blue; NumPy solid, JAX dashed", x=0.01, ha="left"
    )
    _foot(figure, run)
    return figure


def _inputs_label(spec: SweepSpec) -> str:
    """What n counts: `driven` can have it in θ."""
    on_theta = spec.problem == "driven" and spec.options.get("n_of", spec.wrt.value) != "x"
    return "inputs n (parameters θ)" if on_theta else "inputs n"


def _foot(figure: Figure, run: Run, note: str = "", *, how: str | None = None) -> None:
    figure.supxlabel(caption(run, note, how=how), fontsize=7.5, color=LESS_INK, x=0.01, ha="left")
