"""A side as the coordinator holds it: a process that has the code of one revision, asked and heard line by line."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any

from fwdrev.bench.processes.child import end, heard, signals_wait
from fwdrev.bench.processes.process import Ended
from fwdrev.bench.processes.surroundings import check_end
from fwdrev.bench.records.observation import Status

__all__ = ["ArmLostError", "SideProcess", "side_path", "started"]

_PROGRAM = (str(Path(__file__).resolve().parent / "side.py"),)
"""Always this version's, whatever the revision has; a real path, so that it is no module of either side."""

Answer = dict[str, Any]


class ArmLostError(Exception):
    """An arm cannot be timed: what it was asked for failed, or the process died of it or was late."""

    def __init__(self, side: str, arm: str | None, status: Status, reason: str) -> None:
        """`side`: base or head; `arm` is None where no arm was asked for."""
        super().__init__(reason)
        self.side, self.arm, self.status, self.reason = side, arm, status, reason


class SideProcess:
    """`ask` is a question and its answer, or ArmLostError; SurroundingsError where no arm can be at fault."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path, alive: int) -> None:
        """`name`: base or head; `alive`: the pipe by which it knows that we are there."""
        self.name = name
        self._process, self._alive = process, alive
        self._ended = Ended(log)
        self._torn = b""

    def tell(self, command: Mapping[str, Any]) -> None:
        """A question whose answer is heard later."""
        if self._process.stdin is not None:
            with suppress(BrokenPipeError):  # whoever hears the answer finds out
                self._process.stdin.write(json.dumps(command).encode() + b"\n")

    def hear(self, timeout: float, arm: str | None = None) -> Answer:
        """The answer to the oldest question."""
        deadline = monotonic() + timeout
        while b"\n" not in self._torn:
            chunk = heard(self._process, deadline, self._ended.log)
            if not chunk:
                self._ended.late, self._ended.code = chunk is None, self._process.returncode or 0
                check_end(self._ended, self._ended.log.parent, arm)
                reason = f"no answer within {timeout:g} s" if self._ended.late else self._ended.told
                raise ArmLostError(self.name, arm, self._ended.status, reason)
            self._torn += chunk
        line, _, self._torn = self._torn.partition(b"\n")
        answer: Answer = json.loads(line)
        return answer

    def ask(self, command: Mapping[str, Any], timeout: float) -> Answer:
        """A question and its answer."""
        self.tell(command)
        return self.hear(timeout, command.get("arm"))

    def end(self) -> None:
        """At once, with all that it has started."""
        end(self._process)
        os.close(self._alive)


@contextmanager
def started(
    name: str,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    start: Mapping[str, Any],
    program: Sequence[str] = _PROGRAM,
) -> Iterator[SideProcess]:
    """A fresh one in `folder` that is loading its libraries: hear its first answer. It is gone after the block.

    `program`: what Python is to run, if it is not a side of a comparison; it answers in the same way.
    """
    side: SideProcess | None = None
    try:
        with signals_wait():
            side = _started(name, folder, environment, log, start, program)
        yield side
    finally:
        if side is not None:
            side.end()


def side_path(root: Path, inside: Path, home: Path, inherited: str, first: Sequence[Path] = ()) -> list[str]:
    """Where the side whose project is at `root` looks for modules, if it is run at `inside` in it.

    `first`: folders of the project, relative, that come before. What is inherited stays, last; what lies in the project
    where the user has it (`home`) becomes the same folder of this side, if it has that.
    """
    own = [*(root / place for place in first), root / inside, root / inside / "src", root, root / "src"]
    kept = [Path(part).resolve() for part in inherited.split(os.pathsep) if part]
    same = [root / part.relative_to(home) if part.is_relative_to(home) else part for part in kept]
    moved = [new if new.is_dir() else part for new, part in zip(same, kept, strict=True)]
    return list(dict.fromkeys(str(part) for part in [*(p for p in own if p.is_dir()), *moved]))


def _started(
    name: str,
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    start: Mapping[str, Any],
    program: Sequence[str],
) -> SideProcess:
    """A new session of its own, so that Ctrl-C reaches us and not the side."""
    theirs, ours = os.pipe()
    try:
        log.unlink(missing_ok=True)
        with log.open("ab") as stream:
            process = subprocess.Popen(  # noqa: S603 - our own Python and programs
                [sys.executable, "-P", *program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stream,
                bufsize=0,
                cwd=folder,
                env=dict(environment),
                pass_fds=(theirs,),
                start_new_session=True,
            )
    except BaseException:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    side = SideProcess(name, process, log, ours)
    side.tell({"do": "start", "alive": theirs, **start})
    return side
