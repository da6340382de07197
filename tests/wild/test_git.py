"""Repositories as people have them: names of revisions, locations, settings, and the remains of a killed check."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from fwdrev.bench import SweepSpec
from fwdrev.bench.machine.git import git
from fwdrev.bench.revisions.git_worktree import itself, revision
from fwdrev.bench.revisions.rounds import against
from fwdrev.modes import InputError
from tests.command import fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.wild.reports import OURS, report
from tests.wild.repositories import Repository, environment, new_repository

MODEL = "def f(x):\n    return 2 * x\n\ndef point():\n    return 3.0\n"


@pytest.fixture(autouse=True)
def _settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No user's settings; temporary files go into a folder of the test."""
    (tmp_path / "tmp").mkdir()
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, environment()[name])
    _temporary(tmp_path / "tmp", monkeypatch)


def _temporary(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """A project with two commits of `a`, `one` and `two`; the working tree has `three`."""
    made = new_repository(tmp_path / "project", {"a": "one\n"})
    made.commit({"a": "two\n"})
    made.write({"a": "three\n"})
    monkeypatch.chdir(made.top)
    return made


def _texts(name: str = "HEAD", file: str = "a") -> list[str]:
    """The texts of base and head."""
    with revision(name) as sides:
        return [(folder / file).read_text(encoding="utf-8").strip() for folder in (sides.base, sides.head)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=report(source))
        for name, source in {
            "main": OURS,
            "main~0": OURS,
            "@{0}": OURS,
            "annotated": OURS,
            "plain": OURS,
            "refs/heads/main": OURS,
            "origin/main": OURS,
            "a": "idanarye/vim-merginal#28",
            "feature/ä-b": OURS,
            ":/state": OURS,
        }.items()
    ],
)
def test_names_of_a_revision(project: Repository, name: str) -> None:
    """Branches, both kinds of tags, a remote's branch and a branch named like a file give the commit that git means."""
    project.git("tag", "plain")
    project.git("tag", "--annotate", "annotated", "--message", "a tag")
    for branch in ("a", "feature/ä-b"):
        project.git("branch", branch)
    project.git("update-ref", "refs/remotes/origin/main", "HEAD")
    assert _texts(name) == ["two", "three"]


@report(OURS)
def test_a_detached_head(project: Repository) -> None:
    """Most CI services check out this way."""
    project.git("checkout", "--quiet", "--force", "--detach", "HEAD~1")
    assert _texts("HEAD") == ["one", "one"]
    assert _texts("main") == ["two", "one"]


@report(OURS)
def test_a_branch_without_a_commit(project: Repository) -> None:
    """Other revisions still work."""
    project.git("checkout", "--quiet", "--orphan", "new")
    assert _texts("main") == ["two", "three"]
    with pytest.raises(InputError, match="no commit yet"), revision("HEAD"):
        pass


@report("shakacode/react_on_rails#3224")
def test_a_shallow_clone(project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clone's last commit works; for the one before, the message says to fetch it."""
    project.git("clone", "--quiet", "--depth", "1", f"file://{project.top}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    assert _texts("HEAD") == ["two", "two"]
    with pytest.raises(InputError, match="fetch it in a shallow clone"), revision("HEAD~1"):
        pass


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("with space", marks=[report(OURS), pytest.mark.long]),
        pytest.param("Übung 数", marks=[report(OURS), pytest.mark.long]),
        pytest.param("10:21:15", marks=[report("pypa/virtualenv#63"), pytest.mark.long]),
        pytest.param("github.com:22", marks=[report("pypa/virtualenv#395"), pytest.mark.long]),
        pytest.param("a\nb", marks=[report(OURS), pytest.mark.long]),
        pytest.param("'quoted' \"$HOME\" *", marks=[report(OURS), pytest.mark.long]),
        pytest.param(os.fsdecode(b"latin-\xe9"), marks=[report(OURS), pytest.mark.long]),
        pytest.param(os.fsdecode(b'a\nb 10:21 "latin"-\xe9'), marks=report("pypa/virtualenv#63")),
    ],
)
def test_names_of_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Both sides find their own code, whatever the project's folder and the temporary folder are called."""
    project = new_repository(tmp_path / name, {"deep/model.py": "def f(x):\n    return 2 * x\n"})
    project.write({"deep/model.py": "def f(x):\n    return x + x\n"})
    monkeypatch.chdir(project.top / "deep")
    (tmp_path / "tmp" / name).mkdir()
    _temporary(tmp_path / "tmp" / name, monkeypatch)
    spec = SweepSpec(engines=["model:f"], inputs=[4], outputs=[2], rounds=1, blocks=1, block_seconds=1e-5)
    with revision("HEAD") as sides, closing(against(spec, sides)) as observations:
        (seen,) = observations
    assert [len(seen.base["model:f"].values), len(seen.head["model:f"].values)] == [1, 1], seen
    assert project.worktrees[1:] == []


@report("j178/prek#2293")
def test_a_bare_repository_with_a_working_tree_elsewhere(
    project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People keep the files of their home folder so: git's variables say which project it is."""
    project.git("clone", "--quiet", "--bare", str(project.top), str(tmp_path / "bare"))
    home = tmp_path / "home"
    (home / "deep").mkdir(parents=True)
    (home / "a").write_text("mine\n")
    monkeypatch.setenv("GIT_DIR", "../../bare")
    monkeypatch.setenv("GIT_WORK_TREE", str(home))
    monkeypatch.chdir(home / "deep")
    with revision("HEAD~1") as sides:
        assert [(sides.base / "a").read_text(), (sides.head / "a").read_text()] == ["one\n", "mine\n"]
        assert (sides.head, sides.inside) == (home, Path("deep"))
        assert Repository(sides.base).git("status", "--porcelain") == ""
    assert len(Repository(tmp_path / "bare").worktrees) == 1


@report(OURS)
def test_variables_that_name_nothing(project: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository does not exist, as after `cd` in a hook; the current folder is a project."""
    monkeypatch.setenv("GIT_DIR", "nowhere/.git")
    monkeypatch.setenv("GIT_INDEX_FILE", "nowhere/index")
    assert _texts() == ["two", "three"]
    assert project.git("status", "--porcelain") == "M a"


@report(OURS)
def test_a_repository_without_a_working_tree(project: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line refuses it, in the repository itself and where its variables name a working tree elsewhere."""
    monkeypatch.chdir(project.top / ".git")
    with pytest.raises(InputError, match="must be run in a work tree"), revision("HEAD"):
        pass
    (project.top.parent / "elsewhere").mkdir()
    monkeypatch.chdir(project.top.parent / "elsewhere")
    monkeypatch.setenv("GIT_DIR", str(project.top / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(project.top))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(project.top.parent))
    with pytest.raises(InputError, match=r"the working tree is .*project"), revision("HEAD"):
        pass


@report("casperdcl/git-fame#81")
def test_a_repository_of_another_user(project: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git refuses it, and the same line gives git's advice; a setting in the environment works."""
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(InputError, match=r"dubious ownership .* git config --global --add safe\.directory") as refused:
        _texts()
    assert "\n" not in str(refused.value)
    for name, value in {"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"}.items():
        monkeypatch.setenv(f"GIT_CONFIG_{name}", value)
    assert _texts() == ["two", "three"]
    assert project.git("status", "--porcelain", GIT_TEST_ASSUME_DIFFERENT_OWNER="0") == "M a"


_SETTINGS = {
    "core.hooksPath": "hooks",
    "core.autocrlf": "input",
    "core.fsmonitor": "true",
    "commit.gpgSign": "true",
    "submodule.recurse": "true",
    "extensions.worktreeConfig": "true",
    "checkout.workers": "4",
    "worktree.guessRemote": "true",
    "core.worktree": "..",
    "core.untrackedCache": "true",
}


@report(OURS)
@pytest.mark.parametrize("name", _SETTINGS)
def test_settings(project: Repository, name: str) -> None:
    """Settings of the project that do not suit a short-lived worktree have no effect: hooks and daemons do not run."""
    project.write({"hooks/post-checkout": f"#!/bin/sh\ntouch {project.top}/ran\n"})
    (project.top / "hooks" / "post-checkout").chmod(0o755)
    project.git("config", name, _SETTINGS[name])
    assert _texts() == ["two", "three"]
    assert not (project.top / "ran").exists()
    assert not (project.top / ".git" / "fsmonitor--daemon.ipc").exists()
    assert len(project.worktrees) == 1


@report("libgit2/libgit2#7210")
def test_no_extension_is_set(project: Repository) -> None:
    """With relative paths, git 2.48 sets an extension for good, which other programs refuse."""
    project.git("config", "worktree.useRelativePaths", "true")
    before = (project.top / ".git" / "config").read_bytes()
    assert git("config", "worktree.useRelativePaths", at=project.top).stdout == "false\n"
    assert _texts() == ["two", "three"]
    assert (project.top / ".git" / "config").read_bytes() == before


@report("PostHog/code#1729")
def test_a_filter_that_is_not_installed(project: Repository) -> None:
    """A Git LFS file stays as committed; if the filter is required, the message gives git's reason."""
    project.commit({".gitattributes": "*.bin filter=lfs\n", "data.bin": "a pointer\n"})
    assert _texts(file="data.bin") == ["a pointer", "a pointer"]
    project.git("config", "filter.lfs.smudge", "no-such-program")
    project.git("config", "filter.lfs.required", "true")
    with pytest.raises(InputError, match=r"cannot check out \w{12} into .*: data\.bin: smudge filter lfs failed"):
        _texts()
    assert len(project.worktrees) == 1


@report(OURS)
def test_a_sparse_checkout(project: Repository) -> None:
    """Base has the same part as head."""
    project.commit({"in/b": "there\n", "out/c": "not there\n"})
    project.git("sparse-checkout", "set", "in")
    assert _texts(file="in/b") == ["there", "there"]
    with revision("HEAD") as sides:
        assert [(folder / "out").exists() for folder in (sides.base, sides.head)] == [False, False]


@report(OURS)
def test_line_ends(project: Repository) -> None:
    """Line ends are those that git writes into the working tree."""
    project.git("config", "core.autocrlf", "true")
    with revision("HEAD") as sides:
        assert (sides.base / "a").read_bytes() == b"two\r\n"


@report("nolabs-ai/nono#88")
def test_a_repository_that_cannot_be_written(project: Repository) -> None:
    """Base is then files only. Root may write everywhere, but cannot make a folder where a file is."""
    (project.top / ".git" / "worktrees").write_text("")
    before = sorted((project.top / ".git").rglob("*"))
    with revision("HEAD") as sides:
        assert (sides.base / "a").read_text() == "two\n"
        assert not (sides.base / ".git").exists()
    assert sorted((project.top / ".git").rglob("*")) == before


@report(OURS)
def test_temporary_files_in_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base then lies inside head, and its modules do not count as foreign."""
    project = new_repository(
        tmp_path / "project", {"model.py": "def f(x):\n    return 2 * x\n", ".gitignore": "__pycache__/\n"}
    )
    (project.top / "tmp").mkdir()
    _temporary(project.top / "tmp", monkeypatch)
    monkeypatch.chdir(project.top)
    spec = SweepSpec(engines=["model:f"], inputs=[4], outputs=[2], rounds=1, blocks=1, block_seconds=1e-5)
    with revision("HEAD") as sides, closing(against(spec, sides)) as observations:
        (seen,) = observations
    assert len(seen.base["model:f"].values) == 1, seen
    assert project.git("status", "--porcelain") == ""


@report(OURS)
def test_no_place_for_temporary_files(project: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing one is skipped, as Python does; if there is none at all, the line says what to set."""
    _temporary(tmp_path / "nowhere", monkeypatch)
    assert _texts() == ["two", "three"]
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="No such file or directory; set TMPDIR to a folder that can be written"):
        _texts()
    assert len(project.worktrees) == 1


_STAYS = """
import sys, time
from fwdrev.bench.revisions.git_worktree import itself, revision
with (revision("HEAD") if sys.argv[1] == "against" else itself()) as sides:
    print(sides.base, flush=True)
    time.sleep(600)
"""


class _Running:
    """A process that compares until it is ended."""

    def __init__(self, kind: str, folder: Path, temporary: Path) -> None:
        command = [sys.executable, "-P", "-c", _STAYS, kind]
        env = environment(TMPDIR=str(temporary))
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env=env)
        assert self._process.stdout is not None
        self.base = Path(self._process.stdout.readline().strip())

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self, number: signal.Signals) -> None:
        self.send(number)
        self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()


@report("ethanhq/cc-fleet#89")
@pytest.mark.parametrize("kind", ["against", "itself"])
def test_what_a_killed_check_left(project: Repository, tmp_path: Path, kind: str) -> None:
    """The next check or self-test removes its remains from git and from the disk."""
    running = _Running(kind, project.top, tmp_path / "tmp")
    running.end(signal.SIGKILL)
    assert running.base.exists()
    assert len(project.worktrees) == (2 if kind == "against" else 3)
    assert _texts() == ["two", "three"]
    assert len(project.worktrees) == 1
    assert list((tmp_path / "tmp").iterdir()) == []
    assert not (project.top / ".git" / "worktrees").exists()


_WHOLE = ("--functions", "model:f", "--point", "model:point", "--rounds")


@report("ethanhq/cc-fleet#89")
@pytest.mark.parametrize(
    "command", ["check --against HEAD", pytest.param("selftest --out record", marks=pytest.mark.long)]
)
def test_a_killed_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """A command killed during its rounds takes its sides along, and the next one leaves nothing of either."""
    project = new_repository(tmp_path / "project", {"model.py": MODEL})
    monkeypatch.chdir(project.top)
    env = environment(TMPDIR=str(tmp_path / "tmp"))
    words = [sys.executable, "-P", "-m", "fwdrev", *command.split(), *_WHOLE, "9999"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=env)
    while not (sides := _sides(process.pid, tmp_path / "tmp")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)
    assert len(project.worktrees) > 1
    assert psutil.wait_procs(sides, timeout=60)[1] == []
    with lasting_pairs():
        again = fwdrev("check", "--against", "HEAD", *_WHOLE, "3", "--threshold", "900%", env=env)
    assert again.returncode == 0, again.stderr
    assert project.worktrees == [str(project.top)]
    assert list((tmp_path / "tmp").iterdir()) == []


def _sides(pid: int, temporary: Path) -> list[psutil.Process]:
    """Both sides, once they exist."""
    started = list(temporary.glob("fwdrev-*/scratch/*.log"))
    found = psutil.Process(pid).children(recursive=True)
    return found if started and len(found) > 1 else []


@report("anthony-chaudhary/fak#4604")
def test_what_was_left_in_another_folder(project: Repository, tmp_path: Path) -> None:
    """CI jobs have temporary folders of their own, which may be gone: git's entry leads there."""
    for gone in (False, True):
        (tmp_path / "job").mkdir()
        running = _Running("against", project.top, tmp_path / "job")
        running.end(signal.SIGKILL)
        if gone:
            shutil.rmtree(running.base.parent)
        with itself():
            pass
        assert list((tmp_path / "job").iterdir()) == []
        assert len(project.worktrees) == 1
        (tmp_path / "job").rmdir()


@report("khayweee/code-review#149")
def test_what_belongs_to_others_stays(project: Repository, tmp_path: Path) -> None:
    """A running check, and the user's worktrees with such a name, stay, even those on a drive that is not mounted."""
    running = _Running("against", project.top, tmp_path / "tmp")
    stopped = _Running("itself", project.top, tmp_path / "tmp")
    stopped.send(signal.SIGSTOP)
    theirs, gone = tmp_path / "tmp" / "fwdrev-against-mine" / "base", tmp_path / "drive" / "fwdrev-itself-old" / "base"
    for place in (theirs, gone):
        project.git("worktree", "add", "--quiet", "--detach", str(place))
    shutil.rmtree(tmp_path / "drive")
    before = project.worktrees
    (tmp_path / "tmp" / "fwdrev-against-notes").mkdir()
    (tmp_path / "tmp" / "fwdrev-against-file").write_text("mine")
    assert _texts() == ["two", "three"]
    assert project.worktrees == before
    assert len(before) == 6
    assert running.base.exists()
    assert stopped.base.exists()
    stopped.send(signal.SIGCONT)
    for process in (running, stopped):
        process.end(signal.SIGINT)
    assert set(project.worktrees) == {str(project.top), str(gone), str(theirs)}
    names = {path.name for path in (tmp_path / "tmp").iterdir()}
    assert names == {"fwdrev-against-mine", "fwdrev-against-notes", "fwdrev-against-file"}


@report(OURS)
@pytest.mark.parametrize(
    "spoil",
    [
        lambda record: os.chown(record, 12345, -1),
        lambda record: record.write_text("{"),
        lambda record: record.write_text('{"repositories": 3}'),
        lambda record: record.write_bytes(b"\xff"),
    ],
)
def test_a_record_that_is_not_ours(
    project: Repository, tmp_path: Path, spoil: Callable[[Path], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record of another user or an unreadable one: nothing is removed."""
    running = _Running("itself", tmp_path, tmp_path / "tmp")
    running.end(signal.SIGKILL)
    if os.geteuid() == 0:
        spoil(running.base.parent / "fwdrev-owner")
    else:
        monkeypatch.setattr(os, "geteuid", lambda: -1)
    assert _texts() == ["two", "three"]
    assert running.base.exists()
    assert len(project.worktrees) == 1
