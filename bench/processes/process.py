"""Child processes: each starts in its own session, is read within a time limit, and ends with all its children.

    with Team().started(["-m", "package.worker"], os.environ, log=folder / "log") as child:
        child.send({"do": "start"})              # one line of JSON to its standard input
        line = child.line(60.0)                  # one line from its standard output; None where it has ended or is late
        child.ended.told                         # why, in words, with its last line

Nothing here runs in a thread: errors are raised where a child is started or read.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from fwdrev.bench.processes.ended import LARGEST_OUTPUT, TAIL, TAIL_BYTES, Ended, ending, last_lines
from fwdrev.bench.processes.inside import ALIVE
from fwdrev.bench.processes.signals import signals_deferred
from fwdrev.modes.core.data import Json

_GLANCE = 1.0
"""The seconds between checks that a silent process still lives, since its children may hold its pipes open."""

_GONE = 10.0
"""The seconds to wait for a killed process; one that hangs in the kernel ends later, without us."""

_LARGEST_LOG = 1 << 26
"""The most bytes of a log; a longer one starts again, with the end of its old content."""

_KEPT = 1 << 14
"""The bytes of that end."""


class StoppedError(Exception):
    """The team of this process was stopped."""


class ChildProcess:
    """Python with these arguments, in its own session, so that Ctrl-C reaches us and not the child.

    `log`: the file that collects its standard error; without one, memory holds only the end of it.
    `folder`: its working directory. Without `commands`, its standard input is empty.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        log: Path | None = None,
        folder: Path | None = None,
        commands: bool = True,
    ) -> None:
        """Starts the process; raises OSError if it cannot. Use `Team.started`, which also ends it."""
        self._log = log
        self._out, self._errors, self._unsent = bytearray(), bytearray(), bytearray()
        self._late = self._flooding = self._killed = False
        theirs, alive = os.pipe()
        with ExitStack() as open_pipes:
            open_pipes.callback(os.close, alive)
            self._process = _popen(arguments, environment, log, folder, theirs, commands=commands)
            self._open_pipes = open_pipes.pop_all()
        self._selector = self._open_pipes.enter_context(selectors.PollSelector())
        for pipe, kept in ((self._process.stdout, self._out), (self._process.stderr, self._errors)):
            if pipe is not None:
                self._selector.register(self._open_pipes.enter_context(pipe), selectors.EVENT_READ, kept)
        if self._process.stdin is not None:
            os.set_blocking(self._open_pipes.enter_context(self._process.stdin).fileno(), False)

    def send(self, command: Json) -> None:
        """Send one line; the part that the pipe does not take at once goes out while we read."""
        self._unsent += json.dumps(command).encode() + b"\n"
        if self._process.stdin is not None and self._process.stdin not in self._selector.get_map():
            self._selector.register(self._process.stdin, selectors.EVENT_WRITE)
            self._write(self._process.stdin.fileno())

    def line(self, timeout: float) -> str | None:
        """The next whole line of its standard output within `seconds`; None if there is none (see `ended`).

        Raises StoppedError if the team was stopped.
        """
        deadline, searched = monotonic() + timeout, 0
        while (end := self._out.find(b"\n", searched)) < 0:
            searched = len(self._out)
            if not self._read(deadline):
                return None
        line = self._out[:end].decode(errors="replace")
        del self._out[: end + 1]
        return line

    def text(self, timeout: float) -> str:
        """Everything that it writes to standard output until it ends or is late; raises StoppedError like `line`."""
        deadline = monotonic() + timeout
        while self._read(deadline):
            pass
        return self._out.decode(errors="replace")

    @property
    def ended(self) -> Ended:
        """The end of the process, once there is nothing more to read."""
        if self._log is None:
            lines = self._errors.decode(errors="replace").strip().splitlines()[-TAIL:]
        else:
            lines = last_lines(self._log)
        code = self._process.returncode or 0
        return Ended(code=code, late=self._late, flooding=self._flooding, lines=lines)

    def kill(self) -> None:
        """Kill it and its children, except those that have left its group; any thread may call this."""
        self._killed = True
        with suppress(ProcessLookupError, PermissionError):  # none is left; macOS denies it for zombies
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> None:
        """Kill it and release its resources, even if it has ended by itself: its children may still run."""
        self.kill()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GONE)
        self._open_pipes.close()

    def _read(self, deadline: float) -> bool:
        """Wait for more of its standard output; False if it has ended, is late (`time.monotonic`) or was killed.

        A process that is gone writes no more, whatever its children still hold open or write.
        """
        size = len(self._out)
        while True:
            self._bound_log()
            gone, left = self._process.poll() is not None, deadline - monotonic()
            moved = self._move(0.0 if gone else max(0.0, min(left, _GLANCE)))
            if self._killed:
                raise StoppedError
            if len(self._out) > size and left > -_GLANCE:
                self._flooding = len(self._out) > LARGEST_OUTPUT
                return not self._flooding
            if gone and (left <= 0 or not moved):
                return False
            if left <= 0:
                self._late = True
                return False

    def _move(self, timeout: float) -> bool:
        """Read and write as soon as the pipes allow; returns whether anything happened."""
        if all(key.data is None for key in self._selector.get_map().values()):  # it may live without an output
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout)
            return False
        ready = self._selector.select(timeout)
        for key, _ in ready:
            if key.data is None:
                self._write(key.fd)
            elif chunk := os.read(key.fd, 1 << 16):
                key.data.extend(chunk)
                del self._errors[:-TAIL_BYTES]
            else:
                self._selector.unregister(key.fileobj)
        return bool(ready)

    def _write(self, pipe: int) -> None:
        """Write as much as the pipe takes now."""
        try:
            del self._unsent[: os.write(pipe, self._unsent)]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it is gone; reading reports how
            self._unsent.clear()
        if not self._unsent:
            self._selector.unregister(pipe)

    def _bound_log(self) -> None:
        """Cuts a log that is too large to its end, which may hold the process's last words."""
        if self._log is not None:
            with suppress(OSError):
                if self._log.stat().st_size > _LARGEST_LOG:
                    with self._log.open("r+b") as file:
                        file.seek(-_KEPT, os.SEEK_END)
                        last = file.read()
                        file.truncate(0)
                    with self._log.open("ab") as file:
                        file.write(last)


def _popen(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: Path | None,
    folder: Path | None,
    alive: int,
    *,
    commands: bool,
) -> subprocess.Popen[bytes]:
    """`alive`: the pipe's end that only the child gets."""
    with ExitStack() as ours:
        ours.callback(os.close, alive)
        return subprocess.Popen(  # noqa: S603 - our own Python, and arguments that we wrote
            [sys.executable, "-P", *arguments],
            stdin=subprocess.PIPE if commands else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if log is None else ours.enter_context(log.open("ab")),
            bufsize=0,
            cwd=folder,
            env={**environment, ALIVE: f"{alive:09}"},  # always of one length, since the environment moves the stack
            pass_fds=(alive,),
            start_new_session=True,
        )


class Team:
    """Child processes that any thread can end together; after that, none can be started."""

    def __init__(self) -> None:
        """Starts without processes."""
        self._stopped = False
        self._children: set[ChildProcess] = set()
        self._lock = threading.Lock()

    @contextmanager
    def started(
        self,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        log: Path | None = None,
        folder: Path | None = None,
        commands: bool = True,
    ) -> Iterator[ChildProcess]:
        """A `ChildProcess` that is gone after the block; raises OSError, StoppedError."""
        child: ChildProcess | None = None
        try:
            with self._lock, signals_deferred():
                if self._stopped:
                    raise StoppedError
                child = ChildProcess(arguments, environment, log=log, folder=folder, commands=commands)
                self._children.add(child)
            yield child
        finally:
            if child is not None:
                with signals_deferred():
                    with self._lock:
                        self._children.discard(child)
                    child.end()

    def stop(self) -> None:
        """Kill all that still run; the block that started each one waits for it."""
        with self._lock:
            self._stopped = True
            for child in self._children:
                child.kill()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The standard output of a process; `problem` says in one line why there is none, or is None."""

    text: str
    problem: str | None


def ask(arguments: Sequence[str], environment: Mapping[str, str], timeout: float) -> Answer:
    """Run Python with these arguments for at most `timeout` seconds; its children end with it."""
    with Team().started(arguments, environment, commands=False) as child:
        text, ended = child.text(timeout), child.ended
    if ended.late:
        return Answer(text="", problem=f"no answer in {timeout:g} s")
    if ended.flooding:
        return Answer(text="", problem=ended.told)
    said = ended.lines[-1] if ended.lines and ended.code > 0 else f"ended with {ending(ended.code)}"
    return Answer(text=text, problem=said if ended.code else None)
