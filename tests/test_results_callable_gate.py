"""The decision on two callables, from scripted rounds: what each look decides, and how often it errs."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle

import numpy as np
import pytest

from fwdrev.bench.callables import CallableRound
from fwdrev.modes.errors import InputError
from fwdrev.results.callable_gate import CallableGate, callable_gate
from fwdrev.results.judgement import Verdict

WOBBLE = (0.98, 1.03, 1.0, 0.97, 1.02)
"""By what the rounds differ."""


class Script:
    """Rounds whose ratios are given, one after the other and again from the first; `looks`: how many were asked for."""

    def __init__(self, *ratios: float, seconds: float = 0.1) -> None:
        self._ratios, self._seconds = cycle(ratios), seconds
        self.looks: list[int] = []

    def __call__(self, count: int) -> Iterator[CallableRound]:
        """The next ones."""
        self.looks.append(count)
        for _ in range(count):
            ratio = next(self._ratios)
            yield CallableRound(f=(2e-3 * ratio,) * 6, g=(2e-3,) * 6, seconds=self._seconds)


def around(ratio: float) -> tuple[float, ...]:
    """That ratio, more or less."""
    return tuple(ratio * each for each in WOBBLE)


def decided(script: Script, *, max_ratio: float = 1.1, budget: float = 5.0) -> CallableGate:
    """With ten rounds in the first look."""
    return callable_gate(script, max_ratio=max_ratio, rounds=10, budget=budget)


def test_numbers_by_hand() -> None:
    """The mean log ratio of rounds whose blocks agree, with Student's t for four degrees of freedom."""
    found = callable_gate(Script(*around(1.0)), max_ratio=1.5, rounds=5, budget=5.0)
    logs = np.log(WOBBLE)
    half = 2.7764451 * logs.std(ddof=1) / math.sqrt(5)
    assert (found.verdict, found.rounds, found.again) == (Verdict.WITHIN, 5, None)
    assert (found.ratio.point, found.ratio.low, found.ratio.high) == pytest.approx(
        tuple(np.exp([logs.mean(), logs.mean() - half, logs.mean() + half]))
    )
    assert 1.5 < found.detectable < 1.6


def test_a_disturbed_block_does_not_count() -> None:
    """A block that took ten times as long is trimmed away."""

    def measure(count: int) -> Iterator[CallableRound]:
        for _ in range(count):
            yield CallableRound(f=(1.0, 1.0, 10.0, 1.0, 1.0, 1.0), g=(1.0,) * 6, seconds=0.1)

    assert callable_gate(measure, max_ratio=1.1, rounds=10, budget=5.0).ratio.point == pytest.approx(1.0)


@pytest.mark.parametrize(("ratio", "max_ratio"), [(1.0, 1.1), (0.3, 1.1), (0.4, 0.5), (2.5, 3.0)])
def test_fast_enough_at_the_first_look(ratio: float, max_ratio: float) -> None:
    """Below 1 too, on either side; ten rounds and no more."""
    script = Script(*around(ratio))
    assert decided(script, max_ratio=max_ratio).verdict is Verdict.WITHIN
    assert script.looks == [10]


@pytest.mark.parametrize(("ratio", "max_ratio"), [(1.3, 1.1), (0.7, 0.5), (3.0, 1.5)])
def test_slower_when_fresh_rounds_confirm_it(ratio: float, max_ratio: float) -> None:
    """What is blatant needs no more fresh rounds than there were first ones."""
    script = Script(*around(ratio))
    found = decided(script, max_ratio=max_ratio)
    assert (found.verdict, script.looks) == (Verdict.REGRESSED, [10, 10])
    assert (found.rounds, found.rounds_again) == (10, 10)
    assert found.again is not None
    assert found.again.point == pytest.approx(ratio, rel=0.01)


def test_fresh_rounds_alone_decide_what_was_flagged() -> None:
    """A first look that was slow by chance does not count, however slow it was."""
    script = Script(*around(1.3) * 2, *around(1.0) * 2)
    found = decided(script)
    assert (found.verdict, script.looks) == (Verdict.WITHIN, [10, 10])
    assert found.ratio.point > 1.25
    unclear = decided(Script(*around(1.3) * 2, *around(1.1) * 2))
    assert unclear.verdict is Verdict.INCONCLUSIVE


def test_what_is_barely_slower_gets_more_fresh_rounds() -> None:
    """As many as a smaller slowdown needs, and no more than there is time for."""
    script = Script(*around(1.125))
    assert decided(script).verdict is Verdict.REGRESSED
    assert script.looks == [10, 40]
    short = Script(*around(1.125))
    decided(short, budget=2.5)
    assert short.looks == [10, 15]


def test_what_is_open_is_looked_at_once_more_with_all_rounds() -> None:
    """As many as there is time for, never fewer than before; then it is fast enough, or nobody knows."""
    script = Script(*around(1.09))
    found = decided(script)
    assert (found.verdict, script.looks, found.rounds) == (Verdict.WITHIN, [10, 40], 50)
    edge = Script(*around(1.1))
    assert decided(edge).verdict is Verdict.INCONCLUSIVE
    assert edge.looks == [10, 40]
    late = Script(*around(1.1), seconds=1.0)
    decided(late)
    assert late.looks == [10, 10]


def test_a_second_look_never_calls_slower_what_the_first_did_not_flag() -> None:
    """As between revisions: all rounds together say fast enough, or nothing."""
    script = Script(*around(1.1) * 2, *around(1.4) * 8)
    assert decided(script).verdict is Verdict.INCONCLUSIVE


def test_it_is_told_in_one_line() -> None:
    """With what was allowed; with what could have been seen where it matters."""
    within, slower, unclear = (decided(Script(*around(ratio))) for ratio in (1.0, 1.3, 1.1))
    assert str(within).startswith("time of f ÷ time of g 0.99")
    assert str(within).endswith(") in 10 rounds, allowed 1.1")
    assert ") in 10 rounds, 1.29" in str(slower)
    assert str(slower).endswith(") in 10 fresh ones, allowed 1.1")
    assert ") in 50 rounds, allowed 1.1, could have seen 1.12" in str(unclear)


def test_too_few_rounds_decide_nothing() -> None:
    """Two have no spread to speak of."""
    with pytest.raises(InputError, match="2 rounds: nothing is decided by fewer than 3"):
        callable_gate(Script(1.0), max_ratio=1.1, rounds=2, budget=1.0)


def simulated(ratio: float, runs: int = 400) -> Counter[Verdict]:
    """How gates of 1.1 end where the ratio is this one and rounds vary by 3 %."""
    rng = np.random.default_rng(0)

    def measure(count: int) -> list[CallableRound]:
        draws = np.exp(np.log(ratio) + 0.03 * rng.standard_normal(count))
        return [CallableRound(f=(float(each),), g=(1.0,), seconds=0.1) for each in draws]

    gate: Callable[[], CallableGate] = lambda: callable_gate(measure, max_ratio=1.1, rounds=10, budget=5.0)  # noqa: E731
    return Counter(gate().verdict for _ in range(runs))


def test_how_often_it_errs() -> None:
    """At the very edge few are called slower, and at most 5 % fast enough; what lies well beside it is found."""
    edge = simulated(1.1)
    assert edge[Verdict.REGRESSED] <= 4
    assert edge[Verdict.WITHIN] <= 0.05 * 400 + 9, "two standard errors"
    assert edge[Verdict.INCONCLUSIVE] >= 300
    assert simulated(1.17)[Verdict.REGRESSED] >= 380
    assert simulated(1.04)[Verdict.WITHIN] >= 390
