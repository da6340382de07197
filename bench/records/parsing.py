"""Parses what users write: sizes, numbers with units, names of engines and functions, cells, a problem's options."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from pathlib import PurePath

from fwdrev.bench.records.observation import Cell
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError, shown

_MOST = 1000
"""The most sizes of a grid."""

_RANGE = re.compile(r"(\d{1,30}):(\d{1,30}):([*+])(\d{1,30})")
_LIST = re.compile(r"-?\d{1,30}(,-?\d{1,30})*")
_HOW = "write 4:4096:*4 (from, to, factor), 10:50:+10 (from, to, step) or 4,16,100"

_SECONDS = {"ms": 1e-3, "s": 1.0, "": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0}
_BYTES = {"": 1.0, "b": 1.0} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("kmgt", start=1)
    for ending, base in (("b", 1000.0), ("ib", 1024.0), ("", 1000.0))
}
_FRACTION = {"%": 1e-2, "": 1.0}

_LEAST_PERCENTS = 2
"""From here on, a number without a unit was probably meant in per cent; between 1 and this, as a ratio (1.2: 20%)."""


def parse_grid(text: str) -> list[int]:
    """The sizes that `4:4096:*4`, `10:50:+10` or `4,16,100` stands for, ascending; raises InputError."""
    text = text.replace(" ", "")
    if match := _RANGE.fullmatch(text):
        sizes = _progression(int(match[1]), int(match[2]), match[3], int(match[4]))
    elif _LIST.fullmatch(text):
        sizes = sorted({int(size) for size in text.split(",")})
    else:
        raise InputError(f"grid {shown(text)}: {_HOW}")
    return _checked_sizes(sizes, shown(text))


def sizes_of(given: object) -> list[int]:
    """The sizes of a grid, given as text or as a list, ascending; raises InputError."""
    if isinstance(given, str):
        return parse_grid(given)
    if isinstance(given, list) and all(isinstance(size, int) and not isinstance(size, bool) for size in given):
        return _checked_sizes(sorted(set(given)), shown(given))
    raise InputError(f"grid {shown(given)}: give text such as '4:4096:*4' or a list of whole numbers")


def _progression(first: int, last: int, kind: str, by: int) -> list[int]:
    """first, first · by, … or first, first + by, … up to last; stops one entry past the limit, enough to refuse it."""
    grows = first > 0 and by > 1 if kind == "*" else by > 0
    if not grows:
        raise InputError(f"grid {first}:{last}:{kind}{by} never ends: {_HOW}")
    steps = (first * by**i if kind == "*" else first + by * i for i in range(_MOST + 1))
    return list(takewhile(lambda size: size <= last, steps))


def _checked_sizes(sizes: list[int], given: str) -> list[int]:
    if not sizes:
        raise InputError(f"grid {given} is empty: {_HOW}")
    from fwdrev.modes.core.problem import LARGEST  # it imports NumPy, which `fwdrev --help` does not load

    wrong = [size for size in sizes if not 1 <= size <= LARGEST]
    if wrong:
        raise InputError(f"grid {given} has {wrong[0]}: sizes go from 1 to {LARGEST}; {_HOW}")
    if len(sizes) > _MOST:
        raise InputError(f"grid {given} has more than {_MOST} sizes: take a larger factor or step")
    return sizes


def seconds_of(given: object) -> float:
    """`120`, `120s`, `2min`, `1h` in seconds; raises InputError."""
    return _number(given, _SECONDS, "give seconds such as 120s, or 2min, or 1h")


def bytes_of(given: object) -> int:
    """`4GB`, `512MiB`, `1000000` in bytes; raises InputError."""
    return round(_number(given, _BYTES, "give bytes such as 4GB or 512MiB"))


def fraction_of(given: object) -> float:
    """`5%` or `0.05` as a fraction; raises InputError."""
    return _number(given, _FRACTION, "give a share such as 5% or 0.05")


def threshold_of(given: object) -> float:
    """Like `fraction_of`, but values from 1 on need a `%`: 1.2 would mean 120 % and accept almost every slow-down."""
    value = fraction_of(given)
    if value < 1 or "%" in str(given):
        return value
    percents = 100 * (value - 1) if 1 < value < _LEAST_PERCENTS else value
    raise InputError(f"{str(given).strip()}: a threshold is a share: did you mean {percents:.6g}%?")


def _number(given: object, units: Mapping[str, float], how: str) -> float:
    match = re.fullmatch(r"([0-9.]+(?:e[+-]?[0-9]+)?)\s*([a-z%]*)", str(given).strip().lower())
    try:
        value = float(match[1]) * units[match[2]] if match else math.nan
    except (KeyError, ValueError):
        value = math.nan
    if not 0 < value < math.inf or isinstance(given, bool):
        raise InputError(f"{given!r}: {how}, more than 0")
    return value


def duration(seconds: float) -> str:
    """A duration as text: `48 s`, `12 min`, `1 h 20 min`."""
    minute = 60
    if seconds < 2 * minute:
        return f"{max(seconds, 1):.0f} s"
    hours, minutes = divmod(round(seconds / minute), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def names(text: str) -> list[str]:
    """Names separated by commas; other names of engines become their own."""
    from fwdrev.modes.registry import engine_name

    return [engine_name(name) for part in text.split(",") if (name := part.strip())]


def engine_pair(text: str, measured: Sequence[str]) -> tuple[str, str]:
    """A pair of engines, `one,other`; engines that a run has measured need not be installed here."""
    from fwdrev.modes.registry import engine

    match names(text):
        case [one, other] if one != other:
            for name in (one, other):
                if name not in measured:
                    engine(name)
            return one, other
    raise InputError(f"pair {shown(text)}: name two different engines with a comma between, e.g. forward,reverse")


def cell_of(text: str) -> Cell:
    """A cell, `n,m`."""
    match names(text):
        case [n, m] if all(re.fullmatch("[1-9][0-9]{0,6}", size) for size in (n, m)):
            return Cell(int(n), int(m))
    msg = f"cell {shown(text)}: give the inputs and the outputs, two whole numbers from 1 with a comma, e.g. 64,16"
    raise InputError(msg)


def problem_options(given: list[str]) -> dict[str, Json]:
    """Options, `key=value`; each value is read as JSON where possible."""
    options: dict[str, Json] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key:
            raise InputError(f"option {shown(text)}: write it as name=value, e.g. depth=6")
        try:
            options[key] = json.loads(value)
        except (ValueError, RecursionError):  # not JSON, or absurd numbers and depths
            options[key] = value
    return options


def each_once(names: Sequence[str]) -> Sequence[str]:
    """These engines or functions; raises InputError where one is named twice."""
    if len(set(names)) < len(names):
        raise InputError(f"{'functions' if all_functions(names) else 'engines'} {', '.join(names)}: name each one once")
    return names


def all_functions(names: Sequence[str]) -> bool:
    """Whether these arms are functions of the project: they have sizes, and no outputs."""
    return all(map(names_function, names))


def names_function(arm: str) -> bool:
    """Whether an arm is a function of the project, or its Jacobian: only their names have a colon."""
    return ":" in arm


def is_function(text: str) -> bool:
    """Whether it is written as MODULE:FUNCTION or FILE.py:FUNCTION; the function's name may have dots."""
    where, _, function = text.rpartition(":")
    importable = "." not in PurePath(where).stem if where.endswith(".py") else _is_dotted(where)
    return importable and _is_dotted(function)


def beside(where: str, function: str) -> str:
    """The function as MODULE:FUNCTION; one that names no module is in `where`."""
    return function if ":" in function else f"{where}:{function}"


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))
