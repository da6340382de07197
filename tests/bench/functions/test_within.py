"""A call into a library in this process, given up after a while."""

import itertools
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from fwdrev.bench.functions.within import within

HERE = __name__

limited = pytest.mark.skipif(sys.gettrace() is not None, reason="under a debugger or a coverage tool there is no limit")


def work() -> int:
    """A small function of this module."""
    return sum(range(100))


def endless() -> None:
    """Runs forever and catches all that it can."""
    for _ in itertools.count():
        try:
            work()
        except Exception:  # noqa: BLE001, S112 - on purpose
            continue


def one_long_loop() -> int:
    """Runs long without a Python call."""
    total = 0
    while True:
        total += 1


@limited
@pytest.mark.parametrize("call", [endless, one_long_loop])
@pytest.mark.parametrize("seconds", [-1.0, 0.0, 0.05])
@pytest.mark.parametrize("package", [HERE, HERE.rpartition(".")[0]])
def test_an_endless_call_is_given_up(seconds: float, package: str, call: Callable[[], object]) -> None:
    """The call ends at a line of the module or package, whatever it catches."""
    with pytest.raises(TimeoutError):
        within(seconds, call, package)
    assert sys.gettrace() is None


def test_it_is_given_up_there_only() -> None:
    """Functions of other libraries run to their end, so that entered contexts are left."""
    left = []

    @contextmanager
    def context() -> Iterator[None]:
        yield
        left.append(True)

    def elsewhere() -> int:
        for _ in range(3):
            with context():
                pass
        return len(left)

    assert within(0.0, elsewhere, "no_such_package") == 3


@pytest.mark.parametrize("seconds", [60.0, math.inf])
def test_a_call_that_ends_is_left_alone(seconds: float) -> None:
    """The call's result is returned, its exception raised."""
    assert within(seconds, lambda: 3, HERE) == 3
    with pytest.raises(ZeroDivisionError):
        within(seconds, lambda: 1 // 0, HERE)


@limited
def test_nothing_is_raised_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that advances at each look gives up at each line in turn, so that every line is once too late."""
    calls, given_up = 0, 0

    def short() -> int:
        nonlocal calls
        calls += 1
        return work() + work()

    for limit in itertools.count():
        now = itertools.count()
        monkeypatch.setattr("fwdrev.bench.functions.within.perf_counter", now.__next__)
        try:
            assert within(float(limit), short, HERE) == 9900
        except TimeoutError:
            given_up += 1
        else:
            break
        finally:
            assert sys.gettrace() is None
            assert work() == 4950
    assert given_up == next(now) - 1 >= 4, "once at each line, of which each function has one or two"
    assert calls == given_up, "before the first line it has not begun"


def test_a_debugger_goes_before() -> None:
    """The user's own debugger stays in place, and the call may take any time."""

    def trace(*_: object) -> None:
        """Does nothing."""

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        assert within(0.0, work, HERE) == 4950
        assert sys.gettrace() is trace
    finally:
        sys.settrace(before)
