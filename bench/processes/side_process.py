"""A side as the coordinator holds it: a process that has the code of one revision, asked and heard line by line."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fwdrev.bench.processes.process import ChildProcess, Team
from fwdrev.bench.processes.surroundings import check_end
from fwdrev.bench.records.observation import Status

Answer = dict[str, Any]


class ArmLostError(Exception):
    """An arm cannot be timed: what it was asked for failed, or the process died of it or was late."""

    def __init__(self, side: str, arm: str | None, status: Status, reason: str) -> None:
        """`side`: base or head; `arm` is None where no arm was asked for."""
        super().__init__(reason)
        self.side, self.arm, self.status, self.reason = side, arm, status, reason


class SideProcess:
    """`ask` is a question and its answer, or ArmLostError; SurroundingsError where no arm can be at fault."""

    def __init__(self, name: str, child: ChildProcess, folder: Path) -> None:
        """`name`: base or head; `folder`: that of its log."""
        self.name, self._child, self._folder = name, child, folder

    def tell(self, command: Mapping[str, Any]) -> None:
        """A question whose answer is heard later."""
        self._child.send(command)

    def hear(self, timeout: float, arm: str | None = None) -> Answer:
        """The answer to the oldest question."""
        line = self._child.line(timeout)
        if line is None:
            ended = self._child.ended
            check_end(ended, self._folder, arm)
            raise ArmLostError(self.name, arm, ended.status, ended.told_after(timeout))
        answer: Answer = json.loads(line)
        return answer

    def ask(self, command: Mapping[str, Any], timeout: float) -> Answer:
        """A question and its answer."""
        self.tell(command)
        return self.hear(timeout, command.get("arm"))


@contextmanager
def started(
    name: str, folder: Path, environment: Mapping[str, str], log: Path, start: Mapping[str, Any], program: Sequence[str]
) -> Iterator[SideProcess]:
    """A fresh one in `folder` that is loading its libraries: hear its first answer. It is gone after the block.

    `program`: what Python is to run; it answers each question with a line.
    """
    log.unlink(missing_ok=True)
    with Team().started(program, environment, log=log, folder=folder) as child:
        side = SideProcess(name, child, log.parent)
        side.tell({"do": "start", **start})
        yield side


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
