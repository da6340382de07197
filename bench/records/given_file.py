"""Reads files of unknown origin: written by another system's editor, cut off by a crash, or not files at all.

`opened` and `content` raise an OSError whose `strerror` says what is wrong, even where the system would have opened
them: each reader adds what to do, as for any file that cannot be read.
"""

import errno
import io
import os
import re
import stat
import tomllib
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from select import select
from typing import Any, BinaryIO

from pydantic import ValidationError

from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError, shown, unknown

_PATIENCE = 3.0
"""Seconds to wait until the other end of a named pipe is opened."""

_LARGEST = 2**26
"""The largest file that is read as a whole, in bytes: a baseline of some hundred thousand arms."""

_LARGEST_TOML = 2**20

_NO_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
"""The flags of POSIX for files that may be pipes or terminals."""

_UTF_8 = b"\xef\xbb\xbf"

_OTHERS = {
    b"\x1f\x8b": "it is compressed by gzip: unpack it first",
    b"\x28\xb5\x2f\xfd": "it is compressed by zstd: unpack it first",
    b"\xfd7zX": "it is compressed by xz: unpack it first",
    b"BZh": "it is compressed by bzip2: unpack it first",
    b"PK\x03\x04": "it is a zip archive: unpack it first",
}

_WIDE = re.compile(rb"\xff\xfe|\xfe\xff|[^\0]\0[^\0]\0|\0[^\0]\0[^\0]")
"""The first bytes of UTF-16 and UTF-32: a byte-order mark, or ASCII with zero bytes between the letters."""


def start_of_text(begin: bytes) -> int:
    """The offset of the text in a file with these first four bytes: after a byte-order mark of UTF-8.

    Raises OSError unless it is text in UTF-8.
    """
    for mark, what in _OTHERS.items():
        if begin.startswith(mark):
            raise OSError(errno.EINVAL, what)
    if _WIDE.match(begin):
        raise OSError(errno.EINVAL, "it is UTF-16, which PowerShell writes with `>`: save it as UTF-8")
    return len(_UTF_8) if begin.startswith(_UTF_8) else 0


def opened(path: Path, *, text: bool = True) -> BinaryIO:
    """Opens the file at the first byte of its text; raises OSError. A pipe without a writer does not hang it."""
    with ExitStack() as unless_done:
        raw = io.FileIO(str(path), opener=lambda path, flags: os.open(path, flags | _NO_WAIT))
        stream = unless_done.enter_context(io.BufferedReader(raw, 2**18))
        mode = os.fstat(stream.fileno()).st_mode
        if stat.S_ISFIFO(mode):
            _await_writer(stream.fileno())
        if not stat.S_ISREG(mode):
            os.set_blocking(stream.fileno(), True)
        stream.read(start_of_text(stream.peek(4)[:4]) if text else 0)
        unless_done.pop_all()
    return stream


def content(path: Path, most: int = _LARGEST) -> bytes:
    """The whole text, without a byte-order mark; raises OSError, also for a file of more than `most` bytes."""
    with opened(path) as stream:
        text = stream.read(most + 1)
    if len(text) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes")
    return text


def toml_of(path: Path, *, name: str, advice: str) -> dict[str, Json]:
    """The table that the file holds; raises InputError that calls it `name`, with `advice` if it cannot be read."""
    try:
        return tomllib.loads(content(path, _LARGEST_TOML).decode("utf-8"))
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}; {advice}") from None
    except (ValueError, RecursionError) as error:  # errors of TOML, of its encoding, and of absurd numbers and depths
        raise InputError(f"{name} is not TOML: {str(error).splitlines()[0]}") from None


def explained(errors: ValidationError, *, kind: str, known: Iterable[str], named: bool = False) -> str:
    """The first error in one line: what was given and what is allowed; `kind` and `known`: of the allowed keys.

    `named`: name the key even in our own errors, which already say what was given.
    """
    error: Any = errors.errors()[0]
    field = ".".join(str(part) for part in error["loc"][:2])
    cause = error.get("ctx", {}).get("error")
    if isinstance(cause, InputError):
        return f"{field}: {cause}" if named and field else str(cause)
    if error["type"] == "extra_forbidden":
        return str(unknown(kind, field, known))
    if error["type"] == "too_short":
        return f"{field}: give at least one"
    said = error["msg"].removeprefix("Value error, ")
    return f"{field} = {shown(error['input'])}: {said[0].lower()}{said[1:]}"


def _await_writer(pipe: int) -> None:
    """Wait until the other end of a pipe is opened; after that, the writer may take any time, as with `cat`."""
    if select([pipe], [], [], _PATIENCE)[0]:
        return
    try:
        os.read(pipe, 1)
    except BlockingIOError:
        return
    raise OSError(errno.ENODATA, "it is a pipe into which nothing writes")
