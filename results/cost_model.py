"""The cost model: the rates that turn an engine's counts into seconds, fitted to runs, and how far they are off.

Nonnegative least squares on relative errors, so that small cells count as much as large ones. Which terms an engine has
depends on what is known of its operations: those of NumPy's engines are in the tables, a compiler's are not.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from fwdrev.bench.cell import Cell
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.modes.instance import Problem
from fwdrev.modes.registry import find_engine
from fwdrev.modes.seconds import Rates, Seconds, terms
from fwdrev.results.journal import Run
from fwdrev.results.tables import times

__all__ = ["Fit", "fit_rates", "predicted_seconds"]

_OF_TABLES = ("call", "layer", "value", "operation", "table", "cold_byte")
_OF_COUNTS = ("call", "layer", "multiply_add", "byte", "cold_byte")
"""The terms of engines whose operations are in the tables, and of those that have counts only."""

_MIXED = "bracketed"
"""What executes any bracketing costs per call and layer what forward and reverse cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Rates of engines, and `error`: the typical relative error of each over the cells that it was fitted to."""

    seconds: Seconds
    error: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Sample:
    """What an engine took in a cell: seconds, and the counts to explain them."""

    seconds: float
    units: Mapping[str, float]


def fit_rates(runs: Sequence[Run], tables: Seconds) -> Fit:
    """Rates for every engine that the runs measured, all runs of one machine.

    Raises NothingMeasuredError when they measured none.
    """
    samples = _samples(runs, tables)
    if not samples:
        msg = f"{', '.join(str(run.folder) for run in runs)}: no engine was measured, so nothing can be fitted"
        raise NothingMeasuredError(msg)
    pure = [sample for name in ("forward", "reverse") for sample in samples.get(name, [])]
    if pure:
        samples.setdefault(_MIXED, pure)
    found = {name: _fitted(each, _terms_of(name, tables)) for name, each in samples.items()}
    rates = {name: rate for name, (rate, _) in found.items()}
    return Fit(seconds=Seconds(tables.tables, rates), error={name: error for name, (_, error) in found.items()})


def predicted_seconds(prices: Seconds, name: str, problem: Problem, run: Run) -> float | None:
    """One Jacobian by that engine; None where it was not calibrated or is not installed here."""
    found = find_engine(name)
    if found is None or name not in prices.rates:
        return None
    chain, wrt = problem.chain, run.spec.wrt
    engine = found.priced(prices)
    return prices.jacobian(name, engine.cost(chain, wrt), engine.products(chain, wrt), chain, wrt)


def _samples(runs: Iterable[Run], tables: Seconds) -> dict[str, list[_Sample]]:
    samples: dict[str, list[_Sample]] = {}
    for run in runs:
        cells: dict[Cell, Problem] = {}
        for row in times(run).to_dict("records"):
            cell, name, seconds = Cell(row["n"], row["m"]), row["engine"], float(row["point"])
            if cell not in cells:
                cells[cell] = run.spec.problem_at(cell)
            problem = cells[cell]
            found = find_engine(name)
            if found is None or not found.computes:
                continue
            cost, products = found.cost(problem.chain, run.spec.wrt), found.products(problem.chain, run.spec.wrt)
            units = terms(tables, cost, products, problem.chain)
            samples.setdefault(name, []).append(_Sample(seconds, units))
    return samples


def _terms_of(name: str, tables: Seconds) -> tuple[str, ...]:
    found = find_engine(name)
    return _OF_TABLES if tables.tables and found is not None and found.library == "numpy" else _OF_COUNTS


def _fitted(samples: Sequence[_Sample], names: Sequence[str]) -> tuple[Rates, float]:
    """The rates, and the root of the mean square of the relative errors."""
    seconds = np.array([sample.seconds for sample in samples])
    units = np.array([[sample.units[name] for name in names] for sample in samples])
    scale = np.where(units.max(axis=0) > 0, units.max(axis=0), 1.0)
    coefficients, residual = nnls(units / scale / seconds[:, None], np.ones(len(samples)))
    rates = Rates(**dict(zip(names, (coefficients / scale).tolist(), strict=True)))
    return rates, float(residual) / math.sqrt(len(samples))
