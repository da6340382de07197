"""Default names of runs and records: the date, with a number if several begin in one second."""

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from fwdrev.bench.records.whole_file import taken
from fwdrev.modes.errors import InputError

_LONGEST = 40


def claimed_folder(parent: Path, name: str) -> Path:
    """Makes a new, empty folder, claimed by this process; raises InputError if it cannot."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for folder in _numbered(parent / name):
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        msg = f"cannot write to {parent / name}: {error.strerror}; give --out a folder that can be written"
        raise InputError(msg) from None
    raise AssertionError  # unreachable: there is always a next number


def free_file(path: Path) -> Path:
    """The first free one of its numbered names."""
    return next(each for each in _numbered(path) if not taken(each))


def as_file_name(text: str) -> str:
    """The text with a hyphen for all that a file's name should not have; at most 40 letters."""
    return re.sub(r"[^\w.-]+", "-", text)[:_LONGEST].strip("-.") or "unknown"


def _numbered(path: Path) -> Iterator[Path]:
    """Yields `name.txt`, then `name-2.txt`, `name-3.txt` and so on."""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")
