"""Pools runs into problems: each with its options and the ratios of a forward and a reverse engine.

    problems, notes = measured_problems([load("runs/plane"), load("runs/auto")], ("forward", "reverse"))
    for problem in problems:
        print(problem.name, problem.ratios.grid.mean())

Runs of the same function form one problem, with their rounds pooled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.errors import FwdrevError, NothingMeasuredError
from fwdrev.modes.registry import problem_options
from fwdrev.results.costs.calibration import calibration_of
from fwdrev.results.costs.prediction import predicted_ratios
from fwdrev.results.rules.rules import Rule, Sizes, predictions
from fwdrev.results.runs.cells import arms, log_count_ratios, log_ratios
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.log_ratios import LogRatios, cell_means


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredProblem:
    """A problem with the ratios of two engines, the forward one first.

    `ratios`: of all its runs; `shapes`: columns and rows of the Jacobian in the cells (n, m) where they are known,
    which differ from n and m where n counts a network's inputs and the Jacobian is with respect to its
    weights; `others`: our own predictions.
    """

    name: str
    folders: tuple[Path, ...]
    ratios: LogRatios
    shapes: Mapping[Sizes, Sizes]
    others: tuple[Rule, ...]

    @property
    def points(self) -> tuple[Matrix, Vector]:
        """(cells, 2), columns and rows of the Jacobian, and (cells,), the log ratio there: the cells of the grid."""
        logs = cell_means(self.ratios.grid)
        return np.array([self.shapes.get(cell, cell) for cell in logs]), np.array(list(logs.values()))


def measured_problems(
    runs: Sequence[Run], pair: tuple[str, str]
) -> tuple[tuple[MeasuredProblem, ...], tuple[str, ...]]:
    """The problems that the runs measured with a pair, forward engine first, in the order of the runs; and notes.

    A note names a run or prediction left out, with the reason.
    """
    notes: list[str] = []
    found: dict[str, list[tuple[Run, LogRatios]]] = {}
    for run in runs:
        try:
            ratios = log_ratios(run, pair)
        except NothingMeasuredError as error:
            notes.append(f"left out: {error}")
            continue
        if ratios.grid.empty:
            notes.append(f"left out: {run.folder} has no cell of its grid in which both engines were timed")
            continue
        found.setdefault(_name(run.spec), []).append((run, ratios))
    problems = tuple(_problem(name, measured, pair, notes) for name, measured in found.items())
    return problems, tuple(dict.fromkeys(notes))


def _problem(
    name: str, measured: Sequence[tuple[Run, LogRatios]], pair: tuple[str, str], notes: list[str]
) -> MeasuredProblem:
    ratios = _together(each for _, each in measured)
    counts, models, shapes = [], [], dict[Sizes, Sizes]()
    for run, _ in measured:
        table = arms(run)
        counts.append(log_count_ratios(run, pair, table))
        models.append(_modelled(run, pair, notes))
        shapes |= _shapes(table, pair)
    known = [each for each in models if each is not None]
    cells = cell_means(ratios.grid).keys()
    others = []
    for rule in predictions(_together(counts), _together(known) if known else None):
        if rule.knows is None or cells <= rule.knows:
            others.append(rule)
        else:
            notes.append(f"{rule.name}: left out for {name}, they are not known in every cell")
    return MeasuredProblem(
        name=name, folders=tuple(run.folder for run, _ in measured), ratios=ratios, shapes=shapes, others=tuple(others)
    )


def _together(each: Iterable[LogRatios]) -> LogRatios:
    """The rounds of all runs, over all their cells."""
    first, *rest = each
    filled = [ratios.table for ratios in (first, *rest) if not ratios.table.empty] or [first.table]
    outputs = {m for ratios in (first, *rest) for m in ratios.outputs}
    return replace(first, table=pd.concat(filled).sort_index(axis=1), outputs=tuple(sorted(outputs)))


def _modelled(run: Run, pair: tuple[str, str], notes: list[str]) -> LogRatios | None:
    """The log ratios that the cost model predicts; None, with a note, if it predicts none."""
    known = calibration_of(run)
    if known is None:
        notes.append("cost model: left out, the machine of these runs was not calibrated; run `fwdrev calibrate` on it")
        return None
    found = predicted_ratios(run, pair, known.seconds)
    if found is None:
        notes.append(f"cost model: left out for {run.folder}, its problem or an engine is not known to the calibration")
    return found


def _shapes(table: pd.DataFrame, pair: tuple[str, str]) -> dict[Sizes, Sizes]:
    """The tangents that the forward engine pushes and the cotangents that the reverse one pulls, by their counts."""
    sides = [table[table["engine"] == name].set_index(["n", "m"])["passes"].dropna() for name in pair]
    both = pd.concat(sides, axis=1, join="inner").reset_index().astype(int)
    return {(n, m): (columns, rows) for n, m, columns, rows in both.to_numpy().tolist() if columns and rows}


def _name(spec: SweepSpec) -> str:
    """A key, equal for runs of the same function: `autoencoder waist=4, wrt x`."""
    usual = _usual(spec)
    options = [f" {key}={value}" for key, value in sorted(spec.options.items()) if usual.get(key) != value]
    dtype = "" if spec.dtype == "float64" else f", {spec.dtype}"
    return f"{spec.problem}{''.join(options)}, wrt {spec.wrt}{dtype}"


def _usual(spec: SweepSpec) -> dict[str, Any]:
    """The problem's default options; none for a problem that is not installed."""
    try:
        return problem_options(spec.problem) | spec.model_copy(update={"options": {}}).options_made
    except FwdrevError:
        return {}
