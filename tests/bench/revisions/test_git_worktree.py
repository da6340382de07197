"""A revision beside the working tree: what each side holds, that nothing is left behind, and what is refused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from fwdrev.bench.revisions.git_worktree import revision
from fwdrev.modes import InputError
from tests.project import commit, make_project, worktrees


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a package that is a symbolic link, as ours is; we are in its folder `deep`."""
    made = make_project(tmp_path / "project", {"code/one.py": "X = 1\n", "deep/note": "here\n"})
    (made / "package").symlink_to("code")
    commit(made)
    monkeypatch.chdir(made / "deep")
    return made


def test_each_side_is_its_own_state(project: Path) -> None:
    """Base has what was committed, through the link too; head what is there, uncommitted; base lies outside."""
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
    """HEAD~1 is the state before the link was there."""
    with revision("HEAD~1") as sides:
        assert not (sides.base / "package").exists()
        assert (sides.base / "code" / "one.py").exists()


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, RuntimeError])
def test_nothing_is_left(project: Path, error: type[BaseException]) -> None:
    """Whatever ends the block, and even if the worktree was changed or taken away meanwhile."""
    for spoil in (lambda base: (base / "new").write_text("x"), shutil.rmtree):
        seen: list[Path] = []
        with pytest.raises(error):
            _ends(error, spoil, seen)
        assert worktrees(project) == 1
        assert not seen[0].exists()


def _ends(error: type[BaseException], spoil: Callable[[Path], object], seen: list[Path]) -> None:
    """A block that ends so."""
    with revision("HEAD") as sides:
        assert worktrees(sides.head) == 2
        seen.append(sides.base.parent)
        spoil(sides.base)
        raise error


def test_hooks_do_not_run(project: Path) -> None:
    """What a project does after each checkout is not done for us."""
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {project}/ran\n")
    hook.chmod(0o755)
    with revision("HEAD"):
        assert not (project / "ran").exists()


@pytest.mark.parametrize("name", ["nowhere", "", "--all", "HEAD:deep", "two\nlines"])
def test_an_unknown_revision(project: Path, name: str) -> None:
    """One line that says what was given and what may be; a folder is no revision, and an option is none either."""
    with pytest.raises(InputError, match="unknown revision") as refused, revision(name):
        pass
    assert "give a commit, branch or tag" in str(refused.value)
    assert "\n" not in str(refused.value)
    assert worktrees(project) == 1


def test_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside of any git project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(InputError, match=r"is not in a git project .*: run it where the code is"), revision("HEAD"):
        pass


def test_no_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project without a state to compare with."""
    monkeypatch.chdir(make_project(tmp_path / "new", {}))
    with pytest.raises(InputError, match="has no commit yet: commit"), revision("HEAD"):
        pass


@pytest.mark.usefixtures("project")
def test_no_git(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where git is not installed."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="needs git, which is not on the PATH: install it"), revision("HEAD"):
        pass
