"""The last words of an engine or of a process: in one line, and whether they say that there was no memory."""

__all__ = ["means_memory", "one_line"]

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


def one_line(text: str) -> str:
    """Any text, as a reason."""
    return " ".join(text.split())[:_LONGEST]


def means_memory(text: str) -> bool:
    """Whether an error says that there was no memory."""
    return any(words in text for words in _NO_MEMORY)
