"""Signals that end the command, deferred while a child process is started or ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that the command answers by ending."""


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Defers SIGINT, SIGTERM and SIGHUP, so that a child just started is registered before we stop."""
    if threading.current_thread() is not threading.main_thread():  # only that one is ever interrupted
        yield
        return
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)
