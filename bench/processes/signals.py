"""Defers signals that end the command while a child process is started or ended."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end the command."""


@contextmanager
def signals_deferred() -> Iterator[None]:
    """Defers SIGINT, SIGTERM and SIGHUP, so that a child just started is registered before we stop."""
    if threading.current_thread() is not threading.main_thread():  # signals interrupt only the main thread
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
