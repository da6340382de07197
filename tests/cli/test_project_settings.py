"""The search for `[tool.fwdrev]`, and messages for faults in pyproject.toml."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from fwdrev.bench.machine.git import without_repository
from fwdrev.bench.records.project_table import ProjectSettings
from fwdrev.cli.gate.project_settings import project_settings
from fwdrev.modes.errors import InputError


@pytest.fixture
def top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The top of a git project, the current folder."""
    environment = without_repository({"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    project = tmp_path / "project"
    project.mkdir()
    subprocess.run(["git", "init", "--quiet", str(project)], env=environment, cwd=tmp_path, check=True)  # noqa: S607
    return goes_to(project, monkeypatch)


def goes_to(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Makes a folder and enters it."""
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.chdir(folder)
    return folder


def written(folder: Path, table: str, before: str = "") -> Path:
    """Writes a pyproject.toml with the table."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "pyproject.toml"
    path.write_text(f"{before}[tool.fwdrev]\n{table}\n", encoding="utf-8")
    return path


def here() -> ProjectSettings | None:
    """Finds the settings as the commands do."""
    return project_settings(Path.cwd())


@pytest.mark.parametrize("value", ["3", '"a:f"', "[]", "[{}]", "1979-05-27"])
def test_what_is_no_table_is_told(value: str, top: Path) -> None:
    """`[[tool.fwdrev]]` and `tool.fwdrev = 3` are refused."""
    (top / "pyproject.toml").write_text(f"[tool]\nfwdrev = {value}\n")
    with pytest.raises(InputError, match=r"^pyproject.toml, \[tool.fwdrev\] is .*: make it one table of keys"):
        here()


def test_it_is_found_from_anywhere_in_the_project(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules are the same from there; files are relative to there."""
    written(top, 'functions = ["model:step", "lib/model.py:energy", "jacrev:a.py:f"]\npoints = "lib/model.py:point"')
    found = here()
    assert found is not None
    assert found.functions == ["model:step", "lib/model.py:energy", "jacrev:a.py:f"]
    goes_to(top / "lib" / "deep", monkeypatch)
    found = here()
    assert found is not None
    assert found.functions == ["model:step", "../model.py:energy", "jacrev:../../a.py:f"]
    assert found.points == ["../model.py:point"]
    assert found.path == []


def test_the_nearest_table_counts(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyproject.toml without it, with a `tool` that is no table, or that is a folder, is skipped."""
    written(top, "rounds = 4")
    for folder, text in {"plain": "[tool.ruff]\n", "number": "tool = 3\n", "empty": "", "none": "[project]\n"}.items():
        inside = goes_to(top / folder / "src", monkeypatch)
        (inside.parent / "pyproject.toml").write_text(text)
        (inside / "pyproject.toml").mkdir()
        found = here()
        assert found is not None
        assert found.rounds == 4
        written(inside / "inner", "rounds = 5")
        monkeypatch.chdir(inside / "inner")
        found = here()
        assert found is not None
        assert found.rounds == 5


def test_it_is_not_looked_for_beyond_the_project(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files above the top belong to another project, even broken ones."""
    written(top.parent, "rounds = 4")
    assert here() is None
    (top.parent / "pyproject.toml").write_text("[tool")
    goes_to(top / "inside", monkeypatch)
    assert here() is None


def test_without_git_the_first_file_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search ends at the first pyproject.toml, as the project's extent is unknown; places are relative to here."""
    written(tmp_path, 'rounds = 4\npath = ["lib"]')
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    inside = goes_to(tmp_path / "a" / "b", monkeypatch)
    found = here()
    assert found is not None
    assert found.rounds == 4
    assert found.path == ["../../lib", "../.."]
    (inside.parent / "pyproject.toml").write_text("[project]\n")
    assert here() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    written(inside.parent, "rounds = 5")
    found = here()
    assert found is not None
    assert found.rounds == 5


def test_in_a_project_within_the_project_places_are_its_own(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Options take places from the top of the git project; the table takes them from its own folder."""
    home = top / "packages" / "a[1]"
    written(home, 'path = ["python", "../shared"]\ncopy = ["_version.py", "data/*.npz", "/built/"]')
    (home / "src").mkdir()
    monkeypatch.chdir(home)
    found = here()
    assert found is not None
    assert found.path == ["packages/a[1]/python", "packages/shared"]
    assert found.copy_patterns == ["_version.py", "packages/a[[]1]/data/*.npz", "packages/a[[]1]/built/"]
    goes_to(home / "tests", monkeypatch)
    found = here()
    assert found is not None
    assert found.path[2:] == ["packages/a[1]", "packages/a[1]/src"]


FAULTS: Mapping[str, tuple[bytes, str]] = {
    "broken": (b"[tool.fwdrev\n", "is not TOML: Expected"),
    "twice": (b"[tool.fwdrev]\nrounds = 3\nrounds = 4\n", "is not TOML: Cannot overwrite"),
    "no UTF-8": (b"[tool.fwdrev]\nfunctions = ['\xff:f']\n", "is not TOML: 'utf-8' codec"),
    "UTF-16": ("[tool.fwdrev]\n".encode("utf-16"), "it is UTF-16"),
    "huge": (b"# " + b"x" * 2**20, "it has more than 1,048,576 bytes; make it one that can be read"),
    "deep": (b"a = " + b"[" * 100_000, "is not TOML: "),
    "digits": (b"[tool.fwdrev]\nrounds = " + b"9" * 5000, "is not TOML: "),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_with_faults_is_told_in_one_line(fault: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line has its path from here."""
    data, told = FAULTS[fault]
    (top / "pyproject.toml").write_bytes(data)
    goes_to(top / "inside", monkeypatch)
    with pytest.raises(InputError, match=told) as refused:
        here()
    assert str(refused.value).startswith("../pyproject.toml")
    assert len(str(refused.value).splitlines()) == 1


def test_files_of_other_editors_are_read(top: Path) -> None:
    """A byte-order mark and carriage returns do not matter."""
    (top / "pyproject.toml").write_bytes(b"\xef\xbb\xbf[tool.fwdrev]\r\nrounds = 7\r\n")
    found = here()
    assert found is not None
    assert found.rounds == 7


def test_a_link_is_followed(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places are relative to the link's folder; a link that leads nowhere is reported."""
    real = written(top / "elsewhere", 'functions = ["model.py:step"]')
    (top / "pyproject.toml").symlink_to(real)
    goes_to(top / "inside", monkeypatch)
    found = here()
    assert found is not None
    assert found.functions == ["../model.py:step"]
    real.unlink()
    with pytest.raises(InputError, match=r"^\.\./pyproject.toml: No such file or directory; make it one that can be"):
        here()


def test_a_folder_that_is_a_link_is_the_one_it_leads_to(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Git sees it so too."""
    written(top, "rounds = 4")
    (top / "inside").mkdir()
    (top.parent / "link").symlink_to(top / "inside")
    monkeypatch.chdir(top.parent / "link")
    found = project_settings(top.parent / "link")
    assert found is not None
    assert found.rounds == 4


def test_a_file_that_may_not_be_read_is_told(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file may hold the table."""
    written(top, "rounds = 4")

    def refused(*given: object) -> bytes:
        raise PermissionError(13, "Permission denied", str(given[0]))

    monkeypatch.setattr("fwdrev.bench.records.given_file.content", refused)
    with pytest.raises(InputError, match=r"^pyproject.toml: Permission denied; make it one that can be read$"):
        here()
