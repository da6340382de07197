"""The plan that refines: it measures where the crossover is uncertain, stops when it is known, and says why."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import binom

from fwdrev.bench import ArmResult, Cell, FixedPlan, Observation, Status, Step, Sweep, SweepSpec, make_spec
from fwdrev.bench.records.plan import BARRIER
from fwdrev.bench.records.skips import Skips
from fwdrev.results import Run, crossover, log_ratios
from fwdrev.results.planning.adaptive import AdaptivePlan
from fwdrev.results.planning.forecast import TimeForecast
from tests.doubles.scripted_executor import ScriptedExecutor
from tests.scripted import seconds, true_m

PAIR = ("forward", "reverse")
GRID = {"engines": list(PAIR), "inputs": "64:512:*2", "outputs": "1:1024:*4"}


class FakeClock:
    """A clock that advances a second with each observation."""

    now = 0.0

    def __call__(self) -> float:
        """The seconds so far."""
        return self.now


def _adapted(clock: FakeClock, past: Sequence[Observation] = (), **fields: Any) -> tuple[Run, AdaptivePlan]:
    noise = {key: fields.pop(key) for key in ("noise", "shift", "seed") if key in fields}
    spec = make_spec(GRID | fields)
    plan = AdaptivePlan(spec, TimeForecast(spec, 1), clock)
    seen = list(past)
    for observation in Sweep(spec, ScriptedExecutor(spec.engines, seconds, **noise), plan, past):
        clock.now += 1.0
        seen.append(observation)
    return _run(spec, seen), plan


def _run(spec: SweepSpec, seen: list[Observation]) -> Run:
    return Run(folder=Path("run"), spec=spec, machine={}, created="", observations=tuple(seen), warnings=())


def test_it_ends_when_every_crossover_is_known() -> None:
    """Every crossover is right and has the requested precision; cells far away have only the first rounds."""
    run, plan = _adapted(FakeClock(), precision="5%", noise=0.03, shift=0.02)
    assert plan.outcome() == "every crossover in range, 4 of them, is known to ±5.0% or better"
    assert plan.seconds_left() == 0
    for n, crossing in crossover(log_ratios(run, PAIR)).in_m.items():
        size = crossing.size
        assert size is not None
        assert size.low is not None
        assert size.high is not None
        assert (size.high / size.low) ** 0.5 - 1 <= 0.05
        assert abs(size.point / true_m(n) - 1) < 0.15
    visits = Counter(o.cell for o in run.observations if o.round >= 0)
    assert visits[Cell(64, 1024)] == visits[Cell(512, 1)] == run.spec.rounds
    assert max(visits.values()) > 2 * run.spec.rounds
    new = {cell.m for cell in visits} - set(run.spec.outputs)
    assert new, "sizes came in between"
    assert all(run.spec.may_hold(cell) for cell in visits)
    assert crossover(log_ratios(run, PAIR)).in_n.keys() == set(run.spec.outputs), "lines are those of the grid"


def test_several_machines_measure_a_round_each_between_two_looks() -> None:
    """The plan looks when all is noted; the rounds that follow have numbers of their own."""
    spec = make_spec(GRID | {"precision": "5%"})
    plan = AdaptivePlan(spec, TimeForecast(spec, 1), FakeClock(), machines=3)
    grid = ScriptedExecutor(spec.engines, seconds, noise=0.03, shift=0.02)
    steps = plan.steps()
    for index in range(spec.rounds):
        assert next(steps) == Step(rounds=[index], cells=spec.cells)
        for observation in grid.rounds([index], spec.cells, {}, Skips(spec.engines)):
            plan.note(observation)
    for first in (spec.rounds, spec.rounds + 3):
        assert next(steps) == BARRIER
        found = [next(steps) for _ in range(3)]
        assert [step.rounds for step in found] == [[first], [first + 1], [first + 2]]
        assert len({tuple(step.cells) for step in found}) == 1
        for step in found:
            for observation in grid.rounds(step.rounds, step.cells, {}, Skips(spec.engines)):
                plan.note(observation)


def test_it_ends_with_the_budget() -> None:
    """The plan says which line is widest; cells are measured from the widest line on."""
    clock = FakeClock()
    run, plan = _adapted(clock, precision="1%", budget="250s", noise=0.05, shift=0.05)
    assert 240 <= clock.now <= 251
    assert "the budget of 250 s is used up; 4 of 4 miss ±1.0%; the least certain crossover, " in plan.outcome()
    assert len(run.observations) == clock.now


def test_without_a_precision_the_budget_is_used() -> None:
    """The budget is used up; a precision without a budget has a default budget, since a tie can never be known."""
    clock = FakeClock()
    _, plan = _adapted(clock, budget="150s", noise=0.01)
    assert clock.now > 140
    assert plan.outcome().startswith("the budget of 150 s is used up; the least certain crossover, forward, reverse at")
    assert make_spec({"precision": "5%"}).budget == 600


def test_a_budget_ends_even_the_first_round() -> None:
    """Earlier observations are kept."""
    run, plan = _adapted(FakeClock(), precision="5%", budget="51s")
    assert len(run.observations) <= 52
    assert plan.over()


def test_without_a_crossover_there_is_nothing_to_refine() -> None:
    """The plan says so after the grid."""
    run, plan = _adapted(FakeClock(), precision="5%", inputs="512", outputs="1,2", noise=0.01)
    assert plan.outcome() == "no crossover of forward, reverse in range"
    assert max(o.round for o in run.observations) == run.spec.rounds - 1


def test_a_budget_that_is_used_up_early_is_no_crossover_in_range() -> None:
    """The outcome names the budget, and whether it measured anything."""
    clock = FakeClock()
    spec = make_spec(GRID | {"budget": "5s"})
    plan = AdaptivePlan(spec, TimeForecast(spec, 1), clock)
    clock.now = 6.0
    assert plan.outcome() == "the budget of 5 s is used up before a pair was timed: give a larger one"
    arms = {name: ArmResult(status=Status.MEASURED, loops=1, values=(1e-3,)) for name in PAIR}
    plan.note(Observation(round=0, cell=Cell(64, 4), arms=arms))
    assert plan.outcome() == "the budget of 5 s is used up; no crossover of forward, reverse in what was timed"


def test_it_goes_on_from_what_was_seen() -> None:
    """After half of a sweep, it ends as the plan that saw all of it: precise enough, and nothing measured twice."""
    whole, _ = _adapted(FakeClock(), precision="5%", noise=0.03, shift=0.02)
    half = whole.observations[: len(whole.observations) // 2]
    run, plan = _adapted(FakeClock(), half, precision="5%", noise=0.03, shift=0.02, seed=1)
    assert "every crossover" in plan.outcome()
    assert run.observations[: len(half)] == half
    assert set(Counter((o.round, o.cell) for o in run.observations).values()) == {1}


@pytest.mark.parametrize("sweeps", [6, pytest.param(40, marks=pytest.mark.long)])
def test_it_is_sure_as_often_as_it_says(sweeps: int) -> None:
    """Intervals of sweeps that stop by themselves hold the truth about as often as those of fixed ones.

    At 94 %, one of 1000 such tests finds too few or too many of them, by the binomial law.
    """
    hits = []
    for seed in range(sweeps):
        run, _ = _adapted(FakeClock(), precision="5%", noise=0.02, shift=0.01, seed=seed)
        for n, crossing in crossover(log_ratios(run, PAIR)).in_m.items():
            size = crossing.size
            hits.append(size is not None and (size.low or 0) <= true_m(n) <= (size.high or 0))
    assert len(hits) == 4 * sweeps
    least, most = (binom.ppf(p, len(hits), 0.94) for p in (5e-4, 1 - 5e-4))
    assert least <= sum(hits) <= most


def test_the_forecast_knows_that_cells_differ() -> None:
    """A visited cell costs what it took; others cost more where an engine has more to do."""
    spec = make_spec(GRID | {"rounds": 3, "blocks": 4, "block_seconds": 1e-3})
    forecast = TimeForecast(spec, workers=2)
    steps = [Step(rounds=[0], cells=spec.cells)]
    assert forecast.seconds(steps) is None
    executor, plan = ScriptedExecutor(spec.engines, lambda _, cell: 1e-4 * cell.n), FixedPlan(spec, forecast)
    assert plan.seconds_left() is None
    left = []
    for observation in Sweep(spec, executor, plan):
        took = sum((sum(arm.values) for arm in observation.arms.values()), 0.0)
        forecast.note(Observation(round=observation.round, cell=observation.cell, arms=observation.arms, seconds=took))
        left.append(plan.seconds_left())
    assert left[-1] == 0
    assert all(each is not None for each in left)
    small, large = (forecast.seconds([Step(rounds=[0], cells=[Cell(n, 1)])]) for n in (64, 512))
    assert small is not None
    assert large is not None
    assert large > 4 * small
