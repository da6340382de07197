"""Sides of a gate made by hand: one arm in one cell, or a grid of four cells."""

import math
from typing import Any

import numpy as np

from fwdrev.bench import Cell
from fwdrev.results.gate.decision import Gate
from fwdrev.results.gate.findings import Finding
from fwdrev.results.gate.sides import Sides
from fwdrev.results.gate.verdicts.report import Verdict

__all__ = ["ONE", "WOBBLE", "alone", "flagged", "grid", "noisy", "slower"]

ONE = (Cell(4, 2), "forward")
WOBBLE = (0.004, -0.006, 0.001, 0.005, -0.004)
"""Rounds that differ by half a per cent and sum to zero."""


def alone(logs: Any, control: Any = None, **more: Any) -> Sides:
    """One arm in one cell."""
    logs = np.asarray(logs, dtype=float)
    control = np.zeros(logs.shape) if control is None else np.asarray(control, dtype=float)
    shape = logs.reshape(-1, 1, 1)
    return Sides(cells=(ONE[0],), arms=(ONE[1],), logs=shape, control=control, **more)


def slower(by: float, wobble: Any = WOBBLE) -> Sides:
    """One arm in one cell, slower by this share, in this many rounds."""
    return alone(math.log1p(by) + np.asarray(wobble))


def grid(logs: Any, arms: tuple[str, ...] = ("forward", "reverse"), **fields: Any) -> Sides:
    """Four cells: n of 1 and 8, m of 2 and 3; `logs` broadcast to (5 rounds, 4 cells, arms)."""
    cells = tuple(Cell(n, m) for n in (1, 8) for m in (2, 3))
    whole = np.array(np.broadcast_to(logs, (5, 4, len(arms))))
    return Sides(cells=cells, arms=arms, logs=whole, control=np.zeros(5), **fields)


def flagged(gate: Gate) -> list[Finding]:
    """The subjects that were flagged and not yet measured again."""
    return [finding for finding in gate.findings if finding.time is Verdict.FLAGGED]


def noisy(spread: float = 0.002, seed: int = 0, arms: int = 2) -> np.ndarray:
    """Normal noise of shape (5, 4, arms)."""
    return np.random.default_rng(seed).normal(0, spread, (5, 4, arms))
