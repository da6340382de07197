"""Intervals contain the truth as often as they say: of a ratio and of the crossover, in fair weather and in foul."""

from typing import Any

import pytest

from fwdrev.bench import Cell
from fwdrev.results import crossover, log_ratios
from fwdrev.results.stats.estimate import Estimate, log_mean
from tests.scripted import scripted_run, seconds, true_m, true_n

PAIR = ("forward", "reverse")
SWEEPS = 400

WEATHER = {
    "normal": {"noise": 0.05, "shift": 0.05},
    "heavy tails and drift": {"noise": 0.05, "shift": 0.05, "tails": 3, "drift": 0.1},
}
"""Values 5 % noisy, rounds shifted by 5 %; or that with Student's t of 3 degrees, while all becomes 10 % slower."""


@pytest.mark.parametrize("weather", WEATHER)
def test_intervals_cover(weather: str) -> None:
    """In 400 simulated sweeps 93 to 97 % of the intervals hold the truth."""
    noise: dict[str, Any] = WEATHER[weather]
    crossings: list[bool] = []
    ratios: list[bool] = []
    for seed in range(SWEEPS):
        measured = log_ratios(scripted_run(seed, **noise), PAIR)
        crossings += [_holds(c.size, true_m(n)) for n, c in crossover(measured).in_m.items()]
        for n in measured.n:
            sizes, logs = measured.along_m(n)
            cells = [Cell(n, int(m)) for m in sizes]
            ratios += [
                _holds(log_mean(column), seconds("forward", cell) / seconds("reverse", cell))
                for cell, column in zip(cells, logs.T, strict=True)
            ]
    assert (len(crossings), len(ratios)) == (SWEEPS * 4, SWEEPS * 24)
    assert 0.93 <= sum(crossings) / len(crossings) <= 0.97
    assert 0.93 <= sum(ratios) / len(ratios) <= 0.97


def _holds(interval: Estimate | None, truth: float) -> bool:
    return (
        interval is not None
        and interval.low is not None
        and interval.high is not None
        and interval.low <= truth <= interval.high
    )


def test_without_noise_the_crossover_is_exact() -> None:
    """Up to interpolation: within 2 % on a grid of powers of two, in both directions."""
    found = crossover(log_ratios(scripted_run(inputs="16:1024:*2", outputs="1:1024:*2"), PAIR))
    for known, crossings in ((true_m, found.in_m), (true_n, found.in_n)):
        inside = {at: c.size.point for at, c in crossings.items() if c.size is not None}
        assert len(inside) >= 5
        for at, point in inside.items():
            assert abs(point / known(at) - 1) < 0.02
