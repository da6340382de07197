"""The last words of an engine or of a process: in one line, and whether they say what there was too little of."""

import errno

__all__ = ["lack", "means_memory", "one_line"]

_LONGEST = 500
"""Letters: an exception may say anything, a journal line should stay readable."""

_NO_MEMORY = (
    "MemoryError",
    "RESOURCE_EXHAUSTED",
    "bad_alloc",
    "Out of memory",
    "out of memory",
    "Cannot allocate memory",
    "Memory allocation still failed",
)
"""How Python, XLA, C++, the system and OpenBLAS say that there is no more."""

_LACKS = {
    "No space left on device": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "File too large": errno.EFBIG,
    "Input/output error": errno.EIO,
    "Too many open files in system": errno.ENFILE,
    "Resource temporarily unavailable": errno.EAGAIN,
    "can't start new thread": errno.EAGAIN,
}
"""How the system and Python say that there is too little of something, whatever the engine."""


def one_line(text: str) -> str:
    """Any text, as a reason."""
    return " ".join(text.split())[:_LONGEST]


def means_memory(text: str) -> bool:
    """Whether an error says that there was no memory."""
    return any(words in text for words in _NO_MEMORY)


def lack(text: str) -> int | None:
    """The number of the OSError for what an error says there is too little of; None if it does not say so."""
    return next((number for words, number in _LACKS.items() if words in text), None)
