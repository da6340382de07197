"""The list of figures by name, and saving them to files."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fwdrev.bench.records.whole_file import write_whole
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.plots.core.style import styled
from fwdrev.plots.figures.cost_curves import curves_figure
from fwdrev.plots.figures.crossover_map import map_figure, predicted_figure
from fwdrev.plots.figures.memory_map import memory_figure
from fwdrev.plots.figures.preparation import preparation_figure
from fwdrev.plots.figures.regret import regret_figure
from fwdrev.plots.figures.winner_map import winner_figure
from fwdrev.plots.pair import PairOfRun, pair_of_run
from fwdrev.results.costs.calibration import calibration_of
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.run import Run, go_on

FORMATS = ("svg", "png", "pdf")

OF_A_RUN: Mapping[str, Callable[[Run], Figure | None]] = MappingProxyType(
    {"winners": winner_figure, "cost-curves": curves_figure, "preparation": preparation_figure}
)
"""Figures of a run, one each; None if the run lacks the data."""

OF_A_PAIR: Mapping[str, Callable[[PairOfRun], Figure | None]] = MappingProxyType(
    {"map": map_figure, "predicted": predicted_figure, "memory": memory_figure, "regret": regret_figure}
)
"""Figures of each pair of engines, likewise; the engines' names follow the figure's name."""

_UNDATED: Mapping[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""Metadata without dates, so that the same run gives the same file."""


def all_figures(run: Run, pairs: Sequence[tuple[str, str]] | None = None) -> Iterator[tuple[str, Figure]]:
    """Yields name and figure: of each pair, then of the run. Raises NothingMeasuredError for an empty run."""
    blocks = timed_blocks(run)
    if not blocks.engines:
        raise NothingMeasuredError(f"{run.folder} has no measured cell yet: nothing to draw; {go_on(run.folder)}")
    known = calibration_of(run)
    if pairs is None:  # pairs timed in the same cell
        pairs = [pair for pair in default_pairs(blocks.engines) if not np.isnan(blocks.log_ratios(*pair)).all()]
    for pair in pairs:
        of = pair_of_run(run, pair, known, blocks)
        for name, draw_pair in OF_A_PAIR.items():
            if (figure := draw_pair(of)) is not None:
                yield f"{name}-{pair[0]}-{pair[1]}", figure
    for name, draw in OF_A_RUN.items():
        if (figure := draw(run)) is not None:
            yield name, figure


def save_figures(
    run: Run,
    folder: Path,
    pairs: Sequence[tuple[str, str]] | None = None,
    formats: Sequence[str] = FORMATS,
    told: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Saves every figure in every format in `folder`; returns the paths. Raises InputError if it cannot.

    Calls `told` with the name of each file before it draws it.
    """
    with styled():
        return save(all_figures(run, pairs), folder, formats, told)


def save(
    named: Iterator[tuple[str, Figure]],
    folder: Path,
    formats: Sequence[str],
    told: Callable[[str], None] = lambda _: None,
) -> list[Path]:
    """Saves figures as they come. One that cannot be written does not stop the others."""
    paths: list[Path] = []
    lost: dict[str, list[str]] = {}
    for name, figure in named:
        _make(folder)
        for suffix in formats:
            path = folder / f"{_file_name(name)}.{suffix}"
            told(path.name)
            try:
                write_whole(path, _rendered(figure, suffix))
            except OSError as error:
                lost.setdefault(str(error.strerror), []).append(path.name)
            else:
                paths.append(path)
    if lost:
        whys = "; ".join(f"{why} ({', '.join(names)})" for why, names in lost.items())
        raise InputError(f"cannot write all figures into {folder}: {whys}; give --out a folder that can be written")
    return paths


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}; give --out a folder that can be written") from None


def _rendered(figure: Figure, suffix: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=suffix, metadata=_UNDATED.get(suffix))
    figure.set_layout_engine("none")  # the other formats keep the places that were found for this one
    return buffer.getvalue()


def _file_name(name: str) -> str:
    """A file name for an engine's name from outside: no folders, only printable letters."""
    return re.sub(r"[/\\]", "_", "".join(letter if letter.isprintable() else "_" for letter in name))
