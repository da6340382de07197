"""Repositories in temporary folders, for situations of git: nothing of the one that the tests run in reaches them."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fwdrev.bench.machine.git import without_repository

__all__ = ["Repository", "environment", "new_repository"]


def environment(**more: str) -> dict[str, str]:
    """Without a repository, without the settings of a user, and with the names that a commit needs."""
    return without_repository(os.environ) | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "Test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        **more,
    }


class Repository:
    """A folder, and git in it."""

    def __init__(self, top: Path) -> None:
        """It is there already."""
        self.top = top

    def git(self, *arguments: str, fails: bool = False, **more: str) -> str:
        """What git says; `fails`: it must."""
        command = ["git", "-C", str(self.top), "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(command, capture_output=True, check=False, env=environment(**more), timeout=300)
        said = os.fsdecode(done.stdout + done.stderr)
        assert (done.returncode != 0) is fails, said
        return os.fsdecode(done.stdout).strip()

    def write(self, files: Mapping[str, str]) -> None:
        """Into the working tree."""
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        """All that is there, with these files; its name."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "state")
        return self.git("rev-parse", "HEAD")

    def hook(self, name: str, script: str) -> None:
        """A shell script that git runs."""
        path = Path(self.git("rev-parse", "--path-format=absolute", "--git-path", "hooks")) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    @property
    def worktrees(self) -> list[str]:
        """Where git has them."""
        lines = self.git("worktree", "list", "--porcelain").splitlines()
        return [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]


def new_repository(top: Path, files: Mapping[str, str] | None = None) -> Repository:
    """With these files in its only commit, on the branch main; without files, without a commit."""
    top.mkdir(parents=True)
    made = Repository(top)
    made.git("init", "--quiet", "--initial-branch=main")
    if files is not None:
        made.commit(files)
    return made
