"""Files with a chain of factors for Naumann's problem: only sizes and edges.

3            the number of factors
3 3 29       m n edges of each, from input to output
1 3 14
2 1 7
"""

import sys
from itertools import pairwise
from pathlib import Path

from fwdrev.bench.records.given_file import opened, start_of_text
from fwdrev.modes.errors import InputError

Factor = tuple[int, int, int]
"""A factor: (m, n, edges)."""

_MOST_FACTORS = 300
"""The most factors: with 300, the search takes some seconds; it grows with the cube."""

_MOST_DIGITS = 200
"""The most digits of a number: results have three times as many, and Python may refuse to write more than 640."""

_MOST_BYTES = 3 * _MOST_FACTORS * (_MOST_DIGITS + 2)
"""The most bytes to read: roughly a file of the longest numbers."""

_FACTOR = "write `m n edges`, sizes of 1 or more and edges of 0 or more"

Line = tuple[str, str]
"""A line: its place, for a message, and its text."""


def read_factors(path: Path) -> list[Factor]:
    """Reads the factors in a file, or in standard input for `-`; raises InputError that names the wrong line."""
    lines = _lines(path)
    if not lines:
        raise InputError(f"{path} is empty: write the number of factors, then `m n edges` for each, one per line")
    where, text = lines[0]
    how = f"write the number of factors first, from 1 to {_MOST_FACTORS}"
    (count,) = _numbers(lines[0], 1, how)
    if not 1 <= count <= _MOST_FACTORS:
        raise InputError(f"{where}: {_short(text)} factors: {how}")
    if len(lines) - 1 != count:
        raise InputError(f"{where}: {count} factors are announced, {len(lines) - 1} lines follow: make the two equal")
    factors = [_factor(line) for line in lines[1:]]
    for (before, (m, _, _)), (where, (_, n, _)) in pairwise(zip((at for at, _ in lines[1:]), factors, strict=True)):
        if m != n:
            msg = f"{where}: n = {_short(n)}, but {before.rpartition(', ')[2]} has m = {_short(m)}: make the two equal"
            raise InputError(msg)
    return factors


def _lines(path: Path) -> list[Line]:
    """The non-blank lines, each with its number in the file."""
    try:
        if str(path) == "-":
            given = sys.stdin.buffer.read(_MOST_BYTES + 1)
            given = given[start_of_text(given[:4]) :]
        else:
            with opened(path) as stream:
                given = stream.read(_MOST_BYTES + 1)
        text = given.decode("utf-8")
    except OSError as error:
        raise InputError(f"factors {path}: {error.strerror}; give the path of a text file") from None
    except UnicodeDecodeError:
        msg = f"{path} is not text: write the number of factors, then `m n edges` for each, one per line"
        raise InputError(msg) from None
    if len(given) > _MOST_BYTES:
        msg = f"{path} has more than {_MOST_BYTES} bytes: give at most {_MOST_FACTORS} factors, one per line"
        raise InputError(msg)
    numbered = enumerate(text.splitlines(), 1)
    return [(f"{path}, line {number}", line.strip()) for number, line in numbered if line.strip()]


def _factor(line: Line) -> Factor:
    where, text = line
    m, n, edges = _numbers(line, 3, _FACTOR)
    if m < 1 or n < 1:
        raise InputError(f"{where}: {_short(text)!r} has a size of 0: {_FACTOR}")
    return m, n, edges


def _numbers(line: Line, how_many: int, how: str) -> list[int]:
    """The whole numbers of 0 or more in a line, `count` of them."""
    where, text = line
    words = text.split()
    if len(words) != how_many:
        raise InputError(f"{where}: {_short(text)!r} has {len(words)} entries, not {how_many}: {how}")
    for word in words:
        if not (word.isascii() and word.isdigit()):
            wrong = "negative" if word[0] == "-" and word[1:].isdigit() else "not a whole number"
            raise InputError(f"{where}: {_short(word)!r} is {wrong}: {how}")
        if len(word) > _MOST_DIGITS:
            msg = f"{where}: {_short(word)!r} has {len(word)} digits: {how}, of at most {_MOST_DIGITS} digits"
            raise InputError(msg)
    return [int(word) for word in words]


def _short(given: object) -> str:
    """A text of any length, cut for a message."""
    longest, text = 40, str(given)
    return text if len(text) <= longest else f"{text[:longest]}…"
