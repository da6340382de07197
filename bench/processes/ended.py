"""Describes how a child process ended, with the last lines that it wrote."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fwdrev.bench.records.observation import Status
from fwdrev.bench.records.reasons import means_memory, one_line

LARGEST_OUTPUT = 1 << 28
"""The most bytes of one answer; a process that writes more is killed."""

TAIL = 400
"""The number of last lines to search for a process's last words; XLA ends with a long list of calls."""

TAIL_BYTES = 1 << 18
"""The bytes to read from the end of a log, which may be of any size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The end of a process: by an exit code, by a signal (minus its number), by a time limit or by writing too much.

    `lines`: the last ones that it wrote to standard error.
    """

    code: int = 0
    late: bool = False
    flooding: bool = False
    lines: Sequence[str] = ()

    @property
    def status(self) -> Status:
        """The status that this end gives the arm that was running."""
        if self.late:
            return Status.TIMED_OUT
        return Status.OUT_OF_MEMORY if means_memory("\n".join(self.lines)) else Status.CRASHED

    def told_after(self, timeout: float) -> str:
        """The end in words, given the seconds that the process had to answer."""
        return f"no answer within {timeout:g} s" if self.late else self.told

    @property
    def told(self) -> str:
        """The end in words, with the process's last line."""
        said = next((line for line in reversed(self.lines) if means_memory(line)), None)
        if said is None and self.flooding:
            said = f"the worker process wrote more than {LARGEST_OUTPUT >> 20} MiB in one answer"
        elif said is None:
            how = ending(self.code)
            how += ", which the kernel sends when memory runs out" if self.code == -signal.SIGKILL else ""
            last = f": {self.lines[-1]}" if self.lines and self.code > 0 else ""
            said = f"the worker process ended with {how}{last}"
        return one_line(said)


def ending(code: int) -> str:
    """An exit code in words, or the signal; real-time signals have numbers only."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def last_lines(path: Path) -> list[str]:
    """The last lines of a log, which may be larger than memory; none if there is no such file."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - TAIL_BYTES))
            text = stream.read(TAIL_BYTES)
    except OSError:
        return []
    return text.decode(errors="replace").strip().splitlines()[-TAIL:]
