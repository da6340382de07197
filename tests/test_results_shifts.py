"""Shifts: correlated rounds are seen, and widen the errors by what they hide."""

import numpy as np
import pytest

from fwdrev.results.shifts import correlation_of, shifts_of


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
    """The squared error is, in the mean, the variance that the means of 20 000 series have."""
    logs = series(np.random.default_rng(4), correlation, 10, 20_000)
    shifts = shifts_of(logs, correlation)
    assert np.mean(shifts.error**2) == pytest.approx(np.var(shifts.mean), rel=0.03)
