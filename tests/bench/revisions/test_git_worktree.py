"""A revision beside the working tree: the content of each side, complete removal, and refusals."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fwdrev.bench.revisions.git_worktree import revision
from fwdrev.modes import InputError
from tests.project import commit, make_project, worktrees


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose package is a symbolic link, as ours is; the current folder is its `deep`."""
    made = make_project(tmp_path / "project", {"code/one.py": "X = 1\n", "deep/note": "here\n"})
    (made / "package").symlink_to("code")
    commit(made)
    monkeypatch.chdir(made / "deep")
    return made


def test_each_side_is_its_own_state(project: Path) -> None:
    """Base has the committed state, even through the link, and lies outside; head has the uncommitted one."""
    (project / "code" / "one.py").write_text("X = 2\n")
    with revision("HEAD") as sides:
        assert (sides.base / "package" / "one.py").read_text() == "X = 1\n"
        assert (sides.head / "package" / "one.py").read_text() == "X = 2\n"
        assert sides.head == project.resolve()
        assert not sides.base.is_relative_to(project)
        assert sides.inside == Path("deep")
        assert list(sides.scratch.iterdir()) == []


@pytest.mark.usefixtures("project")
def test_an_older_revision() -> None:
    """HEAD~1 is the state before the link."""
    with revision("HEAD~1") as sides:
        assert not (sides.base / "package").exists()
        assert (sides.base / "code" / "one.py").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_nothing_is_left(project: Path, error: type[BaseException]) -> None:
    """No worktree remains however the block ends, and even if the worktree was changed or removed meanwhile."""
    for spoil in (lambda base: (base / "new").write_text("x"), shutil.rmtree):
        seen: list[Path] = []
        with pytest.raises(error):
            _ends(error, spoil, seen)
        assert worktrees(project) == 1
        assert not seen[0].exists()


def _ends(error: type[BaseException], spoil: Callable[[Path], object], seen: list[Path]) -> None:
    """A block that ends in this way."""
    with revision("HEAD") as sides:
        assert worktrees(sides.head) == 2
        seen.append(sides.base.parent)
        spoil(sides.base)
        raise error


def test_hooks_do_not_run(project: Path) -> None:
    """A project's post-checkout hook stays asleep."""
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {project}/ran\n")
    hook.chmod(0o755)
    with revision("HEAD"):
        assert not (project / "ran").exists()


@pytest.mark.parametrize("name", ["nowhere", "", "--all", "HEAD:deep", "two\nlines"])
def test_an_unknown_revision(project: Path, name: str) -> None:
    """One line has the given name and valid ones; folders and options are no revisions."""
    with pytest.raises(InputError, match="unknown revision") as refused, revision(name):
        pass
    assert "give a commit, branch or tag" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert worktrees(project) == 1


def test_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any git project it is refused."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match=r"is not in a git project .*: run it where the code is"), revision("HEAD"):
        pass


def test_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a commit there is nothing to compare with."""
    monkeypatch.chdir(make_project(tmp_path / "new", {}))
    with pytest.raises(InputError, match="has no commit yet: commit"), revision("HEAD"):
        pass


@pytest.mark.usefixtures("project")
def test_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without git it is refused."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="needs git, which is not on the PATH: install it"), revision("HEAD"):
        pass
