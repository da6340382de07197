"""How an exception, or the last words of a process, are recorded: there was no memory, or something else failed."""

from fwdrev.bench.cell import ArmResult, Status

__all__ = ["failure", "means_memory"]

_LONGEST_REASON = 500
"""Letters: an exception may say anything, a journal line should stay readable."""

_NO_MEMORY = ("MemoryError", "RESOURCE_EXHAUSTED", "bad_alloc", "Out of memory", "Cannot allocate memory")
"""How Python, XLA, C++ and the system say that there is no more."""


def failure(error: BaseException) -> ArmResult:
    """How an exception is recorded."""
    told = " ".join(f"{type(error).__name__}: {error}".split())
    status = Status.OUT_OF_MEMORY if means_memory(told) else Status.FAILED
    return ArmResult(status=status, reason=told[:_LONGEST_REASON])


def means_memory(text: str) -> bool:
    """Whether an error says that there was no memory."""
    return any(words in text for words in _NO_MEMORY)
