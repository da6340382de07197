"""A call of Python's that is given up after a while, in the process in which it runs.

    within(5.0, lambda: slow(x))      # raises TimeoutError where it takes longer

The exception is raised between two operations of the interpreter, as by Ctrl-C, in whatever thread the call runs; a
single call of compiled code, such as XLA's compiler, is never interrupted. It suits long loops in Python that hold
nothing that has to be put back.
"""

import ctypes
import math
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["within"]

_T = TypeVar("_T")

_set_exception: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)


class _LateError(BaseException):
    """Passes every `except Exception` on the way."""


def within(seconds: float, call: Callable[[], _T]) -> _T:
    """What the call returns, if it does within so many seconds; raises TimeoutError."""
    if math.isinf(seconds):
        return call()
    try:
        return _watched(seconds, call)
    except _LateError:
        raise TimeoutError from None


def _watched(seconds: float, call: Callable[[], _T]) -> _T:
    caller, lock, state = threading.get_ident(), threading.Lock(), {"over": False}

    def fire() -> None:
        with lock:
            if not state["over"]:
                _set_exception(caller, _LateError)

    timer = threading.Timer(max(0.0, seconds), fire)
    timer.daemon = True
    timer.start()
    try:
        return call()
    finally:
        timer.cancel()
        with lock:
            state["over"] = True
        _set_exception(caller, ctypes.py_object())  # none: forgets one that was raised too late to be seen
