"""Faults of the surroundings: a full disk, no more processes, a worker killed from outside.

    with needed("start workers"):       # an OSError of ours becomes one line that says what to do
        ...
    check_end(ended, folder, arm)       # raises where a worker ended for no reason of its own

None of them is an engine's fault. So the journal blames no engine: the sweep ends and can be resumed.
"""

import os
import re
import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fwdrev.bench.processes.ended import Ended, ending
from fwdrev.bench.records.reasons import REMEDIES, lack, means_memory, needed, one_line
from fwdrev.modes.errors import SurroundingsError

_FROM_OUTSIDE = {
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
    signal.SIGXFSZ,
}
"""The signals by which an operator, a batch system or a shell's limit ends a process. The kernel sends SIGKILL when
memory runs out, and the other signals come from the process's own faults."""

_OF_PYPERF = re.compile(r"failed with exit code -(\d+)$")
"""The words of pyperf's manager for a worker killed by a signal."""

_OURS = f"{SurroundingsError.__name__}: "
"""The prefix of an error that a worker itself attributes to the surroundings."""

_OS_ERROR = re.compile(r"\w+Error: \[Errno \d+\] ")
"""The start of a traceback's last line when the system refused something."""

_XLA_SETTINGS = ("parse_flags_from_env", "Unknown flag in XLA_FLAGS")
"""The message with which XLA aborts because it cannot read its settings."""

_LOG_PREFIX = re.compile(r"^[EF]\d{4} .*?\] ")
"""The prefix of XLA's log lines: date, time and source line."""

_SUSPECTS = ("XLA_FLAGS", "PYTHONPATH", "PYTHONHOME", "LD_PRELOAD", "LD_LIBRARY_PATH")
"""Variables that can prevent our processes from starting properly."""

_LONGEST = 250
"""The most letters of a quotation, since advice follows it."""

_ROOM = 1 << 20
"""The free bytes that the folder of a sweep needs: for a worker's ledger, its log and a reference."""


def check_start(ended: Ended, folder: Path) -> None:
    """Raise SurroundingsError: a worker that never became ready has not begun with any engine."""
    check_end(ended, folder, None)
    how = "it was not ready in time" if ended.late else f"it ended with {ending(ended.code)}"
    told = one_line(f"{how}: {ended.lines[-1]}" if ended.lines else how)[:_LONGEST]
    suspects = [name for name in _SUSPECTS if name in os.environ]
    hint = f"look at {', '.join(suspects)} in the environment, and " if suspects else ""
    raise SurroundingsError(f"a worker process cannot start: {told}; {hint}try `fwdrev doctor`")


def check_end(ended: Ended, folder: Path, arm: str | None) -> None:
    """Raise SurroundingsError if the surroundings ended a worker; `arm` was running in it, or None.

    Its last words may be lost if the disk is full, so this checks the disk, too.
    """
    if ended.late:
        return
    told = _OF_PYPERF.search(ended.lines[-1]) if ended.lines else None  # its manager reports its worker's end
    number = int(told[1]) if told else max(0, -ended.code)
    if number in _FROM_OUTSIDE:
        raise SurroundingsError(f"a worker process was ended from outside, with {ending(-number)}")
    if not means_memory("\n".join(ended.lines)):
        _check_words(ended.lines, arm)
    with needed(f"write to {folder}"), tempfile.TemporaryFile(dir=folder) as stream:
        stream.write(bytes(_ROOM))
        stream.flush()
        os.fsync(stream.fileno())


def _check_words(lines: Sequence[str], arm: str | None) -> None:
    during = f"a worker process failed while it ran {arm}" if arm else "a worker process failed"
    for line in reversed(lines):
        told = one_line(line.partition(_OURS)[2] or line)[:_LONGEST]
        if _OURS in line:
            raise SurroundingsError(told)
        if any(words in line for words in _XLA_SETTINGS):
            told = _LOG_PREFIX.sub("", told)
            raise SurroundingsError(f"XLA cannot read its settings: {told}; correct XLA_FLAGS, or unset it")
        if (number := lack(line)) is not None:
            raise SurroundingsError(f"{during}: {told}; {REMEDIES[number]}")
    if arm is None and lines and _OS_ERROR.match(lines[-1]):
        raise SurroundingsError(f"{during}: {one_line(lines[-1])[:_LONGEST]}")
