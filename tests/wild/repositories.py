"""Repositories in temporary folders, isolated from the repository of the tests."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fwdrev.bench.machine.git import without_repository

__all__ = ["Repository", "environment", "new_repository"]


def environment(**more: str) -> dict[str, str]:
    """An environment without a repository or a user's settings, but with the names that a commit needs."""
    return without_repository(os.environ) | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{who}_{what}": "Test@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        **more,
    }


class Repository:
    """A repository in a folder."""

    def __init__(self, top: Path) -> None:
        """Wraps an existing folder."""
        self.top = top

    def git(self, *arguments: str, fails: bool = False, **more: str) -> str:
        """Runs git and returns its output; with `fails`, expects a failure."""
        command = ["git", "-C", str(self.top), "-c", "protocol.file.allow=always", *arguments]
        done = subprocess.run(command, capture_output=True, check=False, env=environment(**more), timeout=300)
        said = os.fsdecode(done.stdout + done.stderr)
        assert (done.returncode != 0) is fails, said
        return os.fsdecode(done.stdout).strip()

    def write(self, files: Mapping[str, str]) -> None:
        """Writes a file into the working tree."""
        for name, text in files.items():
            path = self.top / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def commit(self, files: Mapping[str, str] | None = None) -> str:
        """Writes these files, commits everything, and returns the commit's name."""
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "state")
        return self.git("rev-parse", "HEAD")

    def hook(self, name: str, script: str) -> None:
        """Installs a shell script as a hook."""
        path = Path(self.git("rev-parse", "--path-format=absolute", "--git-path", "hooks")) / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    @property
    def worktrees(self) -> list[str]:
        """The worktrees that git lists."""
        lines = self.git("worktree", "list", "--porcelain").splitlines()
        return [line.removeprefix("worktree ") for line in lines if line.startswith("worktree ")]


def new_repository(top: Path, files: Mapping[str, str] | None = None) -> Repository:
    """Makes a repository with these files in its only commit, on the branch main; without files, it has no commit."""
    top.mkdir(parents=True)
    made = Repository(top)
    made.git("init", "--quiet", "--initial-branch=main")
    if files is not None:
        made.commit(files)
    return made
