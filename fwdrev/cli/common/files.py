"""Files that a command writes as its answer, each whole or not at all; a refusal is one line."""

import sys
from pathlib import Path

from fwdrev.bench.records.whole_file import obstacle, taken, write_whole
from fwdrev.cli.common.streams import lost
from fwdrev.modes.errors import InputError


def check_place(path: Path, *, new: bool = False) -> None:
    """Raises InputError where no file can be made, or with `new` where one is there: before anything is computed."""
    if why := obstacle(path):
        raise unwritable(path, why)
    if new and taken(path):
        raise _taken(path)


def write(path: Path, content: str | bytes, *, new: bool = False) -> None:
    """Writes or replaces it; raises InputError as `check_place` does."""
    try:
        write_whole(path, content, new=new)
    except FileExistsError:
        raise _taken(path) from None
    except OSError as error:
        raise unwritable(path, str(error.strerror)) from None


def written_out(text: str) -> None:
    """Write an answer that is a file, in the bytes of that file; raises InputError if it could not all be written.

    A reader that leaves had enough.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.flush()
    why = lost(sys.stdout)
    if why is not None and not isinstance(why, BrokenPipeError):
        raise InputError(f"cannot write standard output: {why.strerror}; give --out a file that can be written")


def unwritable(path: Path, why: str) -> InputError:
    """The error for a place of --out."""
    return InputError(f"cannot write {path}: {why}; give --out a file that can be written")


def _taken(path: Path) -> InputError:
    return InputError(f"{path} exists already: give --out a new file, or remove this one")
