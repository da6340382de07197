"""Which figures there are, by name, and how they become files."""

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
from fwdrev.results.runs.run import Run

FORMATS = ("svg", "png", "pdf")

OF_A_RUN: Mapping[str, Callable[[Run], Figure | None]] = MappingProxyType(
    {"winners": winner_figure, "cost-curves": curves_figure, "preparation": preparation_figure}
)
"""One each; None where the run does not have what it takes."""

OF_A_PAIR: Mapping[str, Callable[[PairOfRun], Figure | None]] = MappingProxyType(
    {"map": map_figure, "predicted": predicted_figure, "memory": memory_figure, "regret": regret_figure}
)
"""One for each pair of engines, likewise; their names are followed by those of the engines."""

_UNDATED: Mapping[str, dict[str, Any]] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}
"""The same run gives the same file."""


def all_figures(run: Run, pairs: Sequence[tuple[str, str]] | None = None) -> Iterator[tuple[str, Figure]]:
    """Name and figure: those of each pair, then those of the run. Raises NothingMeasuredError for an empty run."""
    blocks = timed_blocks(run)
    if not blocks.engines:
        raise NothingMeasuredError(f"{run.folder} has no measured cell yet: nothing to draw")
    known = calibration_of(run)
    if pairs is None:  # those of engines that were timed in the same cell
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
    run: Run, folder: Path, pairs: Sequence[tuple[str, str]] | None = None, formats: Sequence[str] = FORMATS
) -> list[Path]:
    """Every figure in every format, in `folder`; returns the paths. Raises InputError when it cannot be written."""
    with styled():
        return save(all_figures(run, pairs), folder, formats)


def save(named: Iterator[tuple[str, Figure]], folder: Path, formats: Sequence[str]) -> list[Path]:
    """Likewise, figures that are drawn already or as they are drawn. One that cannot be written stops no other."""
    paths: list[Path] = []
    lost: dict[str, list[str]] = {}
    for name, figure in named:
        _make(folder)
        for suffix in formats:
            path = folder / f"{_file_name(name)}.{suffix}"
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
    return buffer.getvalue()


def _file_name(name: str) -> str:
    """An engine's name comes from outside: no folders, nothing that cannot be printed."""
    return re.sub(r"[/\\]", "_", "".join(letter if letter.isprintable() else "_" for letter in name))
