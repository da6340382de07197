"""The layout of blocks: counts and orders, with a fake clock."""

from itertools import groupby
from random import Random
from typing import Any

import pytest

from fwdrev.bench.timing import blocks as timing
from fwdrev.bench.timing.blocks import calibrate, timed_blocks


class FakeClock:
    """A clock that advances only when an arm is called, by that arm's cost."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[str] = []

    def arm(self, name: str, seconds: float) -> Any:
        """An arm that takes this long."""

        def call() -> None:
            self.now += seconds
            self.calls.append(name)

        return call


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """A fake clock in place of pyperf's."""
    fake = FakeClock()
    monkeypatch.setattr(timing, "perf_counter", lambda: fake.now)
    return fake


def test_every_arm_gets_its_own_time(clock: FakeClock) -> None:
    """Each block gives seconds per call, whatever the loop count."""
    arms = {"a": clock.arm("a", 0.25), "b": clock.arm("b", 2.0)}
    assert timed_blocks(arms, {"a": 4, "b": 1}, 6, Random(0)) == {"a": [0.25] * 6, "b": [2.0] * 6}


def test_blocks_are_mirrored_pairs_in_changing_order(clock: FakeClock) -> None:
    """ABBA: in each pair of blocks the second order is the first one reversed."""
    names = "abc"
    came: list[str] = []
    timed_blocks({name: clock.arm(name, 1.0) for name in names}, dict.fromkeys(names, 1), 20, Random(0), came.append)
    runs = [(name, len(list(group))) for name, group in groupby(clock.calls)]
    assert [name for name, _ in runs] == came, "it is told which arm comes, before it comes"
    assert {length for name, length in runs} <= {2, 3, 4}, "a change of arms costs one call that is not counted"
    timed = "".join(name * (length - 1) for name, length in runs)
    orders = [timed[i : i + 3] for i in range(0, 60, 3)]
    assert all(one == other[::-1] for one, other in zip(orders[::2], orders[1::2], strict=True))
    assert len(set(orders[::2])) > 3


def test_what_an_arm_leaves_behind_is_not_charged_to_the_next(clock: FakeClock) -> None:
    """The first call after another arm is slow; no value includes it."""
    last = ""

    def arm(name: str) -> Any:
        def call() -> None:
            nonlocal last
            clock.now += 1.0 if last == name else 100.0
            last = name

        return call

    values = timed_blocks({"a": arm("a"), "b": arm("b")}, {"a": 3, "b": 1}, 10, Random(0))
    assert values == {"a": [1.0] * 10, "b": [1.0] * 10}


def test_a_change_of_arms_costs_calls_that_are_not_counted(clock: FakeClock) -> None:
    """A change costs one uncounted call and an eighth of a block; none if the arm continues, as amid ABBA."""
    arms = {"a": clock.arm("a", 1.0), "b": clock.arm("b", 2.0)}
    assert timed_blocks(arms, {"a": 16, "b": 7}, 2, Random(0)) == {"a": [1.0] * 2, "b": [2.0] * 2}
    first, second = ("a", "b") if clock.calls[0] == "a" else ("b", "a")
    calls = {"a": 16, "b": 7}
    before = {"a": 3, "b": 1}
    runs = [(name, len(list(group))) for name, group in groupby(clock.calls)]
    there = (first, before[first] + calls[first])
    assert runs == [there, (second, before[second] + 2 * calls[second]), there]


def test_a_block_takes_about_what_was_asked(clock: FakeClock) -> None:
    """A block has at least one call, and enough of a short one."""
    came: list[str] = []
    loops = calibrate({"slow": clock.arm("slow", 5.0), "fast": clock.arm("fast", 0.001)}, 0.5, came.append)
    assert loops == {"slow": 1, "fast": 500}
    assert came == ["slow", "fast"], "it is told which arm comes"


def test_the_shortest_of_three_calls_counts(clock: FakeClock) -> None:
    """Delays only add."""
    seconds = iter([7.0, 0.25, 3.0])

    def call() -> None:
        clock.now += next(seconds)

    assert calibrate({"a": call}, 2.0) == {"a": 8}
    assert next(seconds, None) is None


def test_arms_that_are_nearly_equal_share_a_loop_count(clock: FakeClock) -> None:
    """Such arms use that of the slower one, up to a factor of two between them."""
    arms = {"a": clock.arm("a", 0.010), "b": clock.arm("b", 0.011), "c": clock.arm("c", 0.003)}
    loops = calibrate(arms, 1.0)
    assert loops["a"] == loops["b"] == 91
    assert loops["c"] == 333


def test_the_clock_is_that_of_pyperf() -> None:
    """The module need not be loaded for it."""
    import pyperf

    assert vars(timing)["perf_counter"] is pyperf.perf_counter
