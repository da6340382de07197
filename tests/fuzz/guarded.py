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

_SECONDS = 5.0

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
    before = signal.signal(signal.SIGALRM, _hangs)
    signal.setitimer(signal.ITIMER_REAL, _SECONDS)
    try:
        with limited(_BYTES):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _hangs(*_: object) -> None:
    pytest.fail(f"it takes more than {_SECONDS:g} s")
