"""A crossover beside that of a baseline: both intervals, and which engine moved it."""

from dataclasses import replace

import pytest

from fwdrev.results import Run
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.compare import compared
from fwdrev.results.gate.verdicts.report import Outcome, Verdict
from tests.baselines import about, after, measured
from tests.scripted import slowed


def test_a_crossover_is_told_with_both_intervals() -> None:
    """The crossover moves inwards when forward, which wins beyond it, becomes slower."""
    (told,) = about(after(lambda run: slowed(run, forward=1.3)), "crossover of forward and reverse at n = 256")
    assert told.verdict is Verdict.REGRESSED
    assert told.grounds.startswith("forward became slower against reverse: m* 5")
    assert told.grounds.count("…") == 2
    (improved,) = about(after(lambda run: slowed(run, forward=0.8)), "crossover of forward and reverse at n = 256")
    assert improved.verdict is Verdict.IMPROVED


def _swapped(run: Run) -> Run:
    """The run with the times of both engines exchanged."""
    seen = [replace(o, arms=dict(zip(o.arms, list(o.arms.values())[::-1], strict=True))) for o in run.observations]
    return replace(run, observations=tuple(seen))


@pytest.mark.parametrize("name", ["forward", "reverse"])
def test_a_crossover_names_the_slower_engine(name: str) -> None:
    """The finding names it whichever of the two is cheaper below the crossover."""
    for turned in (_swapped, lambda run: run):
        report = compared(baseline_of(turned(measured())), slowed(turned(measured(seed=1)), **{name: 1.12}))
        (told,) = about(report, "crossover of forward and reverse at n = 256")
        assert told.verdict is Verdict.REGRESSED
        assert told.grounds.startswith(f"{name} became slower against ")


def test_a_crossover_alone_does_not_fail() -> None:
    """Where the curve is flat it moves far while both engines stay within the threshold."""
    report = after(lambda run: slowed(run, forward=1.1), threshold=0.2)
    assert report.outcome is Outcome.UNCHANGED
    (told,) = about(report, "crossover of forward and reverse at n = 256")
    assert (told.verdict, told.open) == (Verdict.INCONCLUSIVE, False)
    assert told.grounds.startswith("both stayed within the threshold: m* ")


def test_a_crossover_that_left_the_range_is_told() -> None:
    """The ratios show the cause; the crossover itself leaves nothing open."""
    (told,) = about(after(lambda run: slowed(run, forward=9.0)), "crossover of forward and reverse at n = 256")
    assert (told.verdict, told.open) == (Verdict.INCONCLUSIVE, False)
    assert told.grounds.endswith("→ none in range: reverse is cheaper throughout")
