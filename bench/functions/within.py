"""A call into a library of Python's that is given up after a while, in the process in which it runs.

    within(5.0, lambda: asdex.jacobian_coloring(f, x), "asdex")      # raises TimeoutError where it takes longer

It ends at a line of that library, and nowhere else: not inside of JAX, whose state would be left behind, and not inside
of compiled code. Lines of the library take a little longer for it, those of others do not.
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
    """Passes every `except Exception` on the way."""


def within(seconds: float, call: Callable[[], _T], package: str) -> _T:
    """What the call returns, if it does within so many seconds; raises TimeoutError.

    Under a debugger, which would have to give way, it takes as long as it takes.
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
        with no_collection():  # JAX has it call back, and there an exception would be printed and lost
            return call()
    except _LateError:
        raise TimeoutError from None
    finally:
        sys.settrace(None)


def _belongs(frame: FrameType, package: str) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name == package or name.startswith(f"{package}.")
