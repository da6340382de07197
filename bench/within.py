"""A call into a library of Python's that is given up after a while, in the process in which it runs.

    within(5.0, lambda: asdex.jacobian_coloring(f, x), "asdex")      # raises TimeoutError where it takes longer

It ends where a function of that library begins, and nowhere else: not inside of JAX, whose state would be left behind,
and not inside of compiled code. It suits libraries that do their work in many small functions.
"""

import math
import sys
from collections.abc import Callable
from time import perf_counter
from types import FrameType
from typing import TypeVar

from fwdrev.bench.timing import no_collection

__all__ = ["within"]

_T = TypeVar("_T")


class _LateError(BaseException):
    """Passes every `except Exception` on the way."""


def within(seconds: float, call: Callable[[], _T], package: str) -> _T:
    """What the call returns, if it does within so many seconds; raises TimeoutError.

    Under a profiler, which would have to give way, it takes as long as it takes.
    """
    if math.isinf(seconds) or sys.getprofile() is not None:
        return call()
    end = perf_counter() + seconds

    def check(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and perf_counter() > end and _belongs(frame, package):
            raise _LateError

    sys.setprofile(check)
    try:
        with no_collection():  # JAX has it call back, and there an exception would be printed and lost
            return call()
    except _LateError:
        raise TimeoutError from None
    finally:
        sys.setprofile(None)


def _belongs(frame: FrameType, package: str) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name == package or name.startswith(f"{package}.")
