"""A second look at a baseline comparison: fresh rounds of undecided parts, and their effect."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binom

from fwdrev.bench import Cell
from fwdrev.results import Run
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.compare import compared, undecided
from fwdrev.results.gate.baseline.ratio_shifts import Shift
from fwdrev.results.gate.baseline.second_look import Again
from fwdrev.results.gate.baseline.shift_verdicts import Looks, told_shifts
from fwdrev.results.gate.verdicts.report import Outcome, Verdict
from tests.baselines import PLANE, about, elsewhere, measured
from tests.scripted import scripted_run, slowed, with_counts

NOISY: dict[str, Any] = {"noise": 0.04, "shift": 0.03, **PLANE}


def noisy(seed: int, **more: Any) -> Run:
    """Rounds so noisy that six of them cannot decide at a threshold of ten per cent."""
    return with_counts(scripted_run(seed, **NOISY | more))


def fresh(again: Again, run: Run, seed: int, **factors: float) -> Run:
    """The requested rounds, of these cells and arms alone."""
    shapes = [(cell.n, cell.m) for cell in again.cells]
    asked = noisy(seed, rounds=again.rounds(run.spec), engines=again.arms(run.spec))
    seen = [o for o in asked.observations if (o.cell.n, o.cell.m) in shapes]
    return slowed(
        replace(asked, spec=asked.spec.model_copy(update={"shapes": shapes}), observations=tuple(seen)), **factors
    )


def test_what_noise_left_open_is_decided_by_more_rounds() -> None:
    """Only undecided cells are measured again, with more rounds the fewer they are; then nothing is open."""
    baseline, run = baseline_of(noisy(0, rounds=20)), noisy(1)
    first = compared(baseline, run, threshold=0.06)
    again = undecided(baseline, run, threshold=0.06)
    assert first.outcome is Outcome.INCONCLUSIVE
    assert again is not None
    assert again.flagged == ()
    assert set(again.undecided) == {told.subject for told in first.told if told.open}
    assert 0 < len(again.cells) <= len(run.spec.cells)
    assert again.rounds(run.spec) == round(6 * min(3, len(run.spec.cells) / len(again.cells)))
    second = compared(baseline, run, threshold=0.06, again=fresh(again, run, 2))
    assert sum(told.open for told in second.told) < sum(told.open for told in first.told)
    (told,) = about(second, again.undecided[0])
    assert not told.open
    assert told.grounds.endswith("in all rounds")


def test_a_slower_engine_fails_when_fresh_rounds_confirm_it() -> None:
    """Without confirmation in fresh rounds it is not slower."""
    baseline, run = baseline_of(measured(rounds=10)), slowed(measured(seed=1), forward=1.3)
    again = undecided(baseline, run)
    assert again is not None
    assert [name for name in again.flagged if "÷" in name] == [
        told.subject for told in about(compared(baseline, run), "÷")
    ]
    confirmed = compared(baseline, run, again=slowed(measured(seed=2, rounds=10), forward=1.3))
    assert confirmed.outcome is Outcome.REGRESSED
    assert all(told.grounds.endswith("in fresh rounds") for told in confirmed.told if told.fails)
    unconfirmed = compared(baseline, run, again=measured(seed=2, rounds=10))
    assert not any(told.fails for told in unconfirmed.told)
    assert {told.verdict for told in about(unconfirmed, "÷")} <= {Verdict.UNCHANGED, Verdict.INCONCLUSIVE}
    assert Verdict.UNCHANGED in {told.verdict for told in about(unconfirmed, "÷")}


def test_what_fresh_rounds_did_not_measure_fails_nothing() -> None:
    """The finding stays open, since one look is not enough."""
    baseline, run = baseline_of(measured()), slowed(measured(seed=1), forward=1.3)
    report = compared(baseline, run, again=replace(run, observations=()))
    assert report.outcome is Outcome.INCONCLUSIVE
    assert all("could not be measured again" in told.grounds for told in about(report, "÷"))


def test_a_crossover_that_seems_to_have_moved_takes_its_row() -> None:
    """The crossover's place depends on all cells at its n."""
    baseline, run = baseline_of(measured()), slowed(measured(seed=1), forward=1.3)
    again = undecided(baseline, run)
    assert again is not None
    assert "crossover of forward and reverse at n = 64" in again.flagged
    assert {Cell(64, m) for m in (4, 16, 64, 256)} <= set(again.cells)


def test_nothing_is_measured_again_where_all_is_decided() -> None:
    """Clearly faster arms are not either; on another machine nothing is flagged, since nothing can fail there."""
    baseline = baseline_of(measured())
    assert undecided(baseline, measured(seed=1), threshold=0.2) is None
    assert undecided(baseline, slowed(measured(seed=1), forward=0.5), threshold=0.2) is None
    there = elsewhere(slowed(measured(seed=1), forward=1.5), cpu_model_name="another")
    assert undecided(baseline, there, threshold=0.2) is None


def test_a_baseline_of_too_few_rounds_says_so() -> None:
    """More rounds now could not decide it, so there are none; the line says how many the baseline needs."""
    baseline, run = baseline_of(noisy(0, rounds=3)), noisy(1, rounds=30)
    report = compared(baseline, run, threshold=0.03)
    open_ones = [told for told in report.told if told.open]
    assert open_ones
    assert any(
        "the baseline's own rounds are too few: measure it anew with --rounds " in told.grounds for told in open_ones
    )
    again = undecided(baseline, run, threshold=0.03)
    hopeless = {told.subject for told in open_ones if "too few" in told.grounds}
    assert again is None or hopeless - set(again.undecided)


@pytest.mark.parametrize("threshold", [0.05, pytest.param(0.001, marks=pytest.mark.long)])
def test_two_looks_at_the_same_code_fail_nothing(threshold: float) -> None:
    """Twenty noisy comparisons do not fail, though their baselines may be unlucky in both looks."""
    for seed in range(0, 60, 3):
        baseline, run = baseline_of(noisy(seed, tails=3)), noisy(seed + 1, tails=3)
        again = undecided(baseline, run, threshold=threshold, alpha=0.01)
        assert again is None or not any(
            told.fails for told in compared(baseline, run, threshold=threshold, again=fresh(again, run, seed + 2)).told
        )


def _shift(name: int, then: float, now: float, rounds: int) -> Shift:
    """The shift of a function whose single rounds vary by 1 per cent; the baseline has ten."""
    return Shift(
        subject=f"model:f{name}",
        words="",
        n=1,
        m=1,
        arm=f"model:f{name}",
        other="control",
        mean=now - then,
        error=0.01 * (1 / 10 + 1 / rounds) ** 0.5,
        freedom=1000.0,
        then_half=0.0,
        then_rounds=10,
        own=(now - then, 0.0),
        of_function=True,
    )


def _at(name: int, p: float) -> Shift:
    """Shifts that exceed a threshold of 5 % with this p-value."""
    shift = _shift(name, 0.0, math.log1p(0.05), 1000)
    return replace(shift, mean=shift.mean + shift.error * float(stats.t.isf(p, shift.freedom)))


def _fails(p: Sequence[float], again: Sequence[float] | None = None) -> list[bool]:
    """The failures among ten functions at a level of 1 %: the first have these p-values, the others did not change."""
    first = [_at(i, each) for i, each in enumerate([*p, *[0.5] * (10 - len(p))])]
    later = None if again is None else {one.subject: one for one in (_at(i, each) for i, each in enumerate(again))}
    told = told_shifts(Looks(first=first, fresh=later, all=later or {}), 0.05, 0.01, here=True)
    return [each.fails for each in told][: len(p)]


def test_one_look_corrects_for_all_shifts_in_both_directions() -> None:
    """Of twenty tests the first takes a twentieth of the level, the next one a nineteenth (Holm)."""
    assert _fails([0.95 * 0.01 / 20]) == [True]
    assert _fails([1.05 * 0.01 / 20]) == [False]
    assert _fails([0.95 * 0.01 / 20, 0.98 * 0.01 / 19]) == [True, True]
    assert _fails([0.95 * 0.01 / 20, 1.02 * 0.01 / 19]) == [True, False]
    assert _fails([1.05 * 0.01 / 20, 0.98 * 0.01 / 19]) == [False, False]


def test_a_second_look_corrects_for_all_shifts_too() -> None:
    """The second look corrects though it measures only flagged shifts; the fresh rounds decide."""
    assert _fails([1e-9], [0.95 * 0.01 / 20]) == [True]
    assert _fails([1e-9], [1.05 * 0.01 / 20]) == [False]
    assert _fails([1e-9, 1e-9], [0.98 * 0.01 / 19]) == [False, False], "one was not measured again: it rejects nothing"
    assert _fails([1e-9, 1e-9], [0.95 * 0.01 / 20, 0.98 * 0.01 / 19]) == [True, True]
    assert _fails([1e-9, 1e-9], [0.95 * 0.01 / 20, 1.02 * 0.01 / 19]) == [True, False]


@pytest.mark.long
def test_the_share_of_false_alarms_holds_though_both_looks_share_a_baseline() -> None:
    """Of twenty unchanged functions one is flagged by an unlucky baseline, which fresh rounds share.

    At a level of 5 % on either side, and a threshold near zero, at most this many of 200 comparisons fail.
    """
    rng, failed = np.random.default_rng(0), 0
    for _ in range(200):
        then, now, later = (rng.normal(0, 0.01 / rounds**0.5, 20) for rounds in (10, 10, 30))
        first = [_shift(i, then[i], now[i], 10) for i in range(20)]
        fresh = {shift.subject: shift for shift in (_shift(i, then[i], later[i], 30) for i in range(20))}
        looks = Looks(first=first, fresh=fresh, all=fresh)
        failed += any(told.fails for told in told_shifts(looks, 1e-9, 0.1, here=True))
    assert 1 < failed <= binom.ppf(1 - 1e-3, 200, 0.05)
