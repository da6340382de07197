"""A git revision beside the working tree: its code in a worktree of its own, gone when the block is over.

    with revision("main") as sides:
        sides.base, sides.head                     # the project at that revision, and as it is now

The worktree lies outside the project, so that neither side finds the other's modules by walking upwards.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fwdrev.bench.child import signals_wait
from fwdrev.bench.failure import one_line
from fwdrev.modes.errors import InputError

__all__ = ["Sides", "itself", "revision"]

_NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")
"""What a project does after a checkout is not for a worktree that lives for a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two states of one project.

    `base`: its folder at the revision, whose full name is `commit`; `head`: its folder as it is, uncommitted changes
    included; `inside`: the folder in it where we are, relative; `scratch`: an empty folder that is gone with the base.
    """

    base: Path
    head: Path
    inside: Path
    commit: str
    scratch: Path


@contextmanager
def revision(name: str) -> Iterator[Sides]:
    """That revision of the git project around the current folder.

    Raises InputError where there is no git, no project, no commit or no such revision.
    """
    head, inside = _project()
    commit = _commit(name, head)
    with tempfile.TemporaryDirectory(prefix="fwdrev-against-", ignore_cleanup_errors=True) as folder:
        outside = Path(folder).resolve()
        base, scratch = outside / "base", outside / "scratch"
        scratch.mkdir()
        try:
            _add(base, commit, head)
            yield Sides(base=base, head=head, inside=inside, commit=commit, scratch=scratch)
        finally:
            _remove(base, head)


@contextmanager
def itself(name: str = "HEAD") -> Iterator[Sides]:
    """Twice the same revision, as two folders of the same depth: whatever differs between these two sides is noise.

    Where there is no git project, two empty folders, from which both sides find what is installed.
    """
    with tempfile.TemporaryDirectory(prefix="fwdrev-itself-", ignore_cleanup_errors=True) as folder:
        outside = Path(folder).resolve()
        base, head, scratch = (outside / part for part in ("base", "head", "scratch"))
        scratch.mkdir()
        try:
            top, inside = _project()
            commit = _commit(name, top)
        except InputError:
            base.mkdir()
            head.mkdir()
            yield Sides(base=base, head=head, inside=Path(), commit="", scratch=scratch)
            return
        try:
            for side in (base, head):
                _add(side, commit, top)
            yield Sides(base=base, head=head, inside=inside, commit=commit, scratch=scratch)
        finally:
            for side in (base, head):
                _remove(side, top)


def _project() -> tuple[Path, Path]:
    """Its top folder, and where in it we are."""
    here = Path.cwd()
    top = _git("rev-parse", "--show-toplevel", at=here)
    if top.returncode != 0 or not top.stdout.strip():
        said = one_line(top.stderr).removeprefix("fatal: ")
        msg = f"{here} is not in a git project ({said}): run it where the code is whose revisions are compared"
        raise InputError(msg)
    head = Path(top.stdout.rstrip("\n")).resolve()
    return head, here.resolve().relative_to(head)


def _commit(name: str, head: Path) -> str:
    found = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}", at=head)
    if found.returncode == 0:
        return found.stdout.strip()
    if _git("rev-parse", "--verify", "--quiet", "HEAD", at=head).returncode != 0:
        msg = f"the git project {head} has no commit yet: commit what the working tree is to be compared with"
        raise InputError(msg)
    msg = f"unknown revision {one_line(name)!r} of {head}: give a commit, branch or tag (fetch it in a shallow clone)"
    raise InputError(msg)


def _add(base: Path, commit: str, head: Path) -> None:
    with signals_wait():
        made = _git(*_NO_HOOKS, "worktree", "add", "--quiet", "--detach", str(base), commit, at=head)
    if made.returncode != 0:
        msg = f"cannot check out {commit[:12]} into {base}: {one_line(made.stderr).removeprefix('fatal: ')}"
        raise InputError(msg)


def _remove(base: Path, head: Path) -> None:
    """Git forgets it even where its folder, or part of it, is gone."""
    with signals_wait():
        _git("worktree", "remove", "--force", "--force", str(base), at=head)
        shutil.rmtree(base, ignore_errors=True)
        _git("worktree", "prune", at=head)


def _git(*arguments: str, at: Path) -> subprocess.CompletedProcess[str]:
    """In a session of its own, so that Ctrl-C reaches us and does not stop it halfway."""
    git = shutil.which("git")
    if git is None:
        raise InputError("a revision needs git, which is not on the PATH: install it")
    return subprocess.run(  # noqa: S603 - git, with arguments that we wrote
        [git, "-C", str(at), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        start_new_session=True,
    )
