"""Shifts: correlated rounds are seen, and widen the errors by what they hide."""

import numpy as np
import pytest
from scipy import stats

from fwdrev.results.stats.paired_shifts import correlation_of, shifts_of


def series(rng: np.random.Generator, correlation: float, rounds: int, pairs: int) -> np.ndarray:
    """AR(1) with deviation 1, as (rounds, pairs)."""
    noise = rng.standard_normal((rounds, pairs))
    for i in range(1, rounds):
        noise[i] = correlation * noise[i - 1] + np.sqrt(1 - correlation**2) * noise[i]
    return noise


@pytest.mark.parametrize("correlation", [0.3, 0.6])
@pytest.mark.parametrize("rounds", [8, 16])
def test_a_correlation_is_seen_in_all_pairs_together(correlation: float, rounds: int) -> None:
    """In the mean of 200 runs with 96 pairs it comes out right, though each series is short."""
    rng = np.random.default_rng(1)
    found = [correlation_of(series(rng, correlation, rounds, 96)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(correlation, abs=0.05)


def test_independent_rounds_are_left_alone() -> None:
    """Most runs without a correlation are told none, and few pairs or rounds never tell."""
    rng = np.random.default_rng(2)
    found = [float(correlation_of(series(rng, 0.0, 10, 96))) for _ in range(200)]
    assert np.mean(np.array(found) == 0) > 0.9
    assert correlation_of(series(rng, 0.9, 5, 96)) == 0
    assert correlation_of(np.full((10, 4), np.nan)) == 0


def test_many_runs_at_once_are_each_their_own() -> None:
    """(rounds, runs, pairs) gives what each run alone would."""
    rng = np.random.default_rng(3)
    runs = np.stack([series(rng, 0.5, 10, 40) for _ in range(5)], axis=1)
    assert correlation_of(runs) == pytest.approx([float(correlation_of(runs[:, i])) for i in range(5)])


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_errors_are_those_of_the_mean(correlation: float) -> None:
    """The squared error is, in the mean, the variance that the means of 20 000 series have, or a little more."""
    logs = series(np.random.default_rng(4), correlation, 10, 20_000)
    shifts = shifts_of(logs, correlation)
    assert 0.98 < np.mean(shifts.error**2) / np.var(shifts.mean) < 1.1


@pytest.mark.parametrize("rounds", [10, 19, 20, 35])
def test_intervals_are_those_of_a_trimmed_mean(rounds: int) -> None:
    """With SciPy's trimmed mean and winsorised rounds; who was not measured in all rounds is trimmed by what he has."""
    logs = np.random.default_rng(5).standard_t(3, (rounds, 4))
    logs[3, 1] = np.nan
    for each, found in zip(logs.T, shifts_of(logs).estimates(), strict=True):
        there = each[~np.isnan(each)]
        mean, kept = stats.trim_mean(there, 0.1), len(there) - 2 * (len(there) // 10)
        squares = (len(there) - 1) * np.var(stats.mstats.winsorize(there, (0.1, 0.1)), ddof=1)
        low, high = stats.t.interval(0.95, kept - 1, mean, np.sqrt(squares / (kept * (kept - 1))))
        assert found is not None
        assert np.log([found.low or 0, found.high or 0]) == pytest.approx([low, high])


def test_one_wild_round_in_ten_decides_nothing() -> None:
    """A round in which a neighbour had the processor, however long, leaves the others to say what they say."""
    calm = np.random.default_rng(6).normal(0.02, 0.01, (10, 1))
    wild = calm.copy()
    wild[4] = 1.5
    (one,), (other,) = (list(shifts_of(logs).estimates()) for logs in (calm, wild))
    assert one is not None
    assert other is not None
    assert other.point == pytest.approx(one.point, abs=0.005)
    assert (other.high or 9) < 1.05
