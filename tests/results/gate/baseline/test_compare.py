"""A run beside a baseline: failures, passes, and inconclusive findings, from runs with a scripted truth."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fwdrev.bench import PREPARING, Cell, Status
from fwdrev.bench.records.observation import ArmResult
from fwdrev.modes.core.cost import ProgramCost
from fwdrev.modes.errors import InputError
from fwdrev.results import Run
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.compare import compared
from fwdrev.results.gate.verdicts.report import GateReport, Outcome, Verdict, text_lines
from tests.baselines import PLANE, about, after, elsewhere, measured
from tests.scripted import scripted_run, slowed, with_counts


def test_a_run_is_not_worse_than_itself() -> None:
    """One run is one measurement, not two, however noisy."""
    for run in (measured(), with_counts(scripted_run(noise=0.5, shift=0.3, **PLANE)), measured(rounds=1)):
        report = compared(baseline_of(run), run)
        assert report.outcome is Outcome.UNCHANGED
        assert {told.verdict for told in report.told} == {Verdict.UNCHANGED}


def test_the_same_code_measured_again() -> None:
    """Nothing fails; every decided finding is unchanged."""
    report = after(lambda run: run)
    assert report.outcome is Outcome.UNCHANGED
    assert len(about(report, "÷")) == 8
    assert len(about(report, "crossover of forward and reverse at n = 64")) == 1
    assert not any(told.fails or told.open for told in report.told)
    (seen,) = [note for note in report.notes if note.startswith("could be seen in a ratio: from ")]
    assert 5 < float(seen.split()[7].rstrip("%")) < 20


def test_noise_is_no_regression() -> None:
    """In forty noisy pairs of runs none fails, at a threshold far below the noise."""
    runs = [with_counts(scripted_run(seed, noise=0.05, shift=0.05, tails=3, **PLANE)) for seed in range(80)]
    found = [
        compared(baseline_of(one), other, threshold=0.001) for one, other in zip(runs[::2], runs[1::2], strict=True)
    ]
    assert {report.outcome for report in found} == {Outcome.INCONCLUSIVE}


def test_more_operations_fail() -> None:
    """The message has both numbers, also on another machine."""
    changes: list[Callable[[Run], Run]] = [
        lambda run: with_counts(run, more=760),
        lambda run: elsewhere(with_counts(run, more=760), cpu_model_name="another"),
    ]
    for change in changes:
        report = after(change)
        assert report.outcome is Outcome.REGRESSED
        (told,) = [told for told in report.told if told.fails]
        assert told.subject == "forward at n = 64, m = 16"
        assert (told.verdict, told.grounds) == (Verdict.COUNTS_CHANGED, "multiply adds 10,240 → 11,000")


def test_fewer_operations_are_an_improvement() -> None:
    """The improvement is reported, and does not fail."""
    report = after(lambda run: with_counts(run, more=-40))
    assert report.outcome is Outcome.IMPROVED
    row = next(line for line in text_lines(report) if "forward at n = 64, m = 16" in line)
    assert row.split("  ")[0] == "counts changed"
    assert row.endswith("multiply adds 10,240 → 10,200")


def programs(then: ProgramCost | None, now: ProgramCost | None, **facts: Any) -> GateReport:
    """Runs with these compiler's counts of forward's program."""
    before, later = with_counts(measured(), then), elsewhere(with_counts(measured(seed=1), now), **facts)
    return compared(baseline_of(before), later)


def test_what_the_compiler_counts() -> None:
    """More operations fail; other bytes are reported; a count that one side lacks is no change."""
    assert programs(ProgramCost(flops=10), ProgramCost(flops=11)).outcome is Outcome.REGRESSED
    assert programs(ProgramCost(flops=10), None).outcome is Outcome.UNCHANGED
    bytes_only = programs(ProgramCost(bytes_accessed=8), ProgramCost(bytes_accessed=16))
    assert bytes_only.outcome is Outcome.UNCHANGED
    assert about(bytes_only, "forward at n = 64, m = 4")[0].grounds == "bytes accessed 8 → 16"


def test_another_compiler_counts_otherwise() -> None:
    """Whether there are more is inconclusive: never 1; another processor does not change the compiler."""
    versions = {"versions": {"numpy": "2", "jaxlib": "9"}}
    report = programs(ProgramCost(flops=10), ProgramCost(flops=11), **versions)
    assert report.outcome is Outcome.INCONCLUSIVE
    assert "counted by another compiler" in about(report, "forward at n = 64, m = 4")[0].grounds
    moved = programs(ProgramCost(flops=10), ProgramCost(flops=11), cpu_model_name="another")
    assert moved.outcome is Outcome.REGRESSED


def test_a_plan_for_prices_is_no_exact_count() -> None:
    """An engine that plans by a machine's seconds may choose other products after a new calibration."""
    fields: dict[str, Any] = {"engines": ["bracketed", "forward"], "prices": "seconds"}
    run = with_counts(measured(**fields))
    costly = [
        replace(o, arms={name: _costlier(arm) if name == "bracketed" else arm for name, arm in o.arms.items()})
        for o in run.observations
    ]
    planned = compared(baseline_of(run), replace(run, observations=tuple(costly)))
    assert planned.outcome is Outcome.INCONCLUSIVE
    assert compared(baseline_of(run), with_counts(run, more=9)).outcome is Outcome.REGRESSED


def _costlier(arm: ArmResult) -> ArmResult:
    return arm if arm.cost is None else replace(arm, cost=replace(arm.cost, multiply_adds=10**9))


BOTH = [("forward", "reverse"), ("reverse", "forward")]


@pytest.mark.parametrize(("name", "other"), BOTH)
def test_a_slower_engine_fails(name: str, other: str) -> None:
    """The engine fails on either side of the ratio; the finding names it, and the engine that it is compared with."""
    report = after(lambda run: slowed(run, **{name: 1.3}))
    assert report.outcome is Outcome.REGRESSED
    ratios = about(report, "÷")
    assert {told.verdict for told in ratios} == {Verdict.REGRESSED}
    assert all(told.grounds.startswith(f"{name} became slower against {other}: ") for told in ratios)


@pytest.mark.parametrize(("name", "other"), BOTH)
def test_a_faster_engine_is_no_regression_of_the_other(name: str, other: str) -> None:
    """The ratio moves as far, but the seconds tell them apart."""
    report = after(lambda run: slowed(run, **{name: 0.7}))
    assert report.outcome is Outcome.IMPROVED
    assert about(report, "÷")[0].grounds.startswith(f"{name} became faster against {other}: ")


def test_a_machine_that_became_faster_hides_no_regression() -> None:
    """A change of a few per cent is accounted for; at half of the shift, the cause is inconclusive."""
    assert after(lambda run: slowed(run, forward=1.3 * 0.95, reverse=0.95)).outcome is Outcome.REGRESSED
    assert after(lambda run: slowed(run, forward=0.7 * 1.06, reverse=1.06)).outcome is Outcome.IMPROVED
    unclear = after(lambda run: slowed(run, forward=1.15, reverse=1 / 1.15))
    assert unclear.outcome is Outcome.INCONCLUSIVE
    assert "their seconds do not say which" in about(unclear, "÷")[0].grounds
    assert not any(told.fails for told in unclear.told)


def test_what_all_have_in_common_is_a_warning() -> None:
    """Seconds never fail."""
    report = after(lambda run: slowed(run, forward=3.0, reverse=3.0))
    assert report.outcome is Outcome.UNCHANGED
    warnings = [note for note in report.notes if note.startswith("warning: ")]
    assert len(warnings) == 2
    assert warnings[0].startswith("warning: forward takes 3.0")
    assert not [note for note in after(lambda run: run).notes if note.startswith("warning: ")]


def test_within_the_threshold() -> None:
    """An accepted slow-down does not fail, a larger one does."""
    assert after(lambda run: slowed(run, forward=1.3), threshold=0.5).outcome is Outcome.UNCHANGED
    assert after(lambda run: slowed(run, forward=1.3), threshold=0.2).outcome is Outcome.REGRESSED


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ({"cpu_model_name": "another"}, {}),
        ({"blas": "another"}, {}),
        ({"versions": {"numpy": "3"}}, {}),
        ({}, {"block_seconds": 0.1}),
    ],
)
def test_elsewhere_no_ratio_fails(facts: dict[str, Any], fields: dict[str, Any]) -> None:
    """A shift is reported as inconclusive; seconds are not compared."""
    run = elsewhere(slowed(measured(seed=1, **fields), forward=1.3), **facts)
    report = compared(baseline_of(measured()), run)
    assert report.outcome is Outcome.INCONCLUSIVE
    assert about(report, "÷")[0].grounds.startswith("forward takes longer against reverse, on another machine")
    (note,) = [note for note in report.notes if note.startswith("measured otherwise than the baseline")]
    assert next(iter({"versions": "numpy"}.get(key, key) for key in [*facts, *fields])) in note
    assert not [note for note in report.notes if note.startswith("warning: ")]
    assert (
        compared(baseline_of(measured()), elsewhere(measured(seed=1, **fields), **facts)).outcome is Outcome.UNCHANGED
    )


def test_our_own_version_is_no_other_machine() -> None:
    """Our version is the subject of the comparison."""
    then = elsewhere(measured(), versions={"numpy": "2", "fwdrev": "1"})
    now = elsewhere(slowed(measured(seed=1), forward=1.3), versions={"numpy": "2", "fwdrev": "2"})
    assert compared(baseline_of(then), now).outcome is Outcome.REGRESSED


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (lambda: measured(problem="mlp"), "scripted has another problem than the baseline"),
        (lambda: measured(wrt="x", dtype="float32"), "scripted has another wrt and dtype than the baseline"),
        (lambda: measured(engines=["jax-jvp", "jax-vjp"]), "not in this run: arms forward, reverse"),
        (lambda: measured(inputs="32"), "not in this run: 8 of 8 cells, the first at n = 64, m = 4"),
        (lambda: replace(measured(), observations=()), "has no times and no counts"),
    ],
    ids=["problem", "wrt and dtype", "engines", "cells", "empty"],
)
def test_nothing_in_common(run: Callable[[], Run], why: str) -> None:
    """The code is never 0."""
    report = compared(baseline_of(measured()), run())
    assert report.outcome is Outcome.NOTHING
    assert any(why in note for note in report.notes)


def test_a_part_of_the_baseline() -> None:
    """Parts outside the run are a note, parts outside the baseline are new; the rest decides."""
    run = slowed(measured(seed=1, inputs="64", engines=["forward", "reverse", "jax-jvp"]), reverse=1.3)
    baseline = baseline_of(measured(engines=["forward", "reverse", "jax-vjp"]))
    report = compared(baseline, run)
    assert report.outcome is Outcome.REGRESSED
    assert "in the baseline, not in this run: arms jax-vjp" in report.notes
    assert "in the baseline, not in this run: 4 of 8 cells, the first at n = 256, m = 4" in report.notes
    (new,) = about(report, "jax")
    assert (new.subject, new.verdict, new.fails, new.open) == ("jax-jvp", Verdict.NEW, False, False)


def test_what_was_asked_for_and_not_measured_is_open() -> None:
    """An engine that fails now, missing cells or too few rounds leave it inconclusive."""
    failed = ArmResult(status=Status.CRASHED, reason="killed by\nsignal 9")
    run = measured(seed=1)
    dead = [replace(o, arms={**o.arms, "reverse": failed}) if o.cell == Cell(64, 4) else o for o in run.observations]
    report = compared(baseline_of(measured()), replace(run, observations=tuple(dead)))
    assert report.outcome is Outcome.INCONCLUSIVE
    grounds = [told.grounds for told in about(report, "reverse at n = 64, m = 4")]
    assert "not measured now: crashed: killed by signal 9" in grounds
    half = [o for o in run.observations if o.round == PREPARING or o.cell.n == 64]
    report = compared(baseline_of(measured()), replace(run, observations=tuple(half)))
    assert report.outcome is Outcome.INCONCLUSIVE
    assert "the run has not come to it" in " ".join(told.grounds for told in about(report, "n = 256"))
    report = compared(baseline_of(measured()), measured(seed=1, rounds=2))
    assert report.outcome is Outcome.INCONCLUSIVE
    assert {told.grounds for told in about(report, "÷")} == {"not compared: fewer than 3 rounds measured both"}


def test_counts_alone_are_compared() -> None:
    """The baseline has no ratio, and a line says so."""
    one = measured(engines=["forward"])
    report = compared(baseline_of(one), one)
    assert report.outcome is Outcome.UNCHANGED
    assert "no ratio of two arms is in both: only counts were compared" in report.notes
    assert compared(baseline_of(one), with_counts(one, more=1)).outcome is Outcome.REGRESSED


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": math.nan}, {"alpha": 0.0}, {"alpha": 1.0}])
def test_levels_are_checked(wrong: dict[str, Any]) -> None:
    """The message has the allowed values."""
    with pytest.raises(InputError, match="a threshold is positive"):
        compared(baseline_of(measured()), measured(), **wrong)
