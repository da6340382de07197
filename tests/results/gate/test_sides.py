"""From the observations of two sides to the data of a gate's decision."""

import math
from typing import Any

import numpy as np
import pytest

from fwdrev.bench import Cell
from fwdrev.bench.records.observation import ArmResult, Status
from fwdrev.bench.records.sides import CONTROL, SideObservation, direction_of
from fwdrev.modes.core.cost import EngineCost, ProgramCost
from fwdrev.modes.core.engine import Direction
from fwdrev.results.gate.decision import decide
from fwdrev.results.gate.sides import Sides, sides_of, unmeasured
from fwdrev.results.gate.text import judged
from fwdrev.results.gate.verdicts.report import Outcome, text_lines

CELL, OTHER = Cell(4, 2), Cell(8, 2)
COST = EngineCost(multiply_adds=10, passes=4, bytes_moved=1, peak_bytes=1)


def _timed(*values: float, **fields: Any) -> ArmResult:
    return ArmResult(status=Status.MEASURED, loops=1, values=values, **fields)


def _seen(number: int, cell: Cell, base: dict[str, ArmResult], head: dict[str, ArmResult]) -> SideObservation:
    return SideObservation(round=number, cell=cell, base=base, head=head, seconds=1.0)


def test_ratios_are_trimmed_means_of_paired_blocks() -> None:
    """Ratios are head ÷ base, by round and cell; the control is separate."""
    base = {"forward": _timed(1.0, 2.0, 4.0), CONTROL: _timed(1.0, 1.0, 1.0)}
    head = {"forward": _timed(2.0, 8.0, 8.0), CONTROL: _timed(3.0, 3.0, 3.0)}
    sides = sides_of([_seen(1, OTHER, base, head), _seen(0, CELL, base, base)])
    assert (sides.cells, sides.arms) == ((CELL, OTHER), ("forward",))
    np.testing.assert_allclose(sides.logs[:, :, 0], [[0, math.nan], [math.nan, math.log(2)]])
    np.testing.assert_allclose(sides.control, [[0, math.nan], [math.nan, math.log(3)]])


def test_seconds_are_medians_of_medians() -> None:
    """The medians go over blocks, then over rounds, for each side, if both timed the arm; the control has none."""
    rounds = [((1.0, 9.0, 2.0), (3.0, 4.0, 90.0)), ((3.0, 3.0, 3.0), (5.0, 5.0, 5.0)), ((70.0,), (6.0,))]
    late = ArmResult(status=Status.TIMED_OUT, reason="late")
    seen = [
        _seen(
            number,
            CELL,
            {"forward": _timed(*base), "reverse": _timed(1.0), CONTROL: _timed(1.0)},
            {"forward": _timed(*head), "reverse": late, CONTROL: _timed(1.0)},
        )
        for number, (base, head) in enumerate(rounds)
    ]
    sides = sides_of(seen)
    assert sides.seconds == {(CELL, "forward"): (3.0, 5.0)}
    assert sides.ended == {(CELL, "reverse"): Status.TIMED_OUT}
    one, other = decide(sides).findings[:2]
    assert (one.seconds, one.ended) == ((3.0, 5.0), None)
    assert (other.seconds, other.ended) == (None, Status.TIMED_OUT)
    assert one.to_json()["seconds"] == {"base": 3.0, "head": 5.0}


def test_seconds_are_those_of_the_rounds_that_decided() -> None:
    """The deciding rounds are the fresh ones, if there are any."""

    def looked(head: float) -> Sides:
        wobble = [1.0, 1.01, 0.99, 1.005, 0.995]
        arms = [
            ({"forward": _timed(1.0), CONTROL: _timed(1.0)}, {"forward": _timed(head * w), CONTROL: _timed(1.0)})
            for w in wobble
        ]
        return sides_of([_seen(number, CELL, *both) for number, both in enumerate(arms)])

    gate = decide(looked(1.5), confirmation=looked(1.25))
    assert gate.findings[0].seconds == (1.0, 1.25)
    (told,) = judged(gate, "sides").told
    assert told.grounds.startswith("25 % slower (24 to 26 %), 1 s → 1.25 s, confirmed in fresh rounds")


def test_counts_are_those_of_both_sides() -> None:
    """The engine's own and its compiler's appear if either is known."""
    base = {"jax-vjp": _timed(1.0, cost=COST, program=ProgramCost(flops=7, bytes_accessed=9))}
    head = {"jax-vjp": _timed(1.0, cost=COST, program=ProgramCost(flops=8, bytes_accessed=9))}
    sides = sides_of([_seen(0, CELL, base, head), _seen(1, CELL, {"jax-vjp": _timed(1.0)}, {"jax-vjp": _timed(1.0)})])
    one, other = sides.counts[CELL, "jax-vjp"]
    assert (one.multiply_adds, one.passes, one.flops, one.bytes_accessed) == (10, 4, 7, 9)
    assert other.flops == 8
    gate = decide(sides)
    assert gate.outcome is Outcome.REGRESSED
    assert any(
        "counts changed  jax-vjp at n = 4, m = 2  flops 7 → 8" in line for line in text_lines(judged(gate, "sides"))
    )


def test_directions_of_functions_are_what_is_done_to_them() -> None:
    """A plain function has none."""
    found = tuple(map(direction_of, ("jacfwd:model:f", "jacrev:model:f", "model:f")))
    assert found == (Direction.FORWARD, Direction.REVERSE, Direction.NONE)


@pytest.mark.parametrize("both", [True, False])
def test_an_arm_that_fails(*, both: bool) -> None:
    """On one side or both, it keeps the outcome open, with its reason."""
    failed = ArmResult(status=Status.FAILED, reason="ValueError: no")
    waited = ArmResult(status=Status.SKIPPED, reason="not timed, since head ended: failed")
    seen = [_seen(0, CELL, {"forward": failed if both else waited}, {"forward": failed})]
    gate = decide(sides_of(seen))
    assert gate.outcome is (Outcome.NOTHING)
    assert ("forward", "head: failed: ValueError: no") in unmeasured(seen)
    assert (("forward", "base: failed: ValueError: no") in unmeasured(seen)) is both
    alike = {"forward": _timed(1.0), CONTROL: _timed(1.0)}
    others = [_seen(number, OTHER, alike, alike) for number in range(4)]
    assert decide(sides_of(seen + others)).outcome is Outcome.INCONCLUSIVE
    sides = "base failed: ValueError: no; head" if both else "head"
    told = judged(decide(sides_of(seen + others)), "sides").told[0]
    assert (told.subject, told.grounds, told.open) == (
        "forward at n = 4, m = 2",
        f"{sides} failed: ValueError: no",
        True,
    )
