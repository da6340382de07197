"""A call that is given up after a while, in this process."""

import itertools
import math
import threading
from time import perf_counter

import pytest

from fwdrev.bench.within import within


def endless() -> None:
    """Catches what it can."""
    for _ in itertools.count():
        try:
            sum(range(100))
        except Exception:  # noqa: BLE001, S112 - which is the point
            continue


@pytest.mark.parametrize("seconds", [0.0, 0.05])
def test_an_endless_call_is_given_up(seconds: float) -> None:
    """Also by a thread that is not the main one."""
    with pytest.raises(TimeoutError):
        within(seconds, endless)
    seen: list[type[BaseException]] = []

    def elsewhere() -> None:
        try:
            within(seconds, endless)
        except TimeoutError as error:
            seen.append(type(error))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert seen == [TimeoutError]


class Swallows:
    """An object whose finalizer takes its time: an exception in it is printed and lost."""

    def __del__(self) -> None:
        """Waits in Python."""
        end = perf_counter() + 0.3
        while perf_counter() < end:
            pass


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_exception_that_is_lost_is_raised_again() -> None:
    """The first one falls into a finalizer; the call goes on, and ends all the same."""

    def finalizing() -> None:
        Swallows()
        endless()

    with pytest.raises(TimeoutError):
        within(0.01, finalizing)


@pytest.mark.parametrize("seconds", [60.0, math.inf])
def test_a_call_that_ends_is_left_alone(seconds: float) -> None:
    """What it returns, and what it raises."""
    assert within(seconds, lambda: 3) == 3
    with pytest.raises(ZeroDivisionError):
        within(seconds, lambda: 1 // 0)


def test_nothing_is_raised_afterwards() -> None:
    """However close to the end it was."""
    ended = 0
    for _ in range(300):
        try:
            within(2e-4, lambda: sum(range(3000)))
        except TimeoutError:
            continue
        ended += 1
    assert sum(range(10)) == 45
    assert threading.active_count() < 50
    assert 0 <= ended <= 300
