"""The decision on two callables, from scripted rounds: the outcome of each look, and its error rates."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.records.callables import CallableRound, Layout, Probed
from fwdrev.results.gate.callables import CallableGate, Measure, callable_gate
from fwdrev.results.gate.verdicts.report import Verdict

WOBBLE = (0.98, 1.03, 1.0, 0.97, 1.02)
"""The factors of rounds."""


class Script:
    """Rounds with given ratios, repeated cyclically; `looks`: the number of rounds in each look."""

    def __init__(self, *ratios: float, seconds: float = 0.1) -> None:
        self._ratios, self._seconds = cycle(ratios), seconds
        self.looks: list[int] = []

    def __call__(self, count: int) -> Iterator[CallableRound]:
        """Returns the next rounds."""
        self.looks.append(count)
        for _ in range(count):
            ratio = next(self._ratios)
            yield CallableRound(f=(2e-3 * ratio,) * 6, g=(2e-3,) * 6, seconds=self._seconds)


def around(ratio: float) -> tuple[float, ...]:
    """Rounds around this ratio."""
    return tuple(ratio * each for each in WOBBLE)


PROBED = Probed(f=2.6e-3, g=2e-3, setup=0.0, loops={"f": 1, "g": 1})


def decided(
    measure: Measure, *, max_ratio: float = 1.1, budget: float = 5.0, rounds: int = 10, probed: Probed = PROBED
) -> CallableGate:
    """Decides with this many rounds in the first look; by the first calls, two looks need two seconds."""
    layout = Layout(rounds=rounds, blocks=6, needed=2.0)
    return callable_gate(measure, probed, layout, max_ratio=max_ratio, budget=budget)


def test_numbers_by_hand() -> None:
    """By hand: the mean log ratio of rounds whose blocks agree, with Student's t for four degrees of freedom."""
    found = decided(Script(*around(1.0)), max_ratio=1.5, rounds=5)
    logs = np.log(WOBBLE)
    half = 2.7764451 * logs.std(ddof=1) / math.sqrt(5)
    assert (found.verdict, found.rounds, found.again) == (Verdict.WITHIN, 5, None)
    assert (found.ratio.point, found.ratio.low, found.ratio.high) == pytest.approx(
        tuple(np.exp([logs.mean(), logs.mean() - half, logs.mean() + half]))
    )
    assert found.detectable is not None
    assert 1.5 < found.detectable < 1.6
    assert (found.f_seconds, found.g_seconds) == (2e-3, 2e-3)
    assert found.seconds_needed is None


def test_a_disturbed_block_does_not_count() -> None:
    """A block that took ten times as long is trimmed away."""

    def measure(count: int) -> Iterator[CallableRound]:
        for _ in range(count):
            yield CallableRound(f=(1.0, 1.0, 10.0, 1.0, 1.0, 1.0), g=(1.0,) * 6, seconds=0.1)

    found = decided(measure)
    assert found.ratio.point == pytest.approx(1.0)
    assert (found.f_seconds, found.g_seconds) == (1.0, 1.0)


@pytest.mark.parametrize(("ratio", "max_ratio"), [(1.0, 1.1), (0.3, 1.1), (0.4, 0.5), (2.5, 3.0)])
def test_fast_enough_at_the_first_look(ratio: float, max_ratio: float) -> None:
    """A ratio may be below 1 too, on either side; ten rounds are enough."""
    script = Script(*around(ratio))
    assert decided(script, max_ratio=max_ratio).verdict is Verdict.WITHIN
    assert script.looks == [10]


@pytest.mark.parametrize(("ratio", "max_ratio"), [(1.3, 1.1), (0.7, 0.5), (3.0, 1.5)])
def test_slower_when_fresh_rounds_confirm_it(ratio: float, max_ratio: float) -> None:
    """A very large slow-down needs only as many fresh rounds as there were first ones."""
    script = Script(*around(ratio))
    found = decided(script, max_ratio=max_ratio)
    assert (found.verdict, script.looks) == (Verdict.REGRESSED, [10, 10])
    assert (found.rounds, found.rounds_again) == (10, 10)
    assert found.again is not None
    assert found.again.point == pytest.approx(ratio, rel=0.01)
    assert found.f_seconds == pytest.approx(found.g_seconds * ratio, rel=0.01)


def test_fresh_rounds_alone_decide_what_was_flagged() -> None:
    """A first look that was slow by chance does not count, however slow it was."""
    script = Script(*around(1.3) * 2, *around(1.0) * 2)
    found = decided(script)
    assert (found.verdict, script.looks) == (Verdict.WITHIN, [10, 10])
    assert found.ratio.point > 1.25
    unclear = decided(Script(*around(1.3) * 2, *around(1.1) * 2))
    assert unclear.verdict is Verdict.INCONCLUSIVE


def test_what_is_barely_slower_gets_more_fresh_rounds() -> None:
    """The fresh rounds are as many as a smaller slow-down needs, within the time."""
    script = Script(*around(1.125))
    assert decided(script).verdict is Verdict.REGRESSED
    assert script.looks == [10, 40]
    short = Script(*around(1.125))
    decided(short, budget=2.5)
    assert short.looks == [10, 15]


def test_what_is_open_is_looked_at_once_more_with_all_rounds() -> None:
    """The second look has as many rounds as the time allows, at least as many as before; it may stay undecided."""
    script = Script(*around(1.09))
    found = decided(script)
    assert (found.verdict, script.looks, found.rounds) == (Verdict.WITHIN, [10, 40], 50)
    edge = Script(*around(1.1))
    assert decided(edge).verdict is Verdict.INCONCLUSIVE
    assert edge.looks == [10, 40]
    slow = Script(*around(1.1), seconds=0.3)
    assert decided(slow).rounds == 20, "the first look took three of five seconds"
    assert slow.looks == [10, 10]


def test_a_second_look_never_calls_slower_what_the_first_did_not_flag() -> None:
    """As between revisions, all rounds together say fast enough, or nothing."""
    script = Script(*around(1.1) * 2, *around(1.4) * 8)
    assert decided(script).verdict is Verdict.INCONCLUSIVE


def test_calls_that_turn_out_slower_than_planned_end_in_time() -> None:
    """If the first look used most of the time there is no second; no round begins after the end."""
    late = Script(*around(1.1), seconds=0.4)
    found = decided(late)
    assert (found.verdict, late.looks, found.rounds) == (Verdict.INCONCLUSIVE, [10], 10)
    assert found.seconds_needed == pytest.approx(8.0)
    later = Script(*around(1.1), seconds=1.0)
    found = decided(later)
    assert (later.looks, found.rounds) == ([10], 5)
    assert found.seconds_needed == pytest.approx(20.0)

    def slows(count: int) -> Iterator[CallableRound]:
        begun.append(count)
        ratios = cycle(around(1.1))
        return (CallableRound(f=(next(ratios),), g=(1.0,), seconds=0.1 if len(begun) == 1 else 1.0) for _ in range(40))

    begun: list[int] = []
    found = decided(slows, budget=40.0, rounds=40)
    assert (len(begun), found.rounds) == (2, 40 + 36)
    assert found.seconds_needed is None, "the second look went as far as it could"


@pytest.mark.parametrize(
    ("ratio", "verdict"), [(1.0, Verdict.WITHIN), (1.1, Verdict.INCONCLUSIVE), (3.0, Verdict.INCONCLUSIVE)]
)
def test_one_look_can_only_say_fast_enough(ratio: float, verdict: Verdict) -> None:
    """A slow-down needs fresh rounds, for which there is no time: the message has the time for two looks."""
    script = Script(*around(ratio), seconds=0.9)
    found = decided(script, rounds=5)
    assert (found.verdict, found.rounds, found.again, script.looks) == (verdict, 5, None, [5])
    assert found.seconds_needed == (None if verdict is Verdict.WITHIN else pytest.approx(9.0))


@pytest.mark.parametrize(("rounds", "point"), [(2, 1.3 * (0.98 * 1.03) ** 0.5), (1, 1.3 * 0.98), (0, 1.3)])
def test_fewer_rounds_than_decide(rounds: int, point: float) -> None:
    """The ratio of the rounds has no interval; without rounds it is that of the first calls."""
    script = Script(*around(1.3), seconds=2.0)
    probed = Probed(f=2.6e-3, g=2e-3, setup=1.5, loops={"f": 1, "g": 1})
    found = decided(script, rounds=rounds, probed=probed)
    assert (found.verdict, found.rounds, script.looks) == (Verdict.INCONCLUSIVE, rounds, [rounds])
    assert found.ratio.point == pytest.approx(point)
    assert (found.ratio.low, found.ratio.high, found.detectable) == (None, None, None)
    assert found.f_seconds == pytest.approx(point * 2e-3, rel=0.05)
    assert (found.seconds_needed, found.setup_seconds) == (2.0 if rounds == 0 else 4.0 * rounds, 1.5)


def told(ratio: float, **given: Any) -> str:
    """The line about rounds around this ratio."""
    script = Script(*around(ratio), seconds=given.pop("seconds", 0.1))
    return str(decided(script, **given))


def test_it_is_told_in_one_line() -> None:
    """The line has the ratio of the deciding rounds, the times, the allowed ratio, and the reason."""
    assert told(1.0) == "f takes 1.00 times as long as g (0.977 to 1.02), 2 ms and 2 ms a call; allowed 1.1"
    slower = "f takes 1.30 times as long as g (1.27 to 1.33), 2.6 ms and 2 ms a call; allowed 1.1; "
    assert told(1.3) == f"{slower}confirmed in 10 fresh rounds"
    open_ = "f takes 1.100 times as long as g (1.091 to 1.109), 2.2 ms and 2 ms a call; allowed 1.1; "
    assert told(1.1) == f"{open_}1.1 lies inside the interval; could have seen 1.13"
    assert "; allowed 0.2 (f has to be faster); confirmed" in told(1.0, max_ratio=0.2)
    assert told(1234.0).startswith("f takes 1234 times as long as g (1206 to 1262), 2.47 s and 2 ms a call")
    chance = str(decided(Script(*around(1.3) * 2, *around(1.0) * 2)))
    assert chance.endswith("; allowed 1.1; a first look found 1.30, which 10 fresh rounds did not confirm")
    late = str(decided(Script(*around(1.1) * 2, *around(1.4) * 8)))
    assert late.endswith("; allowed 1.1; it seems slower, but not beyond doubt; could have seen 1.13")


def test_a_shortage_of_time_says_what_is_needed() -> None:
    """The time is a fifth above the estimate from the calls, so that it suffices; setup's part is named."""
    assert told(1.1, rounds=5, seconds=0.9).endswith("; 5 rounds do not decide it, two looks need about 10.8 s")
    blatant = "(2.91 to 3.10), 6 ms and 2 ms a call; allowed 1.1; no time for fresh rounds to confirm it, two looks"
    assert blatant in told(3.0, rounds=5, seconds=0.9)
    assert "as long as g, 2.21 ms and 2 ms a call; allowed 1.1; 2 rounds do not decide it" in told(1.1, rounds=2)
    assert "; one round does not decide it, two looks" in told(1.1, rounds=1)
    probed = Probed(f=2e-3, g=3e-3, setup=0.5, loops={"f": 1, "g": 1})
    never = "f takes 0.667 times as long as g, 2 ms and 3 ms a call; allowed 1.1; a few calls do not decide it, "
    needed = "two looks need about 2.4 s; setup takes 500 ms in each round"
    assert told(1.0, rounds=0, probed=probed) == never + needed


def simulated(ratio: float, runs: int = 400) -> Counter[Verdict]:
    """The outcomes of gates of 1.1 whose ratio is this one and whose rounds vary by 3 %."""
    rng = np.random.default_rng(0)

    def measure(count: int) -> list[CallableRound]:
        draws = np.exp(np.log(ratio) + 0.03 * rng.standard_normal(count))
        return [CallableRound(f=(float(each),), g=(1.0,), seconds=0.1) for each in draws]

    gate: Callable[[], CallableGate] = lambda: decided(measure)  # noqa: E731
    return Counter(gate().verdict for _ in range(runs))


def test_how_often_it_errs() -> None:
    """At the very edge few are called slower, and at most 5 % fast enough; ratios well away from it are found."""
    edge = simulated(1.1)
    assert edge[Verdict.REGRESSED] <= 4
    assert edge[Verdict.WITHIN] <= 0.05 * 400 + 9, "two standard errors"
    assert edge[Verdict.INCONCLUSIVE] >= 300
    assert simulated(1.17)[Verdict.REGRESSED] >= 380
    assert simulated(1.04)[Verdict.WITHIN] >= 390
