"""Standard input, output and error as the command needs them: there, and never a reason to fail.

    secure()                   # first thing of all
    print("10 → 12")           # lost where nothing reads it or the disk is full, "10 -> 12" in ASCII, never an error
    lost(sys.stdout)           # why it was lost, or None

What cannot be written must not change an exit code. Python itself ends with 120 if it cannot flush its streams.
"""

import codecs
import errno
import io
import os
import select
import sys
from typing import Any, TextIO

_HANDLER = "fwdrev.plain"

_LETTERS = (
    "→-> ←<- ·* ×x ÷/ ±+- –- …... ≤<= ≥>= ≈~ µu √sqrt ²^2 ³^3 ᵀ^T ½1/2 │| ‖|| "
    "αalpha θtheta ρrho σsigma ΘTheta ΣSigma ΔDelta"
)
"""Ours, each with what is written in an encoding that lacks it; any other letter is shown by its number."""

_PLAIN = {pair[0]: pair[1:] for pair in _LETTERS.split()}

_MEANT = {errno.EPIPE, errno.EBADF}
"""How writing fails when the reader has left or the stream was closed on purpose: no reason to say anything."""


def secure() -> None:
    """Open what is closed, so that no pipe of ours becomes standard input; then let standard streams lose text.

    Streams that another program put in place of Python's own, such as pytest's, stay as they are.
    """
    codecs.register_error(_HANDLER, _in_plain_letters)
    closed = _open_closed()
    if sys.stdin is None:
        sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor, which stays open
    for number, name in ((1, "stdout"), (2, "stderr")):
        if getattr(sys, name) is getattr(sys, f"__{name}__"):
            setattr(sys, name, _stream(getattr(sys, name), number, closed=number in closed))


def lost(stream: object) -> OSError | None:
    """Why text for this stream was lost, if any was."""
    raw = getattr(stream, "buffer", None)
    return raw.lost if isinstance(raw, _Descriptor) else None


def settle(*, say: bool) -> None:
    """Write what is left in the buffers; `say` if an answer was lost to more than a reader that had enough."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    why = lost(sys.stdout)
    if say and why is not None and why.errno not in _MEANT:
        print(f"fwdrev: standard output was lost: {why.strerror}", file=sys.stderr, flush=True)


def drop() -> None:
    """Write no more: waiting for a reader that does not read would keep an interrupted command from ending."""
    for stream in (sys.stdout, sys.stderr):
        raw = getattr(stream, "buffer", None)
        if isinstance(raw, _Descriptor):
            raw.lost = raw.lost or OSError(errno.EPIPE, os.strerror(errno.EPIPE))


class _Descriptor(io.FileIO):
    """Takes whatever is written; what cannot be passed on is lost, and so is all that comes after it."""

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - a buffer, a type that Python 3.11 has no name for
        """All of it, also where the descriptor does not wait (another program that shares it may have set that)."""
        left = memoryview(data).cast("B")
        size = len(left)
        while left and self.lost is None:
            try:
                written = super().write(left)
                if written is None:
                    select.select([], [self], [])
                else:
                    left = left[written:]
            except OSError as error:
                self.lost = error
        return size


def _open_closed() -> list[int]:
    """Those of 0, 1, 2 that were closed; they lead to /dev/null now, also for processes that we start."""
    closed = []
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # noqa: FBT003 - it gets the lowest number
            closed.append(number)
    return closed


def _stream(old: TextIO | None, number: int, *, closed: bool) -> io.TextIOWrapper:
    """The same descriptor and encoding; no buffer of bytes, which would write a line again that a signal interrupts."""
    raw = _Descriptor(number, "w", closefd=False)
    if closed:
        raw.lost = OSError(errno.EBADF, "it is closed")
    return io.TextIOWrapper(
        raw,  # as Python does it with -u
        encoding=getattr(old, "encoding", "utf-8"),
        errors=_HANDLER,
        line_buffering=number != 1 or raw.isatty(),
    )


def _in_plain_letters(error: UnicodeError) -> tuple[str, int]:
    """What is written instead: `->`, or the number of a letter, also of a byte that is no letter in a file's name."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    return "".join(_PLAIN.get(one) or one.encode("ascii", "backslashreplace").decode() for one in letters), error.end
