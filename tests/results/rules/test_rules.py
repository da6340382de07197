"""Rules of thumb over several problems, the best simple rule, and its worth on problems not used to find it."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwdrev.bench import PREPARING, Cell, Sweep
from fwdrev.modes import InputError, NothingMeasuredError
from fwdrev.modes.bracketing.machine_prices import Rates, Seconds
from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.core.cost import EngineCost
from fwdrev.results import Run, Scoreboard, SimpleRule, scoreboard, simple_rule
from fwdrev.results.costs.calibration import Calibration, calibration_path, save_calibration
from fwdrev.results.rules.pooled_problems import measured_problems
from fwdrev.results.rules.scoreboard import pairs_of
from fwdrev.results.rules.scoreboard_text import scoreboard_lines
from tests.doubles.scripted_executor import ScriptedExecutor
from tests.scripted import scripted_run

PAIR = ("forward", "reverse")
SIZES: dict[str, Any] = {"inputs": "4,16,64", "outputs": "4,16,64", "rounds": 1}


def _run(faster: Callable[[int, int], float], folder: str = "scripted", **fields: Any) -> Run:
    """Forward mode takes a second wherever it is faster, and reverse mode `faster(n, m)` times as long."""
    made = scripted_run(**(SIZES | fields))

    def seconds(name: str, cell: Cell) -> float:
        return faster(cell.n, cell.m) if name in {"reverse", "jax-vjp"} else 1.0

    observations = tuple(Sweep(made.spec, ScriptedExecutor(made.spec.engines, seconds)))
    return replace(made, folder=Path(folder), observations=observations)


def _border(a: float, b: float, factor: float = 2.0) -> Callable[[int, int], float]:
    """Forward mode is this many times faster below the border, reverse mode elsewhere."""
    return lambda n, m: factor if n < a + b * m else 1 / factor


def _plane(
    faster: Callable[[int, int], float], inputs: range | list[int], outputs: range | list[int]
) -> tuple[Matrix, Vector]:
    sizes = [(n, m) for n in inputs for m in outputs]
    return np.array(sizes), np.array([-math.log(faster(n, m)) for n, m in sizes])


def _passes(run: Run, factor: int) -> Run:
    """The same border, in passes: forward mode pushes `factor` · n tangents and reverse mode pulls one cotangent."""
    seen = []
    for o in run.observations:
        passes = {"forward": factor * o.cell.n, "reverse": 1}
        costs = {name: EngineCost(multiply_adds=n, passes=n, bytes_moved=1, peak_bytes=1) for name, n in passes.items()}
        arms = {name: replace(arm, cost=costs[name]) for name, arm in o.arms.items()}
        seen.append(replace(o, arms=arms) if o.round == PREPARING else o)
    return replace(run, observations=tuple(seen))


@pytest.mark.parametrize(
    ("a", "b", "when"),
    [
        (12.0, 1.6, "n < 12 + 1.6 m"),
        (0.0, 0.35, "n < 0.35 m"),
        (30.0, 0.0, "n < 30"),
        (3.0, 1.0, "n < 3 + m"),
        (0.0, 0.0, "never"),
        (math.inf, 0.0, "always"),
    ],
)
def test_the_border_is_found(a: float, b: float, when: str) -> None:
    """If every size is measured the border is unique: it comes back in words, and as code that decides the same."""
    found = simple_rule([_plane(_border(a, b), range(1, 65), range(1, 31))])
    assert (found.a, found.b, found.when) == (a, b, when)
    defined: dict[str, Any] = {}
    exec(found.code, defined)  # noqa: S102 - as a user would paste it
    for n, m in ((1, 1), (12, 1), (29, 40), (75, 40), (76, 40), (7, 20), (80, 1)):
        assert defined["use_forward"](n, m) == found.forward(n, m) == (n < a + b * m)


def test_numbers_have_two_digits_at_most() -> None:
    """A border at other numbers is met as well as possible: no rule of two digits costs less."""
    plane = _plane(_border(12.34, 1.567), range(1, 81), range(1, 41))
    found = simple_rule([plane])
    sizes, logs = plane

    def regret(a: float, b: float) -> float:
        n, m = sizes.T
        return float(np.maximum(np.where(n < a + b * m, logs, -logs), 0).mean())

    others = [regret(a / 10, b / 100) for a in range(99) for b in range(99, 210)]
    others += [regret(a, b / 10) for a in range(10, 20) for b in range(10, 22)]
    assert 0 < regret(found.a, found.b) <= min(others) + 1e-12


@pytest.mark.parametrize(
    ("a", "b", "when"), [(0.0, 1.7, "n < 2 m"), (3.0, 1.01, "n < 2 m"), (0.0, 0.9, "n < m"), (17.0, 0.0, "n < 30")]
)
def test_of_equal_rules_the_simplest(a: float, b: float, when: str) -> None:
    """On powers of four many are perfect: the fewest digits win, then fewest terms, then the largest margin."""
    found = simple_rule([_plane(_border(a, b), [4, 16, 64, 256], [4, 16, 64, 256])])
    assert found.when == when
    twofold = [2**k for k in range(2, 9)]
    assert simple_rule([_plane(_border(0, 1.5), twofold, twofold)]).when == "n < 2 m"  # and not n < 3 + m


def test_problems_weigh_the_same() -> None:
    """Ten cells that lose 10 % each by forward mode weigh less than the one cell of another problem that gains 65 %."""
    many = np.array([(4, m) for m in range(1, 11)]), np.full(10, 0.1)
    one = np.array([(4, 4)]), np.array([-0.5])
    assert simple_rule([many]).when == "never"
    assert simple_rule([many, one]).forward(4, 4)


def test_code_needs_no_more_than_it_says() -> None:
    """The code has no zero term and no factor of 1."""
    said = {
        SimpleRule(a=12.0, b=1.6): "n < 12 + 1.6 * m",
        SimpleRule(a=0.0, b=0.00005): "n < 0.00005 * m",
        SimpleRule(a=120.0, b=0.0): "n < 120",
        SimpleRule(a=0.5, b=1.0): "n < 0.5 + m",
        SimpleRule(a=math.inf, b=0.0): "True",
        SimpleRule(a=0.0, b=0.0): "False",
    }
    assert [rule.code for rule in said] == [f"def use_forward(n, m): return {text}" for text in said.values()]


def _three() -> Scoreboard:
    """Two problems in which forward mode wins twofold in the 6 of 9 cells with n ≤ m, one in which it loses threefold.

    There is no count and no calibration.
    """
    agree = [_run(_border(0, 2), f"agree{depth}", options={"depth": depth}) for depth in (2, 3)]
    return scoreboard([*agree, _run(lambda *_: 1 / 3, "never", wrt="x")], PAIR)


def test_a_problem_is_left_out() -> None:
    """By hand: the two that agree are wrong for the third in 6 of 9 cells; with the third, the others get "never"."""
    board = _three()
    assert [each.name for each in board.problems] == [
        "driven depth=2, wrt theta",
        "driven depth=3, wrt theta",
        "driven, wrt x",
    ]
    share = 6 / 9
    assert board.best.when == "n < 2 m"
    assert board.fitted.mean_slowdown == pytest.approx(3 ** (share / 3))
    assert board.fitted.right == pytest.approx((1 + 1 + (1 - share)) / 3)
    assert board.fitted.worst.worst_slowdown == pytest.approx(3)
    left_out = board.left_out
    assert left_out is not None
    assert [each.rule.when for each in left_out.each] == ["never", "never", "n < 2 m"]
    assert [each.mean_slowdown for each in left_out.each] == pytest.approx([2**share, 2**share, 3**share])
    assert left_out.mean_slowdown == pytest.approx((2 * 2 * 3) ** (share / 3))
    assert left_out.right == pytest.approx(1 - share)
    assert left_out.worst_in == 2
    assert left_out.worst.worst_slowdown == pytest.approx(3)


def test_rules_are_scored_over_problems() -> None:
    """By hand: "always reverse" loses a factor of two in 6 of 9 cells of two of three problems."""
    board = _three()
    found = {each.rule.name: each for each in board.rules}
    assert set(found) == {"always reverse", "passes", "passes, ties forward", "operation bounds", "lineax"}
    never = found["always reverse"]
    assert never.mean_slowdown == pytest.approx(2 ** (2 * (6 / 9) / 3))
    assert never.right == pytest.approx((3 / 9 + 3 / 9 + 1) / 3)
    assert never.worst.worst_slowdown == pytest.approx(2)
    assert never.worst_in == 0
    assert found["lineax"].right == pytest.approx((6 / 9 + 6 / 9 + 0) / 3)
    assert [each.mean_slowdown for each in board.rules] == sorted(each.mean_slowdown for each in board.rules)


def test_few_cells_weigh_as_much_as_many() -> None:
    """A rule that is right in one problem's only cell and wrong in another's nine is right by half."""
    small, large = _run(lambda *_: 1 / 2, inputs="4", outputs="4"), _run(lambda *_: 8.0, wrt="x")
    found = {each.rule.name: each for each in scoreboard([small, large], PAIR).rules}["always reverse"]
    assert found.right == 0.5
    assert found.mean_slowdown == pytest.approx(math.sqrt(8))


def test_one_problem_cannot_be_left_out() -> None:
    """Words and a null say so."""
    board = scoreboard([_run(_border(0, 2))], PAIR)
    assert board.left_out is None
    assert board.to_json()["best"]["left_out"] is None
    assert any("cannot be told from one" in line for line in scoreboard_lines([board]))


def test_what_computes_the_same_is_one_problem() -> None:
    """Default options may be written out; the rounds are pooled, and cells come from either run."""
    one = _run(lambda *_: 2.0, "one")
    other = _run(lambda *_: 8.0, "other", options={"depth": 4}, outputs="16,256")
    (problem,), _ = measured_problems([one, other], PAIR)
    assert problem.folders == (Path("one"), Path("other"))
    logs = {tuple(size): log for size, log in zip(problem.points[0].tolist(), problem.points[1], strict=True)}
    assert len(logs) == 3 * 4
    assert math.exp(logs[4, 4]) == pytest.approx(1 / 2)
    assert math.exp(logs[4, 16]) == pytest.approx(1 / 4)
    assert math.exp(logs[4, 256]) == pytest.approx(1 / 8)
    apart = [_run(lambda *_: 2.0, **fields) for fields in ({}, {"wrt": "x"}, {"dtype": "float32"}, {"problem": "mlp"})]
    assert len(measured_problems(apart, PAIR)[0]) == 4


def test_rules_see_the_jacobian() -> None:
    """Rules use the Jacobian's columns and rows, which the engines count as passes, where n and m differ from these."""
    board = scoreboard([_passes(_run(lambda *_: 1 / 2), 30)], PAIR)
    sizes = {tuple(size) for size in board.problems[0].points[0].tolist()}
    assert sizes == {(30 * n, 1) for n in (4, 16, 64)}
    found = {each.rule.name: each for each in board.rules}
    assert found["passes"].right == 1  # by n and m it would be wrong where n < m
    assert found["lineax"].right == 1
    assert found["operation counts"].right == 1  # by the cell
    assert found["always reverse"].each[0].worst_at in {(n, m) for n in (4, 16, 64) for m in (4, 16, 64)}


def test_a_prediction_that_does_not_know_a_problem_is_left_out() -> None:
    """The prediction is left out of the total, with a note; it stays with the problem that it knows."""
    board = scoreboard([_passes(_run(lambda *_: 1 / 2), 30), _run(lambda *_: 2.0, wrt="x")], PAIR)
    assert "operation counts" not in {each.rule.name for each in board.rules}
    assert [rule.name for rule in board.problems[0].others] == ["operation counts"]
    assert any(note.startswith("operation counts: left out for driven, wrt x") for note in board.notes)
    assert any("not calibrated; run `fwdrev calibrate`" in note for note in board.notes)


def test_the_calibrated_model_is_scored() -> None:
    """The model is that of the runs' machine; prices that always favour forward mode make it choose that everywhere."""
    machine = {"cpu_model_name": "priced", "versions": {"numpy": "2"}}
    rates = {"jax-jvp": Rates(call=1e-6), "jax-vjp": Rates(call=2e-6)}
    prices = Calibration(seconds=Seconds({}, rates), error={}, created="", machine=machine)
    save_calibration(prices, calibration_path(machine))
    run = replace(_run(lambda n, m: 4.0 if n > m else 0.5, engines=["jax-jvp", "jax-vjp"]), machine=machine)
    board = scoreboard([run], ("jax-jvp", "jax-vjp"))
    (model,) = (each for each in board.rules if each.rule.name == "cost model")
    assert model.right == pytest.approx(3 / 9)
    assert model.worst.worst_slowdown == pytest.approx(2)
    assert not any("cost model" in note for note in board.notes)


def test_either_order_has_one_answer() -> None:
    """The forward engine comes first; two of one direction are refused."""
    run = _run(_border(0, 2), engines=["forward", "reverse", "jax-jvp", "jax-vjp"])
    assert scoreboard([run], ("reverse", "forward")).to_json() == scoreboard([run], PAIR).to_json()
    assert pairs_of([run]) == [PAIR, ("jax-jvp", "jax-vjp")]
    with pytest.raises(InputError, match="name a forward and a reverse engine"):
        scoreboard([run], ("forward", "jax-jvp"))


def test_machines_are_not_mixed() -> None:
    """One line names the difference; free memory does not count."""
    one, other = _run(_border(0, 2), "one"), _run(_border(0, 2), "other", wrt="x")
    same = replace(other, machine=dict(one.machine) | {"memory_bytes": 1})
    assert len(scoreboard([one, same], PAIR).problems) == 2
    for change, said in (
        ({"cpu_model_name": "Z80"}, "other was measured with cpu_model_name Z80, one with"),
        ({"versions": {"numpy": "3"}}, "other was measured with numpy 3, one with 2"),
    ):
        with pytest.raises(InputError, match=said):
            scoreboard([one, replace(other, machine=dict(one.machine) | change)], PAIR)


def test_nothing_to_score_is_refused() -> None:
    """Without one of the engines or without values it is refused, or left out with a note beside a complete run."""
    whole, half = _run(_border(0, 2)), _run(_border(0, 2), "half", engines=["forward"])
    silent = replace(_run(_border(0, 2), "silent"), observations=())
    for runs in ([half], [silent], [half, silent]):
        with pytest.raises(NothingMeasuredError, match="no rule can be scored"):
            scoreboard(runs, PAIR)
        with pytest.raises(NothingMeasuredError, match="no run measured a forward and a reverse engine"):
            pairs_of(runs)
    board = scoreboard([half, whole, silent], PAIR)
    assert len(board.problems) == 1
    assert {note.split()[2] for note in board.notes if note.startswith("left out")} == {"half", "silent"}


def test_cells_without_a_winner() -> None:
    """With equal times nothing is decided, no rule loses, and the simplest one is chosen."""
    board = scoreboard([_run(lambda *_: 1.0)], PAIR)
    assert board.best.when == "never"
    assert {(each.right, each.mean_slowdown) for each in board.rules} == {(None, 1.0)}
    assert "none differ" in "\n".join(scoreboard_lines([board]))
