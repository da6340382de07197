"""The cost model: rates that turn an engine's counts into seconds, fitted to runs, with their errors.

Nonnegative least squares on relative errors, so that small cells count as much as large ones. The terms of an engine
depend on what is known of its operations: the tables hold those of NumPy's engines, but not a compiler's.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import TypeVar

import numpy as np
from scipy.optimize import nnls

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.bracketing.machine_prices import Rates, Seconds, terms
from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost, Product
from fwdrev.modes.core.engine import Engine
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.errors import NothingMeasuredError, Raised, attempt
from fwdrev.modes.registry import find_engine, is_ours
from fwdrev.results.runs.cells import times
from fwdrev.results.runs.run import Run

T = TypeVar("T")

_SHARED = ("call", "value", "table")
"""The shared terms of engines whose operations are in the tables: evaluating the layers costs all the same."""

_OWN = ("layer", "operation", "cold_byte")
"""The separate terms of each such engine: its overhead for each layer and operation, and arrays beyond the cache."""

_OF_COUNTS = ("call", "layer", "multiply_add", "byte", "cold_byte")
"""The terms of an engine with counts only, such as a compiled one."""

_MIXED = "bracketed"
"""The engine that executes any bracketing; its overheads are the average of those of forward and reverse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Rates of engines, and `error`: the typical relative error of each over its fitted cells."""

    seconds: Seconds
    error: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Sample:
    """The seconds of an engine in a cell, and the counts that explain them."""

    seconds: float
    units: Mapping[str, float]


def fit_rates(runs: Sequence[Run], tables: Seconds) -> Fit:
    """Fits rates for every engine that the runs measured; all runs are of one machine.

    Raises NothingMeasuredError if they measured none.
    """
    samples = _samples(runs, tables)
    if not samples:
        msg = f"{', '.join(str(run.folder) for run in runs)}: no engine was measured, so nothing can be fitted"
        raise NothingMeasuredError(msg)
    in_tables = {name: each for name, each in samples.items() if _has_operations(name, tables)}
    found = _fitted_together(in_tables) if in_tables else {}
    found |= {name: _fitted(each) for name, each in samples.items() if name not in in_tables}
    pure = [found[name] for name in ("forward", "reverse") if name in found]
    if pure and _MIXED not in found:
        own = {term: fmean(getattr(rates, term) for rates, _ in pure) for term in _OWN}
        found[_MIXED] = replace(pure[0][0], **own), fmean(error for _, error in pure)
    rates = {name: rate for name, (rate, _) in found.items()}
    return Fit(seconds=Seconds(tables.tables, rates), error={name: error for name, (_, error) in found.items()})


def predicted_seconds(prices: Seconds, name: str, problem: Problem, run: Run) -> float | None:
    """Predicted seconds of one Jacobian by that engine; None if it is not calibrated or not installed here."""
    found = find_engine(name)
    if found is None or name not in prices.rates:
        return None
    chain, wrt = problem.chain, run.spec.wrt
    engine = found.priced(prices)
    return _by_counts(engine, chain, wrt, lambda cost, products: prices.jacobian(name, cost, products, chain))


def _by_counts(engine: Engine, chain: Chain, wrt: Wrt, follows: Callable[[EngineCost, list[Product]], T]) -> T | None:
    """The result of `follows` for the engine's counts; None if another package's engine counts wrongly."""
    found = attempt(lambda: follows(engine.cost(chain, wrt), engine.products(chain, wrt)))
    if not isinstance(found, Raised):
        return found
    if is_ours(engine):
        raise found.error
    return None


def _samples(runs: Iterable[Run], tables: Seconds) -> dict[str, list[_Sample]]:
    """Handles one cell at a time, since its arrays may take half a gigabyte, and keeps only the counts."""
    samples: dict[str, list[_Sample]] = {}
    for run in runs:
        cells: dict[Cell, dict[str, float]] = {}
        for row in times(run).to_dict("records"):
            cells.setdefault(Cell(row["n"], row["m"]), {})[row["engine"]] = float(row["point"])
        for cell, seconds in cells.items():
            for name, units in _counts(run, cell, list(seconds), tables):
                samples.setdefault(name, []).append(_Sample(seconds[name], units))
    return samples


def _counts(run: Run, cell: Cell, names: Sequence[str], tables: Seconds) -> Iterator[tuple[str, Mapping[str, float]]]:
    """The units of each computing engine in this cell."""
    chain, wrt = run.spec.problem_at(cell).chain, run.spec.wrt
    for name in names:
        found = find_engine(name)
        if found is None or not found.computes:
            continue
        units = _by_counts(found, chain, wrt, lambda cost, products: terms(tables, cost, products, chain))
        if units is not None:
            yield name, units


def _has_operations(name: str, tables: Seconds) -> bool:
    found = find_engine(name)
    return bool(tables.tables) and found is not None and found.library == "numpy"


def _fitted_together(samples: Mapping[str, Sequence[_Sample]]) -> dict[str, tuple[Rates, float]]:
    """Fits shared rates together with each engine's own, and each engine's error.

    Fitted one by one, the overheads of layers and operations could not be separated, and would not carry over to
    chains with other layers.
    """
    names = list(samples)
    rows = [
        [each.units[term] for term in _SHARED]
        + [each.units[term] * (name == other) for other in names for term in _OWN]
        for name in names
        for each in samples[name]
    ]
    seconds = [each.seconds for name in names for each in samples[name]]
    shared, own = np.split(_least_squares(np.array(rows), np.array(seconds)), [len(_SHARED)])
    rates = {
        name: Rates(**dict(zip(_SHARED + _OWN, [*shared.tolist(), *each.tolist()], strict=True)))
        for name, each in zip(names, own.reshape(len(names), len(_OWN)), strict=True)
    }
    return {name: (rates[name], _error(rates[name], samples[name])) for name in names}


def _fitted(samples: Sequence[_Sample]) -> tuple[Rates, float]:
    """Fits the rates of one engine by its counts, and its error."""
    units = np.array([[each.units[term] for term in _OF_COUNTS] for each in samples])
    found = _least_squares(units, np.array([each.seconds for each in samples]))
    rates = Rates(**dict(zip(_OF_COUNTS, found.tolist(), strict=True)))
    return rates, _error(rates, samples)


def _least_squares(units: Matrix, seconds: Vector) -> Vector:
    """The nonnegative rates with the smallest relative errors."""
    largest = units.max(axis=0)
    scale = np.where(largest > 0, largest, 1.0)
    coefficients, _ = nnls(units / scale / seconds[:, None], np.ones(seconds.size))
    found: Vector = coefficients / scale
    return found


def _error(rates: Rates, samples: Sequence[_Sample]) -> float:
    """The root of the mean square of the relative errors."""
    return math.sqrt(fmean((rates.seconds(each.units) / each.seconds - 1) ** 2 for each in samples))
