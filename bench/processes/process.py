"""Worker processes: started in a group that ends together, read line by line in time, and how each one ended."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic

from fwdrev.bench.processes.child import end, ending, heard, signals_wait
from fwdrev.bench.records.observation import Status
from fwdrev.bench.records.reasons import means_memory, one_line
from fwdrev.bench.workers.protocol import Request

__all__ = ["PROGRAM", "Ended", "Team", "last_lines", "lines_of"]

PROGRAM = ("-m", "fwdrev.bench.workers.sweep_worker")
"""What Python is to run."""

_TAIL = 400
"""Lines of a log in which the last words of a process are looked for; XLA ends with a long list of calls."""

_TAIL_BYTES = 1 << 18
"""That are read of a log, which may be of any size."""


class Ended:
    """How a worker ended: by itself with an exit code, by a signal, or because it was late."""

    def __init__(self, log: Path) -> None:
        """It has not ended yet; `log` is where its standard error goes."""
        self.log = log
        self.late = False
        self.code = 0

    @property
    def status(self) -> Status:
        """What it means for the arm that was running."""
        if self.late:
            return Status.TIMED_OUT
        return Status.OUT_OF_MEMORY if means_memory("\n".join(self._last_lines())) else Status.CRASHED

    @property
    def told(self) -> str:
        """In words, with what it wrote last."""
        lines = self._last_lines()
        said = next((line for line in reversed(lines) if means_memory(line)), None)
        if said is None:
            how = ending(self.code)
            how += ", which the kernel sends when memory runs out" if self.code == -signal.SIGKILL else ""
            said = f"the worker process ended with {how}" + (f": {lines[-1]}" if lines and self.code > 0 else "")
        return one_line(said)

    def _last_lines(self) -> list[str]:
        return last_lines(self.log, _TAIL)


def last_lines(path: Path, lines: int) -> list[str]:
    """At most so many of a text that may be larger than memory; none where there is no such file."""
    try:
        with path.open("rb") as stream:
            size = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, size - _TAIL_BYTES))
            text = stream.read(_TAIL_BYTES)
    except OSError:
        return []
    return text.decode(errors="replace").strip().splitlines()[-lines:]


class Team:
    """The workers of one pass, so that all of them end with it and none is started afterwards."""

    def __init__(self) -> None:
        """Nobody works yet."""
        self.stopped = False
        self._workers: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()

    @contextmanager
    def member(
        self, request: Request, environment: Mapping[str, str], log: Path
    ) -> Iterator[subprocess.Popen[bytes] | None]:
        """A worker that has its request and is gone after the block; None if the pass is over."""
        worker: subprocess.Popen[bytes] | None = None
        try:
            with self._lock, signals_wait():
                worker = None if self.stopped else _started(request, environment, log)
                if worker is not None:
                    self._workers.add(worker)
            yield worker
        finally:
            if worker is not None:
                with signals_wait():
                    with self._lock:
                        self._workers.discard(worker)
                    end(worker)

    def stop(self) -> None:
        """Kill whoever still runs."""
        with self._lock:
            self.stopped = True
            for worker in self._workers:  # each is waited for where it was started
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(worker.pid, signal.SIGKILL)


def lines_of(worker: subprocess.Popen[bytes], ended: Ended, *, first: float, each: float) -> Iterator[str]:
    """Its whole lines, as they come; the first within `first` seconds, the others within `each`. Then, how it ended."""
    ended.late, ended.code = False, 0
    torn, deadline = b"", monotonic() + first
    while chunk := heard(worker, deadline, ended.log):
        *lines, torn = (torn + chunk).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace")
        if lines:
            deadline = monotonic() + each
    ended.late, ended.code = chunk is None, worker.returncode or 0


def _started(request: Request, environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """A new session of its own, so that Ctrl-C reaches us and not the worker."""
    with log.open("ab") as stream:
        worker = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-P", *PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            env=dict(environment),
            start_new_session=True,
        )
    if worker.stdin is not None:
        with suppress(BrokenPipeError):  # a worker that is gone already has crashed
            worker.stdin.write(json.dumps(dataclasses.asdict(request)).encode() + b"\n")
            worker.stdin.flush()
    return worker
