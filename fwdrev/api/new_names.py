"""Names of runs and records that were given none: the date's, numbered where several begin in one second."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from fwdrev.bench.records.whole_file import taken
from fwdrev.modes.errors import InputError


def claimed_folder(parent: Path, name: str) -> Path:
    """A new, empty folder, made by this process and no other; raises InputError where none can be made."""
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
    raise AssertionError  # there is always a next number


def free_file(path: Path) -> Path:
    """The first of its numbered names that is free."""
    return next(each for each in _numbered(path) if not taken(each))


def _numbered(path: Path) -> Iterator[Path]:
    """Yields `name.txt`, then `name-2.txt`, `name-3.txt` and so on."""
    yield path
    for number in count(2):
        yield path.with_name(f"{path.stem}-{number}{path.suffix}")
