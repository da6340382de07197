"""Shifts: correlations between rounds are detected, and widen the errors accordingly."""

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
    """The mean of 200 runs with 96 pairs is right, though each series is short."""
    rng = np.random.default_rng(1)
    found = [correlation_of(series(rng, correlation, rounds, 96)) for _ in range(200)]
    assert np.mean(found) == pytest.approx(correlation, abs=0.05)


def test_independent_rounds_are_left_alone() -> None:
    """Most runs without a correlation get none, and few pairs or rounds never do."""
    rng = np.random.default_rng(2)
    found = [float(correlation_of(series(rng, 0.0, 10, 96))) for _ in range(200)]
    assert np.mean(np.array(found) == 0) > 0.9
    assert correlation_of(series(rng, 0.9, 5, 96)) == 0
    assert correlation_of(np.full((10, 4), np.nan)) == 0


def test_many_runs_at_once_are_each_their_own() -> None:
    """(rounds, runs, pairs) gives what each run alone would."""
    rng = np.random.default_rng(3)
    runs = np.stack([series(rng, 0.5, 10, 40) for _ in range(5)], axis=1)
    assert correlation_of(runs[:5]).tolist() == [0.0] * 5
    assert correlation_of(runs) == pytest.approx([float(correlation_of(runs[:, i])) for i in range(5)])


@pytest.mark.parametrize("correlation", [0.0, 0.4])
def test_errors_are_those_of_the_mean(correlation: float) -> None:
    """On average, the squared error is the variance of the means of 20 000 series, or slightly more."""
    logs = series(np.random.default_rng(4), correlation, 10, 20_000)
    shifts = shifts_of(logs, correlation)
    assert 0.98 < np.mean(shifts.error**2) / np.var(shifts.mean) < 1.1


@pytest.mark.parametrize("rounds", [10, 19, 20, 35])
def test_intervals_are_those_of_a_trimmed_mean(rounds: int) -> None:
    """SciPy's trimmed mean and winsorised rounds agree; pairs with missing rounds are trimmed by their own number."""
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
    """A round disturbed by a neighbour, however long, leaves the result to the others."""
    calm = np.random.default_rng(6).normal(0.02, 0.01, (10, 1))
    wild = calm.copy()
    wild[4] = 1.5
    (one,), (other,) = (list(shifts_of(logs).estimates()) for logs in (calm, wild))
    assert one is not None
    assert other is not None
    assert other.point == pytest.approx(one.point, abs=0.005)
    assert (other.high or 9) < 1.05


def test_a_correlation_by_hand() -> None:
    """The estimate takes the varying pairs that every round measured, with Marriott and Pope's correction."""
    logs = series(np.random.default_rng(7), 0.7, 12, 5)
    logs[3, 1], logs[:, 2] = np.nan, 0.5
    apart = (logs - logs.mean(axis=0))[:, [0, 3, 4]]
    mean = np.mean((apart[1:] * apart[:-1]).sum(axis=0) / (apart**2).sum(axis=0))
    corrected = (12 * mean + 1) / 8
    assert correlation_of(logs) == pytest.approx(corrected)
    assert 2 * np.sqrt(12 / 3) / 8 < corrected < 0.9
    for rounds, expected in ((5, 0.0), (6, 0.9)):
        steady = np.linspace(0, 1, rounds)[:, np.newaxis]
        assert correlation_of(np.repeat(steady, 96, axis=1)) == expected


@pytest.mark.parametrize("pairs", [1, 2, 4])
def test_a_correlation_below_two_errors_is_none(pairs: int) -> None:
    """The limit is two errors for this number of pairs, tried just below and just above."""
    slow, quick = np.cos(np.pi * np.arange(20) / 20), np.cos(np.pi * np.arange(20))
    shares = np.linspace(0, 1, 201)
    logs = np.sqrt(shares) * slow[:, None] / slow.std() + np.sqrt(1 - shares) * quick[:, None] / quick.std()
    for each in logs.T:
        apart = each - each.mean()
        corrected = (20 * (apart[1:] @ apart[:-1]) / (apart @ apart) + 1) / 16
        counts = corrected > 2 * np.sqrt(20 / pairs) / 16
        found = correlation_of(np.repeat(each[:, None], pairs, axis=1))
        assert found == pytest.approx(min(corrected, 0.9) if counts else 0.0)


@pytest.mark.parametrize(("rounds", "correlation"), [(3, 0.5), (8, 0.3), (9, 0.9)])
def test_errors_are_wider_by_what_an_autoregression_hides(rounds: int, correlation: float) -> None:
    """The factor is the mean's variance over that from the rounds' own, by the matrix of covariances."""
    covariance = correlation ** np.abs(np.subtract.outer(np.arange(rounds), np.arange(rounds)))
    of_mean = covariance.sum() / rounds**2
    of_rounds = (rounds - rounds * of_mean) / (rounds - 1)
    logs = np.random.default_rng(8).normal(0, 1, (rounds, 2))
    plain, wider = shifts_of(logs), shifts_of(logs, correlation)
    assert plain.error == pytest.approx(stats.sem(logs, axis=0))
    assert (wider.error / plain.error) ** 2 == pytest.approx(of_mean / (of_rounds / rounds))


def test_tests_and_intervals_are_students() -> None:
    """Tests are one-sided; intervals lie within a margin or around a truth; two rounds are too few."""
    logs = np.random.default_rng(9).normal([0.02, -0.03, 0.0], 0.02, (9, 3))
    logs[2:, 2] = np.nan
    found, margins, error = shifts_of(logs), np.array([0.01, 0.02, 0.03]), np.array(stats.sem(logs[:, :2]), dtype=float)
    for i in (0, 1):
        above = stats.ttest_1samp(logs[:, i], margins[i], alternative="greater").pvalue
        below = stats.ttest_1samp(logs[:, i], -margins[i], alternative="less").pvalue
        assert found.p_slower(margins)[i] == pytest.approx(above)
        assert found.p_faster(margins)[i] == pytest.approx(below)
        mean, half = logs[:, i].mean(), stats.t.ppf(0.9, 8) * error[i]
        for factor, inside in ((0.999, False), (1.001, True)):
            end = np.array([abs(mean) + factor * half] * 3)
            assert found.within(end, 0.8)[i] == inside
            assert found.holds(np.array([mean - factor * half] * 3), 0.8)[i] != inside
            assert found.holds(np.array([mean + factor * half] * 3), 0.8)[i] != inside
    assert np.isnan([found.p_slower(margins)[2], found.p_faster(margins)[2], found.mean[2], found.error[2]]).all()
    assert not found.within(margins)[2]
    assert not found.holds(margins)[2]
    first, second, third = found.estimates()
    assert first is not None
    assert second is not None
    assert (third, first.level) == (None, 0.95)
    same = shifts_of(np.full((4, 1), 0.25))
    assert [same.p_slower(np.array([margin]))[0] for margin in (0.2, 0.25, 0.3)] == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("rounds", [3, 9, 10, 40])
def test_what_is_detectable_is_found_so_often(rounds: int) -> None:
    """The noncentral t agrees; more rounds of the same spread behave as predicted."""
    logs = np.random.default_rng(10).normal(0.0, [0.01, 0.03], (30, 2))
    found = shifts_of(logs).in_rounds(rounds)
    kept = rounds - 2 * (rounds // 10)
    assert (found.rounds.tolist(), found.kept.tolist()) == ([rounds] * 2, [kept] * 2)
    assert found.error == pytest.approx(shifts_of(logs).error * np.sqrt(24 / kept))
    margins, levels = np.array([0.05, 0.01]), np.array([0.01, 0.001])
    for power in (0.5, 0.9):
        beyond = (np.log1p(found.detectable(margins, levels, power)) - margins) / found.error
        reached = stats.nct.sf(stats.t.isf(levels, kept - 1), kept - 1, beyond)
        assert reached == pytest.approx([power] * 2, abs=1e-4)
    assert found.detectable(margins, levels) == pytest.approx(found.detectable(margins, levels, 0.9))
    assert found.only(1).error.tolist() == found.error[1:].tolist()
