"""The gate errs as rarely as it says and finds what it should, in noise whose truth is known.

Seeds are fixed, so that the tests are exact. 2000 runs without a single alarm bound the rate below 0.19 % (95 %); the
long tests have so many. The others bound what a rate of that size gives, by the binomial law, once in 1000 times.
"""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from fwdrev.results.gate.decision import decide
from fwdrev.results.gate.verdicts.report import Outcome
from tests.doubles.simulated_gate import SCENARIOS, Setting, Truth
from tests.gate_sides import flagged

RUNS = 2000
FEW = 250

EITHER = [FEW, pytest.param(RUNS, marks=pytest.mark.long)]


def most_of(runs: int, rate: float) -> int:
    """How many of so many runs come by at that rate, but for one time in 1000."""
    return int(binom.ppf(1 - 1e-3, runs, rate))


def count_regressions(scenario: str, truth: Truth, runs: int, seed: int = 1) -> int:
    """How many of so many runs, each with its confirmation, end as a regression."""
    setting, rng = Setting(scenario=SCENARIOS[scenario]), np.random.default_rng(seed)
    return setting.count_regressions(rng, setting.truth(truth), runs)


@pytest.mark.parametrize("runs", EITHER)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_code_against_itself_is_not_called_slower(scenario: str, runs: int) -> None:
    """Of 2000 runs so few that the interval of their share ends below 1 %; of fewer as many as such a share gives."""
    found = count_regressions(scenario, Truth.SAME, runs)
    if runs == RUNS:
        assert binomtest(found, runs).proportion_ci(0.95, method="wilson").high <= 0.01
    assert found <= most_of(runs, 0.0019)


@pytest.mark.parametrize("runs", EITHER)
@pytest.mark.parametrize("truth", [Truth.POOLS_AT_EDGE, Truth.CELLS_AT_EDGE])
@pytest.mark.parametrize("scenario", ["normal", "correlated rounds", "all of it"])
def test_what_is_accepted_is_not_called_slower(scenario: str, truth: Truth, runs: int) -> None:
    """In at most 1 % of runs, though all pools or half of all cells lie right at their thresholds."""
    found = count_regressions(scenario, truth, runs)
    assert found <= (runs // 100 if runs == RUNS else most_of(runs, 0.0019))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_slower_mode_is_found(scenario: str) -> None:
    """5 % in all cells of one mode: in 38 of 40 runs or more."""
    assert count_regressions(scenario, Truth.MODE, 40) >= 38


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_slower_cell_is_found(scenario: str) -> None:
    """10 % in one arm of one cell of 24: in 36 of 40 runs or more."""
    assert count_regressions(scenario, Truth.CELL, 40) >= 36


@pytest.mark.parametrize("runs", EITHER)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_intervals_cover(scenario: str, runs: int) -> None:
    """The truth is in 95 % of them, within the binomial interval of so many (99 %); heavy tails may make it more."""
    setting, rng = Setting(scenario=SCENARIOS[scenario]), np.random.default_rng(2)
    found = binomtest(setting.covered(rng, setting.truth(Truth.CELL), runs), runs)
    interval = found.proportion_ci(0.99, method="wilson")
    assert interval.high >= 0.95
    assert interval.low <= 0.95 or setting.scenario.tails


@pytest.mark.parametrize("scenario", ["normal", "all of it"])
def test_the_simulation_decides_as_the_gate_does(scenario: str) -> None:
    """In 16 runs with slowdowns that are found about as often as not, with both answers among them."""
    setting = Setting(scenario=SCENARIOS[scenario])
    answers = set()
    for seed in range(16):
        truth = setting.truth((Truth.MODE, Truth.CELL)[seed % 2]) * (0.62, 0.74)[seed % 2]
        red = setting.count_regressions(np.random.default_rng(seed), truth, 1) == 1
        assert _decided(setting, np.random.default_rng(seed), truth) is red
        answers.add(red)
    assert answers == {True, False}


def _decided(setting: Setting, rng: np.random.Generator, truth: np.ndarray) -> bool:
    """By the gate itself, which asks for fresh rounds only where it flagged something."""
    sides = setting.sides(rng, truth)
    gate = decide(sides)
    if flagged(gate):
        gate = decide(sides, confirmation=setting.sides(rng, truth))
    return gate.outcome is Outcome.REGRESSED
