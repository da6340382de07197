"""Simulated sides: rounds of a gate with a known truth, to count its errors and its findings.

setting = Setting(scenario=SCENARIOS["heavy tails"])
setting.count_regressions(rng, setting.truth(Truth.SAME), 2000)   # alarms on identical code

By `benchmarks/gate_simulation.py` (10 rounds, 2000 runs): code against itself is never called slower, at most 0.15 % of
the runs are false even where half of all cells lie right at the threshold, and 95 % intervals hold the truth in 94.6 to
95.2 % of the cases, in every scenario. With `--correlation 0.7` (1000 runs) these are at most 0.3 % and 92 to 94 %.
Without the correction for correlated rounds it was 3 to 19 % and below 88 %. Rounds are independent because each uses
a fresh pair of processes and draws anew which side goes first.

A scenario is the noise of the log ratios of rounds, in units of 1 (0.01 is 1 %). Typical for paired blocks on shared
machines: code against itself came out within 1.4 % in 24 of 24 tries, two thirds of them within 0.45 %.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

import numpy as np
from jaxtyping import Float

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.core.arrays import Vector
from fwdrev.results.gate.findings import POOLED, SCREENING, margins_of
from fwdrev.results.gate.sides import Sides
from fwdrev.results.gate.subjects import Subject, averages, shares, subjects_of
from fwdrev.results.stats.holm import holm
from fwdrev.results.stats.paired_shifts import Shifts, correlation_of, shifts_of

__all__ = ["SCENARIOS", "NoiseScenario", "Setting", "Truth"]

THRESHOLD, ALPHA = 0.05, 0.01
"""The defaults of `decide`."""

_AT_ONCE = 250
"""Runs drawn together: each copy of them takes 10 MB."""

Shape = Float[np.ndarray, "cells arms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseScenario:
    """The noise of a round's log ratio.

    `spread`: standard deviation of a pair, drawn uniformly between these two for each; `tails`: degrees of freedom of
    Student's t, scaled to that deviation, instead of the normal; `common`: deviation of a round's effect on all arms,
    including the control; `unseen`: deviation of an effect that misses the control; `drift`: slow-down of head from
    the first round to the last, including the control; `correlation`: of a pair's (and the unseen) noise with that of
    the round before.
    """

    spread: tuple[float, float] = (0.005, 0.015)
    tails: int | None = None
    common: float = 0.0
    unseen: float = 0.0
    drift: float = 0.0
    correlation: float = 0.0

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
        """Draws noise of deviation 1, rounds first; the first round is as noisy as the others."""
        if self.tails is None:
            noise = rng.standard_normal(shape)
        else:
            noise = rng.standard_t(self.tails, shape) * np.sqrt((self.tails - 2) / self.tails)
        for i in range(1, len(noise)):
            noise[i] = self.correlation * noise[i - 1] + np.sqrt(1 - self.correlation**2) * noise[i]
        return noise


SCENARIOS = {
    "normal": NoiseScenario(),
    "heavy tails": NoiseScenario(tails=3),
    "drift": NoiseScenario(common=0.01, drift=0.05),
    "correlated rounds": NoiseScenario(correlation=0.3),
    "unseen by the control": NoiseScenario(common=0.01, unseen=0.005),
    "all of it": NoiseScenario(tails=3, common=0.01, unseen=0.005, drift=0.05, correlation=0.3),
}


class Truth(StrEnum):
    """The true slow-down of head, and the cells where it applies."""

    SAME = "no change"
    POOLS_AT_EDGE = "all at the threshold of pools"
    CELLS_AT_EDGE = "half of all at the threshold of cells"
    MODE = "a mode at the threshold of cells"
    CELL = "a cell at twice its threshold"


_ARMS = ("forward", "reverse", "jax-jvp", "jax-vjp")


@dataclass(frozen=True, kw_only=True)  # no slots: cached properties need a dict
class Setting:
    """A gate of 24 cells, 4 arms and this many rounds, with as many to confirm."""

    scenario: NoiseScenario = field(default_factory=NoiseScenario)
    rounds: int = 10
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
        """Simulates one run."""
        return self._runs(rng, truth, 1)

    def count_regressions(self, rng: np.random.Generator, truth: Shape, runs: int) -> int:
        """Counts the runs that end as a regression, as `decide` would, but without its records."""
        done, red = 0, 0
        while done < runs:
            some = min(_AT_ONCE, runs - done)
            shifts, correlations = self._shifts(rng, truth, some)
            first = holm(shifts.p_slower(self._margins), self._shares) <= SCREENING
            looks = zip(first, correlations, strict=True)
            red += sum(self._confirmed(rng, truth, np.flatnonzero(f), c) for f, c in looks if f.any())
            done += some
        return red

    def covered(self, rng: np.random.Generator, truth: Shape, runs: int) -> int:
        """Counts the runs in which the interval of the first pair holds the truth."""
        shifts, _ = self._shifts(rng, truth, runs)
        return int(shifts.holds(np.array([truth[0, 0]] * len(self.subjects)))[:, 0].sum())

    def _confirmed(self, rng: np.random.Generator, truth: Shape, flagged: Vector, correlation: float) -> bool:
        """Whether fresh rounds confirm one of these regressions."""
        fresh = shifts_of(averages(self.sides(rng, truth), self.subjects)[:, flagged], correlation)
        return bool((holm(fresh.p_slower(self._margins[flagged]), np.ones(flagged.size)) <= ALPHA).any())

    def _shifts(self, rng: np.random.Generator, truth: Shape, runs: int) -> tuple[Shifts, Vector]:
        sides = self._runs(rng, truth, runs)
        means, effects = (
            each.reshape(self.rounds, runs, -1) for each in (averages(sides, self.subjects), sides.effects)
        )
        correlations = correlation_of(effects)
        return shifts_of(means, correlations), correlations

    def _runs(self, rng: np.random.Generator, truth: Shape, runs: int) -> Sides:
        """Stacks many runs as one: the first round of each, then the second of each, and so on.

        Computations for one round need no other round.
        """
        scenario, rounds, arms = self.scenario, self.rounds, len(_ARMS)
        spread = rng.uniform(*scenario.spread, (runs, len(self.cells), arms + 1))
        noise = spread * scenario.draw(rng, (rounds, *spread.shape))
        noise += scenario.common * rng.standard_normal((rounds, runs, 1, 1))
        noise += scenario.drift * np.linspace(0.0, 1.0, rounds)[:, None, None, None]
        noise[..., 1:] += truth + scenario.unseen * scenario.draw(rng, (rounds, runs, 1, 1))
        noise = noise.reshape(rounds * runs, len(self.cells), arms + 1)
        logs, control = noise[..., 1:], noise[..., 0]
        return Sides(cells=self.cells, arms=_ARMS, logs=logs, control=control)

    @cached_property
    def subjects(self) -> tuple[Subject, ...]:
        """The subjects, the same in each run: nothing is missing."""
        return subjects_of(self.sides(np.random.default_rng(0), self.truth(Truth.SAME)))

    @cached_property
    def _margins(self) -> Vector:
        return margins_of(self.subjects, THRESHOLD)

    @cached_property
    def _shares(self) -> Vector:
        return shares(self.subjects)
