"""Turns the last words of an engine or a process into one line, and finds out which resource they lack."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from fwdrev.modes.errors import SurroundingsError

_LONGEST = 500
"""The most letters of a reason: an exception's text may be long, and a journal line should stay readable."""

_NO_MEMORY = (
    "MemoryError",
    "RESOURCE_EXHAUSTED",
    "bad_alloc",
    "Out of memory",
    "out of memory",
    "Cannot allocate memory",
    "Memory allocation still failed",
)
"""How Python, XLA, C++, the system and OpenBLAS report that memory has run out."""

_LACKS = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Input/output error": errno.EIO,
    "Too many open files in system": errno.ENFILE,
    "Resource temporarily unavailable": errno.EAGAIN,
    "can't start new thread": errno.EAGAIN,
}
"""How the system and Python report a lack of something that is not the engine's fault."""


def one_line(text: str) -> str:
    """Any text as a reason: one line, shortened."""
    return " ".join(text.split())[:_LONGEST]


def means_memory(text: str) -> bool:
    """Whether an error says that there was no memory."""
    return any(words in text for words in _NO_MEMORY)


def lack(text: str) -> int | None:
    """The errno for the resource that an error reports as lacking; None if it reports none."""
    return next((number for words, number in _LACKS.items() if words in text), None)


REMEDIES = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room within your quota",
    errno.EFBIG: "allow larger files (ulimit -f)",
    errno.EROFS: "use a folder on a disk that can be written",
    errno.EIO: "look at that disk",
    errno.EMFILE: "allow more open files (ulimit -n)",
    errno.ENFILE: "close files of other programs",
    errno.EAGAIN: "end other processes, or allow more of them (ulimit -u)",
    errno.ENOMEM: "end other programs, which take the memory",
}
"""Advice, by errno."""


@contextmanager
def needed(what: str) -> Iterator[None]:
    """Turns an OSError in a block that runs no engine into a SurroundingsError: `cannot WHAT: …`."""
    try:
        yield
    except OSError as error:
        file = f": {error.filename}" if error.filename and str(error.filename) not in what else ""
        remedy = f"; {REMEDIES[error.errno]}" if error.errno in REMEDIES else ""
        raise SurroundingsError(f"cannot {what}: {error.strerror or error}{file}{remedy}") from None
