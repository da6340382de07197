"""Projects as people have them: submodules, generated files, folders of code; both sides find them, or get a remedy."""

import re
import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench import Status, SweepSpec
from fwdrev.bench.processes.side_process import SideProcess, side_path
from fwdrev.bench.records.sides import SideObservation
from fwdrev.bench.revisions.git_worktree import itself, revision
from fwdrev.bench.revisions.lookup import looked_up
from fwdrev.bench.revisions.missing import hint
from fwdrev.bench.revisions.pair import Pair
from fwdrev.bench.revisions.rounds import against
from fwdrev.bench.revisions.side import Side
from fwdrev.modes import InputError
from tests.command import fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.wild.reports import OURS, report
from tests.wild.repositories import Repository, environment, new_repository

MODEL = "def f(x):\n    return 2 * x\n\ndef point():\n    return 3.0\n"


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """No user's settings."""
    for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"):
        monkeypatch.setenv(name, environment()[name])


def _project(folder: Path, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = new_repository(folder, files)
    monkeypatch.chdir(made.top)
    return made


def _seen(arm: str, name: str = "HEAD", **places: list[str]) -> SideObservation:
    """Measures one block of one cell."""
    spec = SweepSpec(engines=[arm], inputs=[4], outputs=[2], rounds=1, blocks=1, block_seconds=1e-5)
    with revision(name, **places) as sides, closing(against(spec, sides)) as observations:
        (seen,) = observations
    return seen


def _base(seen: SideObservation) -> tuple[Status, str | None]:
    ((name, arm),) = [(name, arm) for name, arm in seen.base.items() if name != "control"]
    assert seen.head[name].status in {Status.MEASURED, Status.SKIPPED}
    return arm.status, arm.reason


def _check(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command on small cells, in few processes."""
    with lasting_pairs():
        return fwdrev("check", "--against", "HEAD", *arguments, "--rounds", "3", "--threshold", "900%")


MEASURED = (Status.MEASURED, None)


def _with_submodule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Code in the submodule `lib`, which contains the submodule `lib/deep`; base has an older state than head."""
    new_repository(tmp_path / "deep", {"more.py": "FACTOR = 2\n"})
    code = "from lib.deep.more import FACTOR\ndef f(x):\n    return FACTOR * x\n"
    lib = new_repository(tmp_path / "lib", {"code.py": code})
    lib.git("submodule", "--quiet", "add", str(tmp_path / "deep"), "deep")
    lib.commit()
    project = _project(tmp_path / "project", {"README": "code in lib\n"}, monkeypatch)
    project.git("submodule", "--quiet", "add", str(tmp_path / "lib"), "lib")
    project.git("submodule", "--quiet", "update", "--init", "--recursive")
    project.commit()
    return project


@report("airspeed-velocity/asv#414")
@pytest.mark.parametrize("gone", [False, True])
def test_code_in_a_submodule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, gone: bool) -> None:
    """In base a submodule, even a nested one, has the revision's commit, without the network or its checkout."""
    project = _with_submodule(tmp_path, monkeypatch)
    project.git("config", "submodule.recurse", "true")
    for name in ("lib", "deep"):
        (tmp_path / name).rename(tmp_path / f"{name}-is-not-here")
    inner = Repository(project.top / "lib")
    inner.commit({"code.py": "def f(x):\n    return x + x  # changed\n"})
    if gone:
        project.git("submodule", "--quiet", "deinit", "--force", "lib")
    with revision("HEAD") as sides:
        assert "FACTOR * x" in (sides.base / "lib" / "code.py").read_text()
        assert (sides.base / "lib" / "deep" / "more.py").read_text() == "FACTOR = 2\n"
        assert sides.absent == {}
    if not gone:
        assert _base(_seen("lib.code:f")) == MEASURED
    assert len(project.worktrees) == 1
    assert gone or len(inner.worktrees) == 1


@report("wireapp/wire-avs#5")
def test_a_submodule_that_is_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The messages name what base lacks and the remedy where it matters; the exit code means nothing was compared."""
    project = _with_submodule(tmp_path, monkeypatch)
    inner = Repository(project.top / "lib")
    inner.git("checkout", "--quiet", "--orphan", "new")
    inner.commit({"code.py": MODEL})
    lost = project.git("rev-parse", "HEAD:lib")
    for branch in ("main", "origin/main", "origin/HEAD"):
        inner.git("update-ref", "-d", f"refs/heads/{branch}")
        inner.git("update-ref", "-d", f"refs/remotes/{branch}")
    inner.git("update-ref", "-d", "refs/remotes/origin/main")
    inner.git("update-ref", "-d", "refs/remotes/origin/HEAD")
    inner.git("reflog", "expire", "--expire=now", "--all")
    inner.git("gc", "--quiet", "--prune=now")
    status, reason = _base(_seen("lib.code:f"))
    assert status is Status.FAILED
    assert f"the submodule lib has not the commit {lost[:12]}: git -C lib fetch" in str(reason)


@report("pypa/setuptools-scm#933")
@pytest.mark.parametrize(
    ("imported", "file", "pattern"),
    [
        ("from pkg._version import version", "pkg/_version.py", "pkg/_version.py"),
        pytest.param("from pkg import _version", "pkg/_version.py", "_version.py", marks=pytest.mark.long),
        pytest.param("from . import _version", "pkg/_version.py", "*/_version.py", marks=pytest.mark.long),
        pytest.param("import pkg.gen.parser", "pkg/gen/parser.py", "pkg/gen/*", marks=pytest.mark.long),
        pytest.param(
            "open(__file__.replace('__init__.py', 'data.bin')).read()",
            "pkg/data.bin",
            "data.*",
            marks=pytest.mark.long,
        ),
    ],
)
def test_a_generated_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, imported: str, file: str, pattern: str
) -> None:
    """Git ignores it, so base lacks it: the reason says so and names the option, which helps."""
    files = {"pkg/__init__.py": f"{imported}\n{MODEL}", ".gitignore": "__pycache__/\n_version.py\ngen/\n*.bin\n"}
    project = _project(tmp_path / "project", files, monkeypatch)
    project.write({file: "version = 1\n", "other/_version.txt": "no match\n"})
    status, reason = _base(_seen("pkg:f"))
    named = re.fullmatch(r".*; (\S+) is generated and ignored by git: give --copy (\S+)", str(reason))
    assert status is Status.FAILED
    assert named is not None, reason
    assert file.startswith(named[1])
    for given in {named[2], pattern}:
        assert _base(_seen("pkg:f", copy=[given])) == MEASURED
    assert project.git("status", "--porcelain") == "?? other/"


@report(OURS)
def test_code_that_does_without_a_generated_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some packages are slow without their extension: base would run other code, so that is no comparison."""
    code = f"try:\n    from pkg._fast import f\nexcept ImportError:\n    {MODEL.replace('    ', '        ')}"
    project = _project(tmp_path / "project", {"pkg/__init__.py": code, ".gitignore": "_fast.py\n"}, monkeypatch)
    project.write({"pkg/_fast.py": MODEL, "pkg/new.py": ""})
    status, reason = _base(_seen("pkg:f"))
    assert status is Status.FAILED
    assert str(reason).startswith("it runs without a file that head imports: pkg/_fast.py is generated and ignored")
    assert str(reason).endswith("give --copy pkg/_fast.py")
    with revision("HEAD", copy=["_fast.py"]) as sides:
        assert (sides.base / "pkg" / "_fast.py").read_text() == MODEL


@report("scikit-build/scikit-build-core#1375")
def test_a_compiled_extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Built in place, it is a generated file: once copied, both sides run the same binary, and a message says so."""
    files = {"pkg/__init__.py": f"from pkg import _core\n{MODEL}", ".gitignore": "*.so\n"}
    project = _project(tmp_path / "project", files, monkeypatch)
    built = project.top / "pkg" / "_core.cpython-311-x86_64-linux-gnu.so"
    built.write_bytes(b"no library")
    hinted = _hint({"modules": ["pkg._core"]}, {"pkg._core": built})
    assert hinted == (
        "pkg/_core.cpython-311-x86_64-linux-gnu.so was built here and ignored by git: give --copy 'pkg/_core*.so' "
        "(both sides then run the same binary)"
    )
    with revision("HEAD", copy=["pkg/_core*.so"]) as sides:
        assert (sides.base / "pkg" / built.name).read_bytes() == b"no library"


class _Head(SideProcess):
    """A head that answers only where it has its modules."""

    def __init__(self, files: dict[str, Path]) -> None:
        self.name, self._files = "head", files

    def ask(self, command: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        return {"files": {name: str(self._files[name]) for name in command["modules"] if name in self._files}}


def _hint(answer: dict[str, Any], files: dict[str, Path]) -> str | None:
    """The hint for an arm of `pkg` if head has these files."""
    with revision("HEAD") as sides:
        return hint(Pair(_Head({}), _Head(files), 1.0, sides), "pkg:f", answer)


@report(OURS)
def test_generated_files_of_a_submodule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such files are copied too; a file that the revision has stays its own."""
    project = _with_submodule(tmp_path, monkeypatch)
    (project.top / ".git" / "modules" / "lib" / "info" / "exclude").write_text("made.py\n")
    project.write({"lib/made.py": "X = 1\n", "made.py": "committed\n"})
    project.commit()
    project.write({"made.py": "changed\n", ".gitignore": "made.py\n"})
    for pattern in ("made.py", "lib/made.py"):
        with revision("HEAD", copy=[pattern]) as sides:
            assert (sides.base / "lib" / "made.py").read_text() == "X = 1\n"
            assert (sides.base / "made.py").read_text() == "committed\n"


@report("airspeed-velocity/asv#45")
@pytest.mark.parametrize("installed", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_package_in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, installed: bool) -> None:
    """An editable install gives both sides head's package; without one neither finds it; --path names its folder."""
    _project(tmp_path / "project", {"python/pkg/__init__.py": MODEL}, monkeypatch)
    if installed:
        monkeypatch.setenv("PYTHONPATH", str(_finder(tmp_path, "python")))
        status, reason = _base(_seen("pkg:f"))
        assert status is Status.FAILED
        assert "pkg comes from" in str(reason)
        assert str(reason).endswith("the project has pkg in python: give --path python")
    assert _base(_seen("pkg:f", path=["python"])) == MEASURED


def _finder(tmp_path: Path, folder: str) -> Path:
    """Imitates an editable install: a module at start-up that puts the folder of the working tree on the path."""
    (tmp_path / "site").mkdir()
    line = f"import sys\nsys.path.append({str(tmp_path / 'project' / folder)!r})\n"
    (tmp_path / "site" / "sitecustomize.py").write_text(line)
    return tmp_path / "site"


@report("airspeed-velocity/asv#45")
def test_the_command_says_what_to_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outcome is neither unchanged nor regressed, and with the options that it names everything is measured."""
    files = {"python/pkg/__init__.py": f"import pkg._version\n{MODEL}", ".gitignore": "_version.py\n__pycache__\n"}
    project = _project(tmp_path / "project", files, monkeypatch)
    project.write({"python/pkg/_version.py": ""})
    done = _check("--functions", "pkg:f", "--point", "pkg:point")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1), done.stderr
    assert "the project has pkg in python: give --path python" in done.stderr
    options = ["--functions", "pkg:f", "--point", "pkg:point", "--path", "python"]
    done = _check(*options)
    assert done.returncode in {3, 4}, done.stderr
    assert "give --copy python/pkg/_version.py" in done.stdout
    done = _check(*options, "--copy", "_version.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.git("status", "--porcelain") == ""


@report(OURS)
def test_a_link_to_a_folder_of_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data too large for the project lie elsewhere, behind an ignored link: copying the link helps."""
    code = f"SCALE = open(__file__.replace('model.py', 'data/deep/scale')).read()\n{MODEL}"
    project = _project(tmp_path / "project", {"model.py": code, ".gitignore": "data\n"}, monkeypatch)
    (tmp_path / "disk" / "deep").mkdir(parents=True)
    (tmp_path / "disk" / "deep" / "scale").write_text("2")
    (project.top / "data").symlink_to(tmp_path / "disk")
    status, reason = _base(_seen("model:f"))
    assert status is Status.FAILED
    assert str(reason).endswith("; data is generated and ignored by git: give --copy data")
    with revision("HEAD", copy=["data"]) as sides:
        assert (sides.base / "data" / "deep" / "scale").read_text() == "2"
    assert (tmp_path / "disk" / "deep" / "scale").read_text() == "2"


@report("nicholasjng/pybm#11")
@pytest.mark.parametrize("arm", [pytest.param("pkg:f", marks=pytest.mark.long), "model:f"])
def test_an_install_with_an_import_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arm: str) -> None:
    """Some build backends install one that precedes any path: base would run head's code; a line names the remedy."""
    files = {"src/pkg/__init__.py": MODEL, "model.py": f"import pkg\n{MODEL}"}
    project = _project(tmp_path / "project", files, monkeypatch)
    package = project.top / "src" / "pkg"
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(_HOOK.format(str(package)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    status, reason = _base(_seen(arm))
    assert status is Status.FAILED
    assert f"; an import hook, as some editable installs have, finds pkg in {package} before the path" in str(reason)
    assert "\n" not in str(reason)


_HOOK = """
import sys
from importlib.util import spec_from_file_location

class Hook:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "pkg":
            return spec_from_file_location(name, {0!r} + "/__init__.py", submodule_search_locations=[{0!r}])

sys.meta_path.insert(0, Hook)
"""


@report(OURS)
@pytest.mark.parametrize("name", ["^HEAD", "^main"])
def test_a_name_that_excludes_a_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Git takes such a name, as in a range, for a revision, but not for one to check out."""
    _project(tmp_path / "project", {"model.py": MODEL}, monkeypatch)
    with pytest.raises(InputError, match=r"unknown revision '\^\w+' of .*: give a commit"), revision(name):
        pass


@report(OURS)
@pytest.mark.parametrize("point", ["jacfwd:model:f", "my point", "model:", ""])
def test_a_point_that_is_no_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """The message suggests no engine, and no function beside it."""
    _project(tmp_path / "project", {"model.py": MODEL}, monkeypatch)
    spec = SweepSpec(engines=["model:f"], inputs=[4], outputs=[2], rounds=1)
    with revision("HEAD") as sides, pytest.raises(InputError, match=r"--point '.*': name the function that returns"):
        looked_up(spec, sides, inputs=point)


@report(OURS)
def test_twice_the_same_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In `fwdrev selftest` both sides are checkouts with the same needs; each has its own folders of PYTHONPATH."""
    files = {"python/pkg/__init__.py": f"import pkg._version\n{MODEL}", ".gitignore": "_version.py\n"}
    project = _project(tmp_path / "project", files, monkeypatch)
    project.write({"python/pkg/_version.py": ""})
    spec = SweepSpec(engines=["pkg:f"], inputs=[4], outputs=[2], rounds=1, blocks=1, block_seconds=1e-5)
    for places, inherited in (({"path": ["python"]}, ""), ({}, str(project.top / "python"))):
        monkeypatch.setenv("PYTHONPATH", inherited)
        with itself(copy=["_version.py"], **places) as sides, closing(against(spec, sides)) as observations:
            (seen,) = observations
        assert _base(seen) == MEASURED
        assert seen.head["pkg:f"].status is Status.MEASURED
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="is not in a git project"), itself(path=["python"]):
        pass


@report("nicholasjng/pybm#11")
def test_an_install_of_another_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides would find the same code there: a message says so and names the remedy."""
    new_repository(tmp_path / "elsewhere", {"pkg/__init__.py": MODEL})
    _project(tmp_path / "project", {"README": "nothing\n"}, monkeypatch)
    where = tmp_path / "elsewhere" / "pkg"
    hinted = _hint({"modules": ["pkg"]}, {"pkg": where / "__init__.py"})
    assert hinted == (
        f"pkg is installed from {where}, which is not this project: run the check there, "
        "or install this one (pip install -e .)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    done = _check("--functions", "pkg:f", "--point", "pkg:point")
    assert done.returncode == 2, done.stdout
    assert f"pkg is installed from {where}, which is not this project" in done.stderr


@report(OURS)
def test_what_is_new_is_no_fault_of_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that is not committed has no base: no option would help."""
    project = _project(tmp_path / "project", {"README": "nothing\n"}, monkeypatch)
    project.write({"pkg.py": MODEL})
    assert _hint({"modules": ["pkg"]}, {"pkg": project.top / "pkg.py"}) is None
    assert _hint({"modules": ["numpy"]}, {}) is None


@report(OURS)
@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"path": ["nowhere"]}, "--path 'nowhere': give a folder of the project"),
        ({"path": [".."]}, "--path '..': give a folder"),
        ({"path": [""]}, "--path '': give a folder"),
        ({"path": ["README"]}, "--path 'README': give a folder"),
        ({"copy": ["README"]}, "--copy 'README': git ignores no file"),
        ({"copy": [""]}, "--copy '': git ignores no file"),
        ({"copy": ["../*"]}, "git ignores no file"),
    ],
)
def test_places_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, places: dict[str, list[str]], said: str
) -> None:
    """Each is refused in one line, before any checkout."""
    _project(tmp_path / "project", {"README": "nothing\n"}, monkeypatch)
    with pytest.raises(InputError) as refused, revision("HEAD", **places):
        pass
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@report(OURS)
def test_where_modules_are_looked_for(tmp_path: Path) -> None:
    """A project folder on PYTHONPATH is this side's if it has that folder; a project may be the whole file system."""
    for folder in ("base/python", "base/lib", "home/python", "home/built", "else"):
        (tmp_path / folder).mkdir(parents=True)
    base, home = tmp_path / "base", tmp_path / "home"
    given = f"{home}/python::{home}/built:{tmp_path}/else"
    found = side_path(base, Path(), home, given, [Path("lib")])
    assert found == [f"{base}/lib", f"{base}", f"{base}/python", f"{home}/built", f"{tmp_path}/else"]
    whole = side_path(base, Path(), Path("/"), f"{tmp_path}/else")
    assert whole == [f"{base}", f"{tmp_path}/else"]


@report(OURS)
def test_strangers(tmp_path: Path) -> None:
    """Modules in the other side's folder are foreign, but not those in our own or in Python's folders within it."""
    one = Side()
    (tmp_path / "tmp" / "base").mkdir(parents=True)
    (tmp_path / "tmp" / "base" / "own.py").write_text("")
    one.root, one.other = tmp_path / "tmp" / "base", tmp_path
    one.shared = (f"{one.root}/",)
    assert one.is_strange(f"{tmp_path}/own.py")
    assert not one.is_strange(str(one.root / "own.py"))
    assert not one.is_strange(f"{tmp_path}-2/own.py")
    one.other = Path("/")
    assert one.is_strange("/own.py")
    assert not one.is_strange("/usr/lib/json.py")
