"""Questions that a fresh process answers: it is started, heard and, whatever happens meanwhile, ended."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Answer", "ask", "signals_wait", "worker_settings"]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that the command answers by ending."""


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
            _end(child)


def worker_settings() -> dict[str, str]:
    """The environment of a sweep's worker by default: one thread."""
    from fwdrev.bench.environment import worker_environment
    from fwdrev.bench.spec import SweepSpec

    return worker_environment(SweepSpec(), Path(os.devnull))  # no folder: nothing is compiled


def _heard(child: subprocess.Popen[str], timeout: float) -> Answer:
    try:
        text, errors = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        return Answer(text="", problem=f"no answer in {timeout:g} s")
    return Answer(text=text, problem=_problem(child.returncode, errors))


def _end(child: subprocess.Popen[str]) -> None:
    """Unless it has ended already; its group is what it has started itself."""
    with child:
        if child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)


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
    if code < 0:
        return f"ended with signal {signal.Signals(-code).name}"
    lines = errors.strip().splitlines()
    return lines[-1] if lines else f"ended with exit code {code}"
