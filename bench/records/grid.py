"""Grids: how the sizes of a sweep are written, `4:4096:*4`, `10:50:+10` or `4,16,100`."""

import re
from itertools import takewhile

from fwdrev.modes.core.problem import LARGEST
from fwdrev.modes.errors import InputError, shown

__all__ = ["parse_grid"]

_MOST = 1000
"""No grid may have more sizes."""

_RANGE = re.compile(r"(\d{1,30}):(\d{1,30}):([*+])(\d{1,30})")
_LIST = re.compile(r"-?\d{1,30}(,-?\d{1,30})*")
_HOW = "write 4:4096:*4 (from, to, factor), 10:50:+10 (from, to, step) or 4,16,100"


def parse_grid(text: str) -> list[int]:
    """The sizes that `text` means, ascending; raises InputError that says how to write them."""
    text = text.replace(" ", "")
    if match := _RANGE.fullmatch(text):
        first, last, by = int(match[1]), int(match[2]), int(match[4])
        sizes = _progression(first, last, match[3], by)
    elif _LIST.fullmatch(text):
        sizes = sorted({int(size) for size in text.split(",")})
    else:
        msg = f"grid {shown(text)}: {_HOW}"
        raise InputError(msg)
    return check_sizes(sizes, shown(text))


def check_sizes(sizes: list[int], given: str) -> list[int]:
    """The sizes, if a sweep can use them; `given`: as a message shows them."""
    if not sizes:
        msg = f"grid {given} is empty: {_HOW}"
        raise InputError(msg)
    wrong = [size for size in sizes if not 1 <= size <= LARGEST]
    if wrong:
        msg = f"grid {given} has {wrong[0]}: sizes go from 1 to {LARGEST}; {_HOW}"
        raise InputError(msg)
    if len(sizes) > _MOST:
        msg = f"grid {given} has more than {_MOST} sizes: take a larger factor or step"
        raise InputError(msg)
    return sizes


def _progression(first: int, last: int, kind: str, by: int) -> list[int]:
    """first, first · by, … or first, first + by, … up to last; one entry too many is enough to refuse it."""
    if (kind == "*" and (by < 2 or first < 1)) or by < 1:  # noqa: PLR2004 - a factor of 1 goes nowhere
        msg = f"grid {first}:{last}:{kind}{by} never ends: {_HOW}"
        raise InputError(msg)
    steps = (first * by**i if kind == "*" else first + by * i for i in range(_MOST + 1))
    return list(takewhile(lambda size: size <= last, steps))
