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

from fwdrev.bench.timing import no_collection

__all__ = ["within"]

_T = TypeVar("_T")

_set_exception: Any = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)

_AGAIN = 0.2
"""Seconds after which it is raised once more: where Python calls a finalizer it is printed and lost."""


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
    caller, over, lock = threading.get_ident(), threading.Event(), threading.Lock()

    def fire() -> None:
        late = over.wait(seconds)
        while not late:
            with lock:
                if not over.is_set():
                    _set_exception(caller, _LateError)
            late = over.wait(_AGAIN)

    with no_collection():  # JAX has it call back, and there an exception would be printed and lost
        threading.Thread(target=fire, daemon=True).start()
        try:
            return call()
        finally:
            with lock:
                over.set()
                _set_exception(caller, ctypes.py_object())  # none: forgets one that was raised too late to be seen
