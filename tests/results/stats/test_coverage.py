"""Intervals hold the truth as often as they say: of ratios, crossovers and the law, in good and bad noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from fwdrev.bench import Cell
from fwdrev.results import Run, crossover, log_ratios
from fwdrev.results.stats.crossover import Law
from fwdrev.results.stats.estimate import LEVEL, Estimate, log_mean
from tests.scripted import on_machines, scripted_run, seconds, true_m, true_n

PAIR = ("forward", "reverse")

WEATHER = {
    "normal": {"noise": 0.05, "shift": 0.05},
    "heavy tails and drift": {"noise": 0.05, "shift": 0.05, "tails": 3, "drift": 0.1},
}
"""Values 5 % noisy, rounds shifted by 5 %; or that with Student's t of 3 degrees, with a drift to 10 % slower."""


@pytest.mark.parametrize(
    ("weather", "sweeps"),
    [("normal", 50), pytest.param("heavy tails and drift", 200, marks=pytest.mark.long)],
)
def test_intervals_cover(weather: str, sweeps: int) -> None:
    """The number of simulated sweeps that hold the truth follows the binomial law (one error in 1000).

    Intervals of one sweep share its rounds, so that each share varies by no more than one interval per sweep would.
    """
    noise: dict[str, Any] = WEATHER[weather]
    law = _law(scripted_run())
    held = [_held(scripted_run(seed, **noise), law) for seed in range(sweeps)]
    least, most = (binom.ppf(p, sweeps, LEVEL) for p in (5e-4, 1 - 5e-4))
    for name in held[0]:
        assert least <= sum(each[name] for each in held) <= most, name


@pytest.mark.parametrize(
    ("machines", "sweeps"),
    [(3, 60), *(pytest.param(count, sweeps, marks=pytest.mark.long) for count, sweeps in ((2, 100), (8, 60)))],
)
def test_intervals_over_machines_cover(machines: int, sweeps: int) -> None:
    """So they do where machines of one type differ by 3 %, which rounds on one of them do not show."""
    names = [f"node{number}" for number in range(machines)]
    law = _law(scripted_run())

    def run(seed: int) -> Run:
        one = scripted_run(seed, rounds=3 * machines, noise=0.05, shift=0.02)
        return on_machines(one, names, spread=0.03, seed=seed)

    held = [_held(run(seed), law) for seed in range(sweeps)]
    least, most = (binom.ppf(p, sweeps, LEVEL) for p in (5e-4, 1 - 5e-4))
    for name in ("ratios", "crossovers"):
        assert least <= sum(each[name] for each in held) <= most, name


def _held(run: Run, law: Law) -> Mapping[str, float]:
    """The share of the intervals that hold the truth."""
    ratios = log_ratios(run, PAIR)
    found = crossover(ratios)
    assert found.law is not None
    assert len(found.in_m) == 4
    times = [
        _holds(log_mean(column), seconds("forward", Cell(n, int(m))) / seconds("reverse", Cell(n, int(m))))
        for n in ratios.n
        for m, column in zip(*(part.T for part in ratios.along_m(n)), strict=True)
    ]
    return {
        "ratios": float(np.mean(times)),
        "crossovers": float(np.mean([_holds(c.size, true_m(n)) for n, c in found.in_m.items()])),
        "exponent": _holds(found.law.alpha, law.alpha.point),
        "factor": _holds(found.law.c, law.c.point),
    }


def _law(run: Run) -> Law:
    """The law through the crossovers without noise."""
    law = crossover(log_ratios(run, PAIR)).law
    assert law is not None
    return law


def _holds(interval: Estimate | None, truth: float) -> bool:
    return (
        interval is not None
        and interval.low is not None
        and interval.high is not None
        and interval.low <= truth <= interval.high
    )


def test_without_noise_the_crossover_is_exact() -> None:
    """The crossover is exact up to interpolation: within 2 % on a grid of powers of two, in both directions."""
    found = crossover(log_ratios(scripted_run(inputs="16:1024:*2", outputs="1:1024:*2"), PAIR))
    for known, crossings in ((true_m, found.in_m), (true_n, found.in_n)):
        inside = {at: c.size.point for at, c in crossings.items() if c.size is not None}
        assert len(inside) >= 5
        for at, point in inside.items():
            assert abs(point / known(at) - 1) < 0.02
