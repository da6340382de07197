"""The gate errs as rarely as stated and finds what it should, in noise with a known truth.

Seeds are fixed, so that the tests are exact. 2000 runs without a single alarm bound the rate below 0.19 % (95 %); the
long tests have that many. The other bounds follow from the binomial law, and would fail once in 1000 times.
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
    """The number of runs in which an event of this rate happens, at most, except once in 1000 times."""
    return int(binom.ppf(1 - 1e-3, runs, rate))


def count_regressions(scenario: str, truth: Truth, runs: int, seed: int = 1) -> int:
    """Counts the runs, each with its confirmation, that end as a regression."""
    setting, rng = Setting(scenario=SCENARIOS[scenario]), np.random.default_rng(seed)
    return setting.count_regressions(rng, setting.truth(truth), runs)


@pytest.mark.parametrize("runs", EITHER)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_code_against_itself_is_not_called_slower(scenario: str, runs: int) -> None:
    """In 2000 runs the interval of their share ends below 1 %; fewer runs have no more than this share allows."""
    found = count_regressions(scenario, Truth.SAME, runs)
    if runs == RUNS:
        assert binomtest(found, runs).proportion_ci(0.95, method="wilson").high <= 0.01
    assert found <= most_of(runs, 0.0019)


@pytest.mark.parametrize("runs", EITHER)
@pytest.mark.parametrize("truth", [Truth.POOLS_AT_EDGE, Truth.CELLS_AT_EDGE])
@pytest.mark.parametrize("scenario", ["normal", "correlated rounds", "all of it"])
def test_what_is_accepted_is_not_called_slower(scenario: str, truth: Truth, runs: int) -> None:
    """At most 1 % of runs do so, though all pools or half of all cells lie right at their thresholds."""
    found = count_regressions(scenario, truth, runs)
    assert found <= (runs // 100 if runs == RUNS else most_of(runs, 0.0019))


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_slower_mode_is_found(scenario: str) -> None:
    """With 5 % in all cells of one mode, 38 of 40 runs or more find it."""
    assert count_regressions(scenario, Truth.MODE, 40) >= 38


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_slower_cell_is_found(scenario: str) -> None:
    """With 10 % in one arm of one cell of 24, 36 of 40 runs or more find it."""
    assert count_regressions(scenario, Truth.CELL, 40) >= 36


@pytest.mark.parametrize("runs", EITHER)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_intervals_cover(scenario: str, runs: int) -> None:
    """95 % of them hold the truth, within the binomial interval (99 %); with heavy tails it may be more."""
    setting, rng = Setting(scenario=SCENARIOS[scenario]), np.random.default_rng(2)
    found = binomtest(setting.covered(rng, setting.truth(Truth.CELL), runs), runs)
    interval = found.proportion_ci(0.99, method="wilson")
    assert interval.high >= 0.95
    assert interval.low <= 0.95 or setting.scenario.tails


@pytest.mark.parametrize("scenario", ["normal", "all of it"])
def test_the_simulation_decides_as_the_gate_does(scenario: str) -> None:
    """In 16 runs, slow-downs are found about as often as not, and both answers occur."""
    setting = Setting(scenario=SCENARIOS[scenario])
    answers = set()
    for seed in range(16):
        truth = setting.truth((Truth.MODE, Truth.CELL)[seed % 2]) * (0.62, 0.74)[seed % 2]
        red = setting.count_regressions(np.random.default_rng(seed), truth, 1) == 1
        assert _decided(setting, np.random.default_rng(seed), truth) is red
        answers.add(red)
    assert answers == {True, False}


def _decided(setting: Setting, rng: np.random.Generator, truth: np.ndarray) -> bool:
    """Decides by the gate itself, with fresh rounds only for flagged findings."""
    sides = setting.sides(rng, truth)
    gate = decide(sides)
    if flagged(gate):
        gate = decide(sides, confirmation=setting.sides(rng, truth))
    return gate.outcome is Outcome.REGRESSED
