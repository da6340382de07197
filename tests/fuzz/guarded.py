"""The limits and the number of examples."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import hypothesis
import pytest

from fwdrev.bench.machine.memory import limited

_TOTAL = int(os.environ.get("FWDREV_FUZZ", "400"))

_LONG = "FWDREV_FUZZ" in os.environ

_TIMERS = {signal.SIGPROF: (signal.ITIMER_PROF, 5.0), signal.SIGALRM: (signal.ITIMER_REAL, 120.0)}
"""The longest time that an example may compute, whatever else the machine does, and that it may wait."""

_BYTES = 2**30
"""Bytes that an example may allocate in addition."""


def examples(share: float) -> Callable[[Any], Any]:
    """Settings for a test with this share of all inputs; the same inputs each time unless FWDREV_FUZZ is set."""
    return hypothesis.settings(
        max_examples=max(1, round(share * _TOTAL)),
        derandomize=not _LONG,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


@contextmanager
def guarded() -> Iterator[None]:
    """Fails after too long a time; too much memory raises MemoryError, which is not an error of ours."""
    before = {number: signal.signal(number, _hangs) for number in _TIMERS}
    for timer, seconds in _TIMERS.values():
        signal.setitimer(timer, seconds)
    try:
        with limited(_BYTES):
            yield
    finally:
        for number, (timer, _) in _TIMERS.items():
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


def _hangs(number: int, _: object) -> None:
    pytest.fail(f"it takes more than {_TIMERS[signal.Signals(number)][1]:g} s")
