"""The noise of a machine by hand, and the smallest difference that two arms can show in it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from fwdrev.bench.records.machine import NoiseRound
from fwdrev.results.stats.estimate import log_mean, t_quantile
from fwdrev.results.stats.noise import noise_of, smallest_difference


def test_noise_by_hand() -> None:
    """The noise has spreads of logarithms: between processes, between the blocks of one, of the ratios of both arms."""
    rng = np.random.default_rng(0)
    a, b = np.exp(rng.normal(-7, 0.1, (2, 6, 4)))
    rounds = [
        NoiseRound(a=tuple(x), b=tuple(y), pinned=True, seconds=s)
        for x, y, s in zip(a, b, (1.0, 2.0, 3.0, 4.0, 5.0, 60.0), strict=True)
    ]
    found, both = noise_of(rounds), np.log(np.hstack([a, b]))
    assert (found.processes, found.blocks, found.seconds_per_process, found.rounds_per_minute) == (6, 4, 3.5, 17)
    assert found.seconds_per_call == pytest.approx(np.exp(np.median(both)))
    assert found.between_processes == pytest.approx(np.std(np.median(both, axis=1), ddof=1))
    assert found.between_blocks == pytest.approx(np.mean([np.var(each, ddof=1) for each in both]) ** 0.5)
    assert found.ratio_spread == pytest.approx(np.std([np.median(each) for each in np.log(a / b)], ddof=1))
    assert found.smallest_difference == pytest.approx(smallest_difference(found.ratio_spread, 17))
    slow = noise_of([replace(one, seconds=90.0) for one in rounds])
    assert slow.rounds_per_minute == 2


def test_the_smallest_difference_is_the_usual_size_of_a_sample() -> None:
    """The sample size is that for 95 % and a power of 80 %."""
    expected = math.expm1((stats.t.ppf(0.975, 15) + stats.norm.ppf(0.8)) * 0.04 / 4)
    assert smallest_difference(0.04, 16) == pytest.approx(expected)


def test_means_and_quantiles() -> None:
    """A geometric mean has Student's interval; a single round has none."""
    logs = np.array([0.1, 0.3, np.nan, 0.2])
    found, known = log_mean(logs), logs[~np.isnan(logs)]
    low, high = stats.t.interval(0.95, 2, known.mean(), stats.sem(known))
    assert (found.point, found.low, found.high) == pytest.approx(tuple(np.exp([known.mean(), low, high])))
    assert found.level == 0.95
    one = log_mean(np.array([0.1, np.nan]))
    assert one.point == pytest.approx(math.exp(0.1))
    assert (one.low, one.high) == (None, None)
    quantiles = t_quantile(np.array([[1, 2], [7.5, 0]]), 0.9)
    expected = [[math.inf, stats.t.ppf(0.95, 1)], [stats.t.ppf(0.95, 6.5), math.inf]]
    np.testing.assert_allclose(quantiles, expected)
