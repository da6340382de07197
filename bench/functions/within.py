"""Gives up a call into a Python library after a time limit, in the same process.

    within(5.0, lambda: asdex.jacobian_coloring(f, x), "asdex")      # raises TimeoutError where it takes longer

It stops only at a line of that library: not inside JAX, whose state would be left behind, and not inside
compiled code. This slows the lines of the library a little, and no others.
"""

import math
import sys
from collections.abc import Callable
from time import perf_counter
from types import FrameType
from typing import Any, TypeVar

from fwdrev.bench.timing.blocks import no_collection

_T = TypeVar("_T")


class _LateError(BaseException):
    """Raised to pass every `except Exception` on the way out."""


def within(seconds: float, call: Callable[[], _T], package: str) -> _T:
    """The result of the call, if it returns within `seconds`; raises TimeoutError.

    Under a debugger, which uses the same hook, there is no limit.
    """
    if math.isinf(seconds) or sys.gettrace() is not None:
        return call()
    end = perf_counter() + seconds

    def check(_: FrameType, event: str, __: object) -> Callable[..., Any]:
        if event == "line" and perf_counter() > end:
            raise _LateError
        return check

    sys.settrace(lambda frame, *_: check if _belongs(frame, package) else None)
    try:
        with no_collection():  # JAX calls it back, and would print and lose an exception there
            return call()
    except _LateError:
        raise TimeoutError from None
    finally:
        sys.settrace(None)


def _belongs(frame: FrameType, package: str) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name == package or name.startswith(f"{package}.")
