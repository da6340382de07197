"""Steps of one plan for several machines: each goes to one of them, none is lost, none is measured twice."""

import threading
from collections import Counter

import pytest

from fwdrev.bench import Cell, Observation, make_spec
from fwdrev.bench.cluster.shared_plan import Share, SharedPlan
from fwdrev.bench.records.plan import BARRIER, FixedPlan, Step
from tests.bench.cluster.plans import Listed

SPEC = make_spec({"inputs": "8,16", "outputs": "4", "rounds": 3, "engines": ["forward", "reverse"]})


def _seen(step: Step) -> list[Observation]:
    return [Observation(round=index, cell=cell, arms={}) for index in step.rounds for cell in step.cells]


def test_each_step_goes_to_one_machine() -> None:
    """Eight threads take all steps of a plan, each once."""
    steps = [Step(rounds=[index], cells=SPEC.cells) for index in range(200)]
    plan, taken = SharedPlan(Listed(steps)), list[int]()

    def work() -> None:
        share = Share(plan)
        for step in share.steps():
            taken.extend(step.rounds)
            for observation in _seen(step):
                share.note(observation)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(taken) == list(range(200))


def test_a_lost_machines_rest_is_given_out_again() -> None:
    """Only the cells that it has not measured; its other round is not touched."""
    plan = SharedPlan(FixedPlan(SPEC))
    lost, other = Share(plan), Share(plan)
    first = next(lost.steps())
    lost.note(_seen(first)[0])
    assert not plan.unfinished()
    lost.end()
    assert plan.unfinished()
    found = list[Step]()
    for step in other.steps():
        found.append(step)
        for observation in _seen(step):
            other.note(observation)
    assert found[0] == Step(rounds=first.rounds, cells=first.cells[1:])
    assert Counter(o.round for step in found for o in _seen(step)) == {0: 1, 1: 2, 2: 2}
    assert not plan.unfinished()


def test_an_idle_machine_waits_for_steps_that_may_come_back() -> None:
    """A machine takes over the last step of another one that is lost later."""
    plan = SharedPlan(Listed([Step(rounds=[0], cells=SPEC.cells)]))
    first, taken = Share(plan), list[Step]()
    next(first.steps())
    waiting = threading.Thread(target=lambda: taken.extend(Share(plan).steps()))
    waiting.start()
    waiting.join(0.2)
    assert waiting.is_alive()
    first.end()
    waiting.join(30)
    assert [step.rounds for step in taken] == [[0]]


def test_nothing_passes_a_barrier_before_all_is_done() -> None:
    """The next step is asked for when the steps before are noted."""
    plan = Listed([Step(rounds=[0], cells=SPEC.cells), BARRIER, Step(rounds=[1], cells=SPEC.cells)])
    shared, taken = SharedPlan(plan), list[Step]()
    first = shared.take()
    assert first is not None
    waiting = threading.Thread(target=lambda: taken.append(shared.take() or BARRIER))
    waiting.start()
    waiting.join(0.2)
    assert plan.asked == 2
    shared.done(first)
    waiting.join(30)
    assert (plan.asked, taken[0].rounds) == (3, [1])


@pytest.mark.parametrize("how", ["stopped", "over"])
def test_nothing_is_given_out_at_the_end(how: str) -> None:
    """Neither new steps nor those that were given back; waiting machines are woken."""
    plan = Listed([Step(rounds=[index], cells=SPEC.cells) for index in range(3)])
    shared = SharedPlan(plan)
    step = shared.take()
    assert step is not None
    if how == "stopped":
        shared.stop()
    else:
        plan.ended = True
    shared.give_back(step)
    assert shared.take() is None
    assert shared.over()


def test_the_past_is_noted_once() -> None:
    """A resumed run's observations count, and no machine notes them a second time."""
    plan = Listed([])
    past = [
        Observation(round=0, cell=Cell(8, 4), arms={}, machine="a"),
        Observation(round=-1, cell=Cell(8, 4), arms={}),
    ]
    shared = SharedPlan(plan, past)
    for observation in (*past, Observation(round=-1, cell=Cell(8, 4), arms={}, machine="b")):
        Share(shared).note(observation)
    assert plan.noted == past
