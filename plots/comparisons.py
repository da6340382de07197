"""The figures that compare runs: consecutive runs side by side, and the trend over all of them."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from matplotlib.figure import Figure

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.plots.core.style import styled
from fwdrev.plots.figures.side_by_side import side_by_side_figure
from fwdrev.plots.figures.trend import trend_figure
from fwdrev.plots.gallery import FORMATS, save
from fwdrev.results.runs.cells import engines_measured
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.run import Run
from fwdrev.results.runs.trend import trend


def common_pairs(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """The default pairs of the engines that all runs measured; raises NothingMeasuredError without any."""
    measured = [engines_measured(run) for run in runs]
    pairs = default_pairs([name for name in measured[0] if all(name in each for each in measured)])
    if not pairs:
        found = zip(runs, measured, strict=True)
        each = "; ".join(f"{run.folder}: {', '.join(names) or 'nothing'}" for run, names in found)
        msg = f"no forward and reverse engine of one library was measured in all runs ({each}): name two by --pair"
        raise NothingMeasuredError(msg)
    return pairs


def comparisons(
    runs: Sequence[Run], pairs: Sequence[tuple[str, str]] | None, cell: Cell | None, notes: list[str]
) -> Iterator[tuple[str, Figure]]:
    """Yields name and figure for each pair; appends to `notes` why one cannot be drawn.

    Raises InputError for a single run, and NothingMeasuredError if a requested cell has no trend.
    """
    ordered = sorted(runs, key=lambda run: run.created)
    steps = list(pairwise(ordered))
    if not steps:
        raise InputError(f"{len(runs)} run given: a comparison takes two or more")
    for pair in common_pairs(ordered) if pairs is None else pairs:
        name = f"{pair[0]}-{pair[1]}"
        for number, step in enumerate(steps, start=1):
            try:
                figure = side_by_side_figure(step, pair)
            except NothingMeasuredError as error:
                notes.append(f"not side by side: {error}")
                continue
            yield f"side-by-side-{name}" + (f"-{number}" if len(steps) > 1 else ""), figure
        try:
            figure = trend_figure(trend(ordered, pair, cell))
        except NothingMeasuredError as error:
            if cell is not None:
                raise
            notes.append(f"no trend: {error}")
            continue
        yield f"trend-{name}", figure


def save_comparisons(
    runs: Sequence[Run],
    folder: Path,
    pairs: Sequence[tuple[str, str]] | None = None,
    *,
    cell: Cell | None = None,
    formats: Sequence[str] = FORMATS,
    told: Callable[[str], None] = lambda _: None,
) -> tuple[list[Path], list[str]]:
    """Saves every figure in every format in `folder`; returns the paths, and why others could not be drawn.

    Calls `told` with the name of each file before it draws it. Raises NothingMeasuredError if none could be drawn, and
    InputError if one cannot be written.
    """
    notes: list[str] = []
    with styled():
        paths = save(comparisons(runs, pairs, cell, notes), folder, formats, told)
    if not paths:
        raise NothingMeasuredError("; ".join(notes))
    return paths, notes
