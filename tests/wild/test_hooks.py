"""A check in a hook: git passes its own index and repository on, and the check must not touch them."""

import shlex
import sys
from pathlib import Path

import pytest

from fwdrev.bench.machine.environment import worker_environment
from fwdrev.bench.records.spec import SweepSpec
from tests.project import _FILES
from tests.wild.reports import OURS, report
from tests.wild.repositories import Repository, new_repository

_LOOK = """
import os, subprocess, sys
from pathlib import Path
from fwdrev.bench.machine.git import without_repository
from fwdrev.bench.revisions.git_worktree import revision

local = subprocess.run(["git", "rev-parse", "--local-env-vars"], capture_output=True, text=True).stdout.split()
with revision("HEAD") as sides, open(sys.argv[1], "a") as out:
    texts = [(folder / "a").read_text().strip() for folder in (sides.base, sides.head)]
    inherited = sorted(without_repository(os.environ).keys() & set(local))
    has_git = (sides.base / ".git").exists()
    print(*texts, sides.head.name, sides.inside, inherited, has_git, file=out)
"""
"""Prints what each side holds, where the project is, which git variables remain, and whether base has git."""


@pytest.fixture
def project(tmp_path: Path) -> Repository:
    """A project with files that each hold `old`."""
    return new_repository(tmp_path / "project", {"a": "old\n", "b": "old\n", "deep/c": "old\n"})


@pytest.fixture
def looks(tmp_path: Path) -> str:
    """A command that compares HEAD with the working tree, and records what it saw in `seen`."""
    (tmp_path / "look.py").write_text(_LOOK)
    return shlex.join([sys.executable, str(tmp_path / "look.py"), str(tmp_path / "seen")])


@report("pre-commit/pre-commit#2295")
def test_a_side_inherits_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable reaches it with which git names a repository."""
    names = Repository(tmp_path).git("rev-parse", "--local-env-vars").split()
    for name in names:
        monkeypatch.setenv(name, "theirs")
    assert "GIT_DIR" in names
    assert worker_environment(SweepSpec(), tmp_path).keys() & set(names) == set()


def _seen(tmp_path: Path) -> list[str]:
    return (tmp_path / "seen").read_text().splitlines()


def _files(at: Repository, tree: str) -> dict[str, str]:
    names = at.git("ls-tree", "-r", "--name-only", tree).splitlines()
    return {name: at.git("show", f"{tree}:{name}") for name in names}


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(
    ("command", "committed"),
    [
        pytest.param(["commit"], {"a": "new"}, marks=[report("ohdearquant/lattice#1213"), pytest.mark.long]),
        pytest.param(["commit", "-a"], {"a": "new", "b": "new"}, marks=[report("j178/prek#1815"), pytest.mark.long]),
        pytest.param(["commit", "b"], {"b": "new"}, marks=report("stacked-git/stgit#63")),
        pytest.param(["commit", "--amend"], {"a": "new"}, marks=report("DeusData/codebase-memory-mcp#1740")),
    ],
)
def test_pre_commit(
    project: Repository, looks: str, tmp_path: Path, command: list[str], committed: dict[str, str], *, linked: bool
) -> None:
    """The commit holds exactly what it should, and the rest stays as it was, also in a linked worktree."""
    at = project
    if linked:
        project.git("worktree", "add", "--quiet", "../linked")
        at = Repository(tmp_path / "linked")
    places = project.worktrees
    at.hook("pre-commit", looks)
    at.write({"a": "new\n", "b": "new\n"})
    at.git("add", "a")
    at.git(*command, "--message", "a change")
    assert _files(at, "HEAD") == {"a": "old", "b": "old", "deep/c": "old"} | committed
    left = {"a", "b"} - committed.keys()
    assert {line[-1] for line in at.git("status", "--porcelain").splitlines()} == left
    assert project.worktrees == places
    assert _seen(tmp_path) == [f"old new {at.top.name} . [] True"]


@report("pre-commit/pre-commit#2295")
def test_a_hook_that_goes_into_a_folder(project: Repository, looks: str, tmp_path: Path) -> None:
    """In a linked worktree, git sets GIT_DIR alone, and then takes any folder for the top."""
    project.git("worktree", "add", "--quiet", "../linked")
    linked = Repository(tmp_path / "linked")
    linked.hook("pre-commit", f"cd deep && {looks}")
    linked.write({"a": "new\n"})
    linked.git("commit", "-a", "--message", "a change")
    assert _seen(tmp_path) == ["old new linked deep [] True"]
    assert _files(linked, "HEAD") == {"a": "new", "b": "old", "deep/c": "old"}


@report("lycheeverse/lychee#2292")
def test_a_hook_that_goes_into_another_project(project: Repository, looks: str, tmp_path: Path) -> None:
    """The check takes that project, though GIT_DIR still names the first."""
    new_repository(tmp_path / "other", {"a": "theirs\n"})
    project.git("worktree", "add", "--quiet", "../linked")
    linked = Repository(tmp_path / "linked")
    linked.hook("pre-commit", f"cd {tmp_path}/other && {looks}")
    linked.write({"a": "new\n"})
    linked.git("commit", "-a", "--message", "a change")
    assert _seen(tmp_path) == ["theirs theirs other . [] True"]


@report("pre-commit/pre-commit#321")
def test_a_commit_in_a_submodule(project: Repository, looks: str, tmp_path: Path) -> None:
    """The submodule's GIT_DIR lies in the outer project."""
    new_repository(tmp_path / "library", {"a": "old\n"})
    project.git("submodule", "--quiet", "add", str(tmp_path / "library"), "inner")
    project.commit()
    inner = Repository(project.top / "inner")
    inner.hook("pre-commit", looks)
    inner.write({"a": "new\n"})
    inner.git("commit", "-a", "--message", "a change")
    assert _seen(tmp_path) == ["old new inner . [] True"]
    assert _files(inner, "HEAD") == {"a": "new"}


@report("DeusData/codebase-memory-mcp#1740")
def test_post_commit(project: Repository, looks: str, tmp_path: Path) -> None:
    """Git names the index relative to the project, where a worktree has a file in place of the folder."""
    project.hook("post-commit", looks)
    project.write({"a": "new\n"})
    project.git("commit", "-a", "--message", "a change")
    assert _seen(tmp_path) == ["new new project . [] True"]
    assert project.git("status", "--porcelain") == ""
    assert len(project.worktrees) == 1


@report("nextlyhq/nextly#1078")
@pytest.mark.parametrize("linked", [pytest.param(False, marks=pytest.mark.long), True])
def test_pre_push(project: Repository, looks: str, tmp_path: Path, *, linked: bool) -> None:
    """The push sends what was committed; the check leaves standard input alone."""
    at = project
    if linked:
        project.git("worktree", "add", "--quiet", "../linked")
        at = Repository(tmp_path / "linked")
    at.git("init", "--quiet", "--bare", str(tmp_path / "remote"))
    at.hook("pre-push", looks)
    at.write({"a": "new\n"})
    at.git("push", "--quiet", str(tmp_path / "remote"), "HEAD:refs/heads/main")
    assert _seen(tmp_path) == [f"old new {at.top.name} . [] True"]
    assert Repository(tmp_path / "remote").git("rev-parse", "main") == project.git("rev-parse", "main")


@report(OURS)
def test_rebase_with_exec(project: Repository, looks: str, tmp_path: Path) -> None:
    """The check works at each commit, and the rebased commits are the same."""
    project.commit({"a": "newer\n"})
    project.commit({"a": "newest\n"})
    before = project.git("rev-parse", "HEAD")
    project.git("rebase", "--quiet", "--exec", looks, "HEAD~2")
    assert _seen(tmp_path) == ["newer newer project . [] True", "newest newest project . [] True"]
    assert project.git("rev-parse", "HEAD") == before
    assert project.git("status", "--porcelain") == ""


@report(OURS)
def test_bisect_run(project: Repository, looks: str, tmp_path: Path) -> None:
    """Bisecting finds the commit, and no worktree of ours is in its way."""
    good = project.git("rev-parse", "HEAD")
    bad = [project.commit({"a": text}) for text in ("old \n", "bad\n", "bad \n")]
    project.git("bisect", "start", bad[-1], good)
    project.git("bisect", "run", "sh", "-c", f"{looks} && ! grep -q bad a")
    assert project.git("rev-parse", "refs/bisect/bad") == bad[1]
    assert all(line.endswith("project . [] True") for line in _seen(tmp_path))
    project.git("bisect", "reset")
    assert len(project.worktrees) == 1


@report("evilmartians/lefthook#1265")
@pytest.mark.parametrize("linked", [pytest.param(False, marks=pytest.mark.long), True])
def test_an_alias(project: Repository, looks: str, tmp_path: Path, *, linked: bool) -> None:
    """Git runs an alias at the top, with the settings of its own command line."""
    at = project
    if linked:
        project.git("worktree", "add", "--quiet", "../linked")
        at = Repository(tmp_path / "linked")
    at.write({"a": "new\n"})
    at.git("-c", f"alias.look=!{looks}", "-c", "color.ui=never", "-C", "deep", "look")
    assert _seen(tmp_path) == [f"old new {at.top.name} . [] True"]
    assert at.git("status", "--porcelain") == "M a"


@pytest.fixture
def checked(tmp_path: Path) -> Repository:
    """A project whose hook runs `fwdrev check` to decide about a commit."""
    project = new_repository(tmp_path / "project", _FILES | {".gitignore": "__pycache__\n"})
    options = "--engines mine --inputs 4 --outputs 2 --rounds 3 --threshold 900%"
    check = f"PYTHONPATH=.:$PYTHONPATH {sys.executable} -m fwdrev check --against HEAD {options}"
    project.hook("pre-commit", f"{check} > {tmp_path}/said; code=$?; echo $code >> {tmp_path}/codes; exit $code")
    return project


@report("j178/prek#1815")
def test_the_command_stops_a_commit(checked: Repository, tmp_path: Path) -> None:
    """More operations give code 1, and no commit is made."""
    before, text = checked.git("rev-parse", "HEAD"), (checked.top / "mine.py").read_text()
    checked.write({"mine.py": text.replace("COUNT = 10", "COUNT = 12")})
    checked.git("commit", "-a", "--message", "slower", fails=True)
    assert (tmp_path / "codes").read_text().split() == ["1"]
    assert checked.git("rev-parse", "HEAD") == before
    assert checked.git("status", "--porcelain") == "M mine.py"
    assert len(checked.worktrees) == 1


@pytest.mark.long
@report("j178/prek#1815")
def test_the_command_lets_a_commit_pass(checked: Repository, tmp_path: Path) -> None:
    """Without more operations, everything is committed."""
    checked.write({"mine.py": (checked.top / "mine.py").read_text() + "\n# a remark\n", "new.py": "x = 1\n"})
    checked.git("commit", "-a", "--message", "a remark")
    assert (tmp_path / "codes").read_text().split() == ["0"]
    assert _files(checked, "HEAD").keys() == {*_FILES, ".gitignore"}
    assert checked.git("show", "HEAD:mine.py").endswith("# a remark")
    assert checked.git("status", "--porcelain") == "?? new.py"
    assert len(checked.worktrees) == 1
