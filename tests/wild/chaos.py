"""Chaos: `fwdrev check` in a project of its own, hurt once at a random moment, and the traces it leaves.

A project is either unchanged or five times slower, so that exit code 1 or 0, respectively, would be a lie.
"""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import psutil

from tests.project import make_project, worktrees

__all__ = ["FAULTS", "Chaos", "Ended"]

Fault = Callable[[psutil.Process, Random], None]
"""Hurts a running command."""

_STEP = """
import numpy as np

def step(x):
    for _ in range({turns}):
        y = np.tanh(x)
    return y

def start():
    return np.linspace(-1, 1, 2000)
"""

_COMMAND = ("check", "--against", "HEAD", "--functions", "model:step", "--point", "model:start")
_ROUNDS = ("--rounds", "3", "--threshold", "100%", "--json")

_LONGEST = 120.0
"""Seconds after which a run counts as hanging: an undisturbed one ends in three."""

_STOPPED = 10.0
"""Seconds for which a process is stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run ended: its exit code, the answer if it is whole, and its standard error."""

    code: int
    answer: Mapping[str, Any] | None
    said: str


class Chaos:
    """A project, with a folder for all temporary files and a file for the verdict."""

    def __init__(self, folder: Path, *, slower: bool) -> None:
        """Makes the project; if `slower`, its working tree computes the same five times as often."""
        self.slower = slower
        self.temporary, self.junit = folder / "temporary", folder / "verdict.xml"
        self.temporary.mkdir()
        self.project = make_project(folder / "project", {"model.py": _STEP.format(turns=10)})
        if slower:
            (self.project / "model.py").write_text(_STEP.format(turns=50))

    def run(self, hurt: Fault | None, rng: Random, seconds: float) -> Ended:
        """Runs one check; `hurt` receives its process after a random share of `seconds`."""
        environment = {**os.environ, "TMPDIR": str(self.temporary)}
        command = [sys.executable, "-m", "fwdrev", *_COMMAND, *_ROUNDS, "--junit", str(self.junit)]
        with subprocess.Popen(
            command,
            cwd=self.project,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                if hurt is not None:
                    time.sleep(rng.uniform(0.0, seconds))
                    with suppress(psutil.NoSuchProcess, ProcessLookupError, IndexError):
                        hurt(psutil.Process(process.pid), rng)
                out, said = process.communicate(timeout=_LONGEST)
            finally:
                process.kill()
        return Ended(code=process.returncode, answer=_whole(out), said=said)

    def left(self) -> list[str]:
        """Everything that a run left behind: worktrees, temporary files, processes."""
        found = [f"{worktrees(self.project)} worktrees"] if worktrees(self.project) != 1 else []
        found += [str(path) for path in self.temporary.iterdir()]
        return found + [f"{process.pid}: {' '.join(process.cmdline())}" for process in self._alive()]

    def _alive(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if _variable(process, "TMPDIR") == str(self.temporary)]


def _whole(text: str) -> Mapping[str, Any] | None:
    try:
        found: Mapping[str, Any] = json.loads(text)
    except ValueError:
        return None
    return found


def _variable(process: psutil.Process, name: str) -> str | None:
    try:
        found: str | None = process.environ().get(name)
    except psutil.Error:
        return None
    return found


def _side(command: psutil.Process, rng: Random) -> psutil.Process:
    """A random process of the command."""
    return rng.choice(command.children(recursive=True))


def _fill_the_disk(command: psutil.Process) -> None:
    """Stops all their files from growing, so that the system refuses each write as on a full disk."""
    for process in [command, *command.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, 0))


def _stop(process: psutil.Process) -> None:
    process.suspend()
    time.sleep(_STOPPED)
    process.resume()


FAULTS: Mapping[str, Fault] = {
    "kill a side": lambda command, rng: _side(command, rng).kill(),
    "kill the command": lambda command, _: command.kill(),
    "end the command": lambda command, rng: command.send_signal(
        rng.choice([signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
    ),
    "stop a side": lambda command, rng: _stop(_side(command, rng)),
    "stop the command": lambda command, _: _stop(command),
    "fill the disk": lambda command, _: _fill_the_disk(command),
}
