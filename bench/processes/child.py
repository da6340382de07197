"""Questions that a fresh process answers: it is started, heard and, whatever happens meanwhile, ended."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from time import monotonic
from typing import Any, NoReturn, TextIO

__all__ = ["Answer", "ask", "end", "end_here", "ending", "heard", "own_streams", "signals_wait"]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that the command answers by ending."""

_GLANCE = 1.0
"""Seconds after which we look whether a silent process is still there: what it has started may hold its pipes open."""

_LARGEST_LOG = 1 << 26
"""Bytes of a log, beyond which it begins anew, with the end of what it had."""

_KEPT = 1 << 14
"""Bytes of that end."""

_GONE = 10.0
"""Seconds that a killed process is waited for: one that hangs in the kernel goes later, and without us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a process wrote to standard output; `problem` says in one line why that may be nothing, or is None."""

    text: str
    problem: str | None


def ask(arguments: Sequence[str], environment: Mapping[str, str], timeout: float) -> Answer:
    """Run Python with these arguments, for at most `timeout` seconds.

    The process has a session of its own, so that Ctrl-C reaches us and not it. When waiting for it is given up, for
    whatever reason, it goes, and with it all that it started.
    """
    child: subprocess.Popen[str] | None = None
    try:
        with signals_wait():
            child = subprocess.Popen(  # noqa: S603 - our own Python, and arguments that we wrote
                [sys.executable, "-P", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                env=dict(environment),
                start_new_session=True,
            )
        return _heard(child, timeout)
    finally:
        if child is not None:
            end(child)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process that leads a session of its own, and what it has started, unless that has left its group.

    Also where the process has ended by itself: what it has started may be there still.
    """
    with suppress(ProcessLookupError, PermissionError):  # nothing is left; macOS denies it where only zombies are
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_GONE)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(OSError):  # nothing reads what could not be written
                pipe.close()


def heard(process: subprocess.Popen[bytes], deadline: float, log: Path) -> bytes | None:
    """What it writes next to standard output; empty where it has ended, None where it is late (`time.monotonic`).

    Meanwhile its standard error, which is appended to `log`, does not fill the disk.
    """
    pipe = process.stdout
    while pipe is not None:
        _bound(log)
        gone, left = process.poll() is not None, deadline - monotonic()
        if wait([pipe.fileno()], 0 if gone else max(0.0, min(left, _GLANCE))):
            chunk = os.read(pipe.fileno(), 1 << 16)
            return chunk if chunk or _gone(process, deadline) else None
        if gone:
            break
        if left <= 0:
            return None
    return b""


def _bound(log: Path) -> None:
    """Only the end of a log that is too large stays: it may be the last that a process says."""
    with suppress(OSError):
        if log.stat().st_size > _LARGEST_LOG:
            with log.open("r+b") as file:
                file.seek(-_KEPT, os.SEEK_END)
                last = file.read()
                file.truncate(0)
            with log.open("ab") as file:
                file.write(last)


def own_streams() -> tuple[TextIO, TextIO]:
    """The questions to this process and its answers, which from now on nothing else here can take for its own.

    What is measured finds standard input at its end, where a debugger would wait for us or take our lines; what it
    prints goes to standard error.
    """
    questions, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    return questions, answers


def end_here() -> NoReturn:
    """End this process, since the command is gone, and what it has started if that is a group of its own."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def ending(code: int) -> str:
    """An exit code in words, or the signal; those for real-time programs have numbers only."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def _heard(child: subprocess.Popen[str], timeout: float) -> Answer:
    """What it says until it ends: not until all that it has started does, which may hold its pipes open for ever."""
    deadline, gone = monotonic() + timeout, False
    while True:
        try:
            left = _GLANCE if gone else max(0.0, min(_GLANCE, deadline - monotonic()))
            text, errors = child.communicate(timeout=left)
        except subprocess.TimeoutExpired as late:
            if gone:
                text, errors = (bytes(each or b"").decode(errors="replace") for each in (late.output, late.stderr))
            elif child.poll() is None and monotonic() >= deadline:
                return Answer(text="", problem=f"no answer in {timeout:g} s")
            else:
                gone = child.returncode is not None
                continue
        return Answer(text=text, problem=_problem(child.returncode, errors))


def _gone(process: subprocess.Popen[bytes], deadline: float) -> bool:
    """Whether it ends in time: one that writes no more may still wait for its threads."""
    try:
        process.wait(max(0.0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


@contextmanager
def signals_wait() -> Iterator[None]:
    """Until the block is over: whoever is interrupted while he starts a process does not know whom to end."""
    if threading.current_thread() is not threading.main_thread():  # only that one is ever interrupted
        yield
        return
    came: list[int] = []
    handlers = {number: signal.signal(number, lambda number, _: came.append(number)) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        for one in came:
            signal.raise_signal(one)


def _problem(code: int, errors: str) -> str | None:
    """None where all went well, otherwise the signal, or the last line of standard error."""
    if code == 0:
        return None
    lines = errors.strip().splitlines()
    return lines[-1] if lines and code > 0 else f"ended with {ending(code)}"
