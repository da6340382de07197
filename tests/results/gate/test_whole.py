"""The result of a gate as a whole: counts, nothing to compare, plain data."""

import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from fwdrev.bench import Cell
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.decision import Gate, decide
from fwdrev.results.gate.sides import Counts, Pair, Sides
from fwdrev.results.gate.verdicts.report import Outcome, Verdict
from tests.gate_sides import ONE, WOBBLE, alone, grid, noisy, slower


def counted(base: Counts, head: Counts, logs: Any = WOBBLE) -> Gate:
    """The gate of one arm with these counts; its times are equal unless given."""
    return decide(alone(logs, counts={ONE: (base, head)}))


def test_more_operations_are_a_regression() -> None:
    """The clock does not matter; both numbers appear."""
    gate = counted(Counts(multiply_adds=100, passes=4), Counts(multiply_adds=101, passes=4))
    assert (gate.findings[0].verdict, gate.outcome) == (Verdict.COUNTS_CHANGED, Outcome.REGRESSED)
    (change,) = gate.findings[0].counts
    assert asdict(change) == {"what": "multiply_adds", "base": 100, "head": 101}
    assert counted(Counts(flops=10.0), Counts(flops=11.0), [math.nan] * 5).outcome is Outcome.REGRESSED
    assert counted(Counts(passes=1), Counts(passes=2), WOBBLE[:1]).outcome is Outcome.REGRESSED


def test_fewer_operations_are_an_improvement() -> None:
    """Fewer operations improve, unless another count rose, or the clock shows a slow-down or nothing yet."""
    base, head = Counts(multiply_adds=100, passes=4), Counts(multiply_adds=90, passes=4)
    assert counted(base, head).outcome is Outcome.IMPROVED
    both = counted(base, Counts(multiply_adds=90, passes=5))
    assert (both.outcome, both.findings[0].better) == (Outcome.REGRESSED, False)
    assert counted(base, head, 0.2 + np.array(WOBBLE)).findings[0].verdict is Verdict.FLAGGED
    sides = alone(0.2 + np.array(WOBBLE), counts={ONE: (base, head)})
    confirmed = decide(sides, confirmation=sides)
    assert (confirmed.findings[0].verdict, confirmed.outcome) == (Verdict.REGRESSED, Outcome.REGRESSED)
    assert counted(base, head, [math.nan] * 5).outcome is Outcome.INCONCLUSIVE


def test_bytes_and_the_unknown_are_no_operations() -> None:
    """Other bytes are shown, but the clock decides; a count that one side lacks is no change."""
    gate = counted(Counts(bytes_accessed=8), Counts(bytes_accessed=16))
    assert (gate.findings[0].verdict, gate.outcome) == (Verdict.COUNTS_CHANGED, Outcome.UNCHANGED)
    assert counted(Counts(flops=None), Counts(flops=16)).findings[0].counts == ()
    assert counted(Counts(passes=3), Counts(passes=3)).findings[0].counts == ()


NOWHERE: dict[str, Any] = {"cells": (), "arms": ()}


@pytest.mark.parametrize(
    "sides",
    [
        Sides(**NOWHERE, logs=np.zeros((5, 0, 0)), control=np.zeros(5)),
        Sides(**NOWHERE, logs=np.zeros((0, 0, 0)), control=np.zeros((0, 0))),
        alone([]),
        alone([math.nan] * 5),
        alone(WOBBLE, control=[math.nan] * 5),
        alone([math.nan] * 5, counts={ONE: (Counts(flops=None), Counts(flops=1))}),
        alone([math.nan] * 5, reasons={ONE: "base failed: no; head failed: no"}),
    ],
    ids=["no cells", "nothing at all", "no rounds", "no times", "no control", "counts of one side", "failed"],
)
def test_nothing_compared_is_never_fine(sides: Sides) -> None:
    """The exit code is 4, not 0."""
    assert decide(sides).outcome is Outcome.NOTHING


def test_equal_counts_alone_leave_it_open() -> None:
    """Counts were compared, but no time."""
    assert counted(Counts(passes=3), Counts(passes=3), [math.nan] * 5).outcome is Outcome.INCONCLUSIVE


def test_asked_for_and_not_measured_is_no_pass() -> None:
    """The arm may have failed on one side or both, or not have been measured; its reason is given if there is one."""
    logs = noisy()
    logs[:, 0, 0] = math.nan
    failed: Pair = (Cell(1, 2), "forward")
    for reasons in ({}, {failed: "head timed out: late"}, {failed: "base failed: no; head failed: no"}):
        gate = decide(grid(logs, reasons=reasons))
        assert gate.outcome is Outcome.INCONCLUSIVE
        assert (gate.compared, gate.findings[0].reason) == (7, reasons.get(failed))
        assert gate.pairs_again == ()


@pytest.mark.parametrize("change", [0.0, -0.5], ids=["as fast", "faster"])
def test_what_ends_before_its_last_round_is_no_pass(change: float) -> None:
    """Earlier rounds do not make it a pass, but slower stays slower. It may hang again, so it is not measured again."""
    late = decide(alone(change + np.array(WOBBLE), reasons={ONE: "head crashed: gone"}), threshold=0.5)
    assert (late.outcome, late.findings[0].time, late.pairs_again) == (
        Outcome.INCONCLUSIVE,
        Verdict.INCONCLUSIVE,
        (),
    )
    slow = alone(0.5 + np.array(WOBBLE))
    confirmed = decide(slow, confirmation=alone(0.5 + np.array(WOBBLE), reasons={ONE: "head crashed: gone"}))
    assert confirmed.outcome is Outcome.REGRESSED
    settled = decide(alone([0.2, -0.2, 0.2]), confirmation=alone(WOBBLE * 9, reasons={ONE: "head crashed: gone"}))
    assert (settled.outcome, settled.findings[0].reason) == (Outcome.INCONCLUSIVE, "head crashed: gone")


def test_a_gate_is_plain_data() -> None:
    """JSON preserves all of it, without NaN or infinity."""
    logs = noisy(0.001) + np.array([math.log(1.04), 0.0])
    logs[:, 0, 1] = math.nan
    counts = {(Cell(1, 2), "forward"): (Counts(passes=1), Counts(passes=2))}
    data = decide(grid(logs, counts=counts), confirmation=grid(logs)).to_json()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert (data["outcome"], data["compared"]) == ("regressed", 7)
    first = data["findings"][0]
    assert first["subject"] == {"kind": "cell", "name": "forward", "members": [{"n": 1, "m": 2, "arm": "forward"}]}
    assert first["counts"] == [{"what": "passes", "base": 1, "head": 2}]


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"threshold": math.nan}, {"alpha": 0.0}, {"alpha": 1.0}])
def test_levels_are_checked(wrong: dict[str, Any]) -> None:
    """The message has the allowed values."""
    with pytest.raises(InputError, match="a threshold is positive"):
        decide(slower(0.0), **wrong)


def test_shapes_are_checked() -> None:
    """Three cells for four measured ones are refused."""
    sides = grid(noisy())
    known: dict[str, Any] = {"arms": sides.arms, "logs": sides.logs, "control": sides.control}
    with pytest.raises(InputError, match="3 cells and 2 arms"):
        Sides(cells=sides.cells[:3], **known)
