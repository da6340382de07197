"""Numbers with units, as they are written in options and specifications: `5%`, `2min`, `4GB`."""

import contextlib
import math
import os
import re
from collections.abc import Mapping

from fwdrev.modes.errors import InputError

__all__ = ["bytes_of", "duration", "fraction_of", "seconds_of", "threshold_of", "total_bytes"]

_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_BYTES = {"": 1.0, "b": 1.0} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("kmgt", start=1)
    for ending, base in (("b", 1000.0), ("ib", 1024.0), ("", 1000.0))
}
_FRACTION = {"%": 1e-2, "": 1.0}

_LEAST_PERCENTS = 2
"""From here on a number without a unit was more likely meant in per cent; between 1 and this, as a ratio (1.2: 20%)."""


def seconds_of(given: object) -> float:
    """`120`, `120s`, `2min`, `1h` in seconds; raises InputError."""
    return _number(given, _SECONDS, "give seconds such as 120s, or 2min, or 1h")


def bytes_of(given: object) -> int:
    """`4GB`, `512MiB`, `1000000` in bytes; raises InputError."""
    return round(_number(given, _BYTES, "give bytes such as 4GB or 512MiB"))


def fraction_of(given: object) -> float:
    """`5%`, `0.05` as a fraction; raises InputError."""
    return _number(given, _FRACTION, "give a share such as 5% or 0.05")


def threshold_of(given: object) -> float:
    """As `fraction_of`, but 1 and more need their `%`: 1.2 would be 120 % and accept almost every slow-down."""
    value = fraction_of(given)
    if value < 1 or "%" in str(given):
        return value
    percents = 100 * (value - 1) if 1 < value < _LEAST_PERCENTS else value
    msg = f"{str(given).strip()}: a threshold is a share: did you mean {percents:.6g}%?"
    raise InputError(msg)


def _number(given: object, units: Mapping[str, float], how: str) -> float:
    text = str(given).strip().lower()
    match = re.fullmatch(r"([0-9.]+(?:e[+-]?[0-9]+)?)\s*([a-z%]*)", text)
    try:
        value = float(match[1]) * units[match[2]] if match else math.nan
    except (KeyError, ValueError):
        value = math.nan
    if not (0 < value < math.inf) or isinstance(given, bool):
        msg = f"{given!r}: {how}, more than 0"
        raise InputError(msg)
    return value


def total_bytes() -> int | None:
    """The memory of the machine, whatever of it is free."""
    with contextlib.suppress(OSError, ValueError):  # what this system does not know
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        return pages * size if pages > 0 < size else None
    return None


def duration(seconds: float) -> str:
    """`48 s`, `12 min`, `1 h 20 min`."""
    minutes = round(seconds / 60)
    if seconds < 120:  # noqa: PLR2004 - two minutes
        return f"{max(seconds, 1):.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"  # noqa: PLR2004 - an hour
