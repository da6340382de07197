"""Simulated sides: rounds of a gate whose truth is known, to see how often it errs and how much it finds.

    setting = Setting(weather=WEATHERS["heavy tails"])
    setting.red(rng, setting.truth(Truth.SAME))          # whether the gate calls code against itself slower

A weather is the noise of the log ratios of rounds, in units of 1 (0.01 is 1 %). Typical for paired blocks on shared
machines: code against itself came out within 1.4 % in 24 of 24 tries, two thirds of them within 0.45 %.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
from jaxtyping import Float

from fwdrev.bench.cell import Cell
from fwdrev.modes.arrays import Vector
from fwdrev.modes.interface import Direction
from fwdrev.results.findings import POOLED, SCREENING, margins_of, slowdowns
from fwdrev.results.paired_sides import Sides
from fwdrev.results.shifts import Shifts, shifts_of
from fwdrev.results.subjects import Subject, averages, shares, subjects_of

__all__ = ["WEATHERS", "Setting", "Truth", "Weather"]

THRESHOLD, ALPHA = 0.05, 0.01
"""The defaults of `decide`."""

Shape = Float[np.ndarray, "cells arms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The noise of a round's log ratio.

    `spread`: standard deviation of a pair, drawn evenly between these two for each; `tails`: degrees of freedom of
    Student's t, scaled to that deviation, instead of the normal; `common`: deviation of what a round does to all arms,
    the control too; `unseen`: the same of what the control does not see; `drift`: by how much head becomes slower from
    the first round to the last, the control too; `correlation`: of a pair's (and of the unseen) noise with that of the
    round before.
    """

    spread: tuple[float, float] = (0.005, 0.015)
    tails: int | None = None
    common: float = 0.0
    unseen: float = 0.0
    drift: float = 0.0
    correlation: float = 0.0

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
        """Noise of deviation 1, rounds first; the first round is as noisy as the others."""
        if self.tails is None:
            noise = rng.standard_normal(shape)
        else:
            noise = rng.standard_t(self.tails, shape) * np.sqrt((self.tails - 2) / self.tails)
        for i in range(1, len(noise)):
            noise[i] = self.correlation * noise[i - 1] + np.sqrt(1 - self.correlation**2) * noise[i]
        return noise


WEATHERS = {
    "normal": Weather(),
    "heavy tails": Weather(tails=3),
    "drift": Weather(common=0.01, drift=0.05),
    "correlated rounds": Weather(correlation=0.3),
    "unseen by the control": Weather(common=0.01, unseen=0.005),
    "all of it": Weather(tails=3, common=0.01, unseen=0.005, drift=0.05, correlation=0.3),
}


class Truth(StrEnum):
    """How much slower head really is, and where."""

    SAME = "no change"
    POOLS_AT_EDGE = "all at the threshold of pools"
    CELLS_AT_EDGE = "half of all at the threshold of cells"
    MODE = "a mode at the threshold of cells"
    CELL = "a cell at twice its threshold"


_ARMS = {
    "forward": Direction.FORWARD,
    "reverse": Direction.REVERSE,
    "jax-jvp": Direction.FORWARD,
    "jax-vjp": Direction.REVERSE,
}


@dataclass(frozen=True, kw_only=True)  # no slots: it keeps what it has computed
class Setting:
    """24 cells, 4 arms and so many rounds, the same number to confirm."""

    weather: Weather = field(default_factory=Weather)
    rounds: int = 8
    cells: tuple[Cell, ...] = tuple(Cell(n, m) for n in (1, 4, 16, 64, 256, 1024) for m in (1, 4, 16, 64))

    def truth(self, truth: Truth) -> Shape:
        """(cells, arms): log(time of head / time of base)."""
        logs = np.zeros((len(self.cells), len(_ARMS)))
        if truth is Truth.POOLS_AT_EDGE:
            logs[:] = np.log1p(POOLED * THRESHOLD)
        elif truth is Truth.CELLS_AT_EDGE:  # a chequerboard: the mean of each pool stays below its threshold
            row = np.array([cell.m for cell in self.cells])
            odd = np.unique(row, return_inverse=True)[1] + np.unique([c.n for c in self.cells], return_inverse=True)[1]
            logs[(odd[:, None] + np.arange(len(_ARMS))) % 2 == 1] = np.log1p(THRESHOLD)
        elif truth is Truth.MODE:
            logs[:, ::2] = np.log1p(THRESHOLD)
        elif truth is Truth.CELL:
            logs[0, 0] = np.log1p(2 * THRESHOLD)
        return logs

    def sides(self, rng: np.random.Generator, truth: Shape) -> Sides:
        """One run."""
        weather, rounds = self.weather, self.rounds
        spread = rng.uniform(*weather.spread, (len(self.cells), len(_ARMS) + 1))
        noise = spread * weather.draw(rng, (rounds, *spread.shape))
        noise += weather.common * rng.standard_normal((rounds, 1, 1)) + weather.drift * self._time
        noise[..., 1:] += truth + weather.unseen * weather.draw(rng, (rounds, 1, 1))
        return Sides(
            cells=self.cells,
            arms=tuple(_ARMS),
            directions=tuple(_ARMS.values()),
            logs=noise[..., 1:],
            control=noise[..., 0],
        )

    def red(self, rng: np.random.Generator, truth: Shape) -> bool:
        """Whether two runs end as a regression: what `decide` does, without its records."""
        first = self._shifts(rng, truth)
        flagged = np.flatnonzero(slowdowns(first, self._margins, self._shares) <= SCREENING)
        if not flagged.size:
            return False
        fresh = self._shifts(rng, truth, flagged)
        return bool((slowdowns(fresh, self._margins[flagged], np.ones(flagged.size)) <= ALPHA).any())

    def covered(self, rng: np.random.Generator, truth: Shape) -> Vector:
        """(cells * arms,) of bool: which intervals of one run hold the truth."""
        shifts = shifts_of(self.sides(rng, truth).effects)
        return shifts.holds(truth.ravel())

    def _shifts(self, rng: np.random.Generator, truth: Shape, of: Vector | slice = slice(None)) -> Shifts:
        return shifts_of(averages(self.sides(rng, truth), self.subjects)[:, of])

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """The same in each run: nothing is missing."""
        return subjects_of(self.sides(np.random.default_rng(0), self.truth(Truth.SAME)))

    @cached_property
    def _margins(self) -> Vector:
        return margins_of(self.subjects, THRESHOLD)

    @cached_property
    def _shares(self) -> Vector:
        return shares(self.subjects)

    @property
    def _time(self) -> Float[np.ndarray, "rounds 1 1"]:
        return np.linspace(0.0, 1.0, self.rounds)[:, None, None]
