"""One side of a comparison, seen by the coordinator: a process with the code of one revision, asked line by line."""

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
    """An arm cannot be timed: its question failed, or the process died of it or was late."""

    def __init__(self, side: str, arm: str | None, status: Status, reason: str) -> None:
        """`side`: base or head; `arm` is None if the question was about no arm."""
        super().__init__(reason)
        self.side, self.arm, self.status, self.reason = side, arm, status, reason


class SideProcess:
    """`ask` returns an answer or raises ArmLostError; SurroundingsError if no arm can be at fault."""

    def __init__(self, name: str, child: ChildProcess, folder: Path) -> None:
        """`name`: base or head; `folder`: the folder of its log."""
        self.name, self._child, self._folder = name, child, folder

    def tell(self, command: Mapping[str, Any]) -> None:
        """Send a question; `hear` returns its answer later."""
        self._child.send(command)

    def hear(self, timeout: float, arm: str | None = None) -> Answer:
        """The answer to the oldest question sent."""
        line = self._child.line(timeout)
        if line is None:
            ended = self._child.ended
            check_end(ended, self._folder, arm)
            raise ArmLostError(self.name, arm, ended.status, ended.told_after(timeout))
        answer: Answer = json.loads(line)
        return answer

    def ask(self, command: Mapping[str, Any], timeout: float) -> Answer:
        """Send a question and return its answer."""
        self.tell(command)
        return self.hear(timeout, command.get("arm"))


@contextmanager
def started(
    name: str, folder: Path, environment: Mapping[str, str], log: Path, start: Mapping[str, Any], program: Sequence[str]
) -> Iterator[SideProcess]:
    """A fresh side in `folder`, still loading its libraries: `hear` waits for it. It is gone after the block.

    `program`: the script for Python; it answers each question with a line.
    """
    log.unlink(missing_ok=True)
    with Team().started(program, environment, log=log, folder=folder) as child:
        side = SideProcess(name, child, log.parent)
        side.tell({"do": "start", **start})
        yield side


def side_path(root: Path, inside: Path, home: Path, inherited: str, first: Sequence[Path] = ()) -> list[str]:
    """The module search path of a side whose project is at `root` and that runs at `inside` in it.

    `first`: relative folders of the project that come first. Inherited folders come last; those inside the project
    at the user's place (`home`) become this side's own, if it has them.
    """
    own = [*(root / place for place in first), root / inside, root / inside / "src", root, root / "src"]
    kept = [Path(part).resolve() for part in inherited.split(os.pathsep) if part]
    same = [root / part.relative_to(home) if part.is_relative_to(home) else part for part in kept]
    moved = [new if new.is_dir() else part for new, part in zip(same, kept, strict=True)]
    return list(dict.fromkeys(str(part) for part in [*(p for p in own if p.is_dir()), *moved]))
