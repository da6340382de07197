"""A user's project under git, for tests that compare its working tree with a commit."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

__all__ = ["DIES", "HANGS", "MODEL", "commit", "make_project", "other_worktree", "worktrees"]

MODEL = """
import numpy as np

def step(x):
    return 2 * np.tanh(x)

def point(n):
    return np.linspace(0.0, 1.0, n)

def moody(x):
    return x
"""
"""The user's module: `step` stays right, `moody` differs from test to test."""

DIES = """
import os
def moody(x):
    os.kill(os.getpid(), 9)
"""

HANGS = """
import time
def moody(x):
    time.sleep(3600)
"""

_ENGINE = """
from fwdrev.modes import Direction, engine
from fwdrev.modes.core.cost import EngineCost
from fwdrev.modes.core.engine import Engine

COUNT = 10

class Mine(Engine):
    "Counts what it likes."
    __slots__ = ()
    name, summary, direction = "mine", "a user's own", Direction.FORWARD
    def prepare(self, chain, wrt):
        return engine("forward").prepare(chain, wrt)
    def cost(self, chain, wrt):
        return EngineCost(multiply_adds=COUNT, passes=1, bytes_moved=1, peak_bytes=1)
"""

_FILES = {
    "model.py": MODEL,
    "mine.py": _ENGINE,
    "mine-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n",
    "mine-1.0.dist-info/entry_points.txt": "[fwdrev.engines]\nmine = mine:Mine\n",
}


def make_project(folder: Path, files: Mapping[str, str] = _FILES) -> Path:
    """Makes a project whose only commit holds these files."""
    folder.mkdir(exist_ok=True)
    _git(folder, "init", "--quiet")
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    if files:
        commit(folder)
    return folder


def commit(folder: Path) -> str:
    """Commits everything and returns the commit's name."""
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=Test", "-c", "user.email=test@localhost", "commit", "--quiet", "-m", "state")
    return _git(folder, "rev-parse", "HEAD")


def worktrees(folder: Path) -> int:
    """The number of worktrees in git, including the project's own."""
    return len(_git(folder, "worktree", "list").splitlines())


def other_worktree(folder: Path) -> Path:
    """The last worktree beside the project's own."""
    return Path(_git(folder, "worktree", "list").splitlines()[-1].split()[0])


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", folder, *arguments], check=True, capture_output=True, text=True)  # noqa: S607 - as installed
    return done.stdout.strip()
