"""`fwdrev check`: verdicts and exit codes, on a user's project; functions are in test_check_functions.py."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.command import expect_one_line, fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.project import make_project

SMALL = ("--inputs", "4,8", "--outputs", "2", "--rounds", "3", "--threshold", "900%")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's project with functions and an engine, in the current folder."""
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made)
    return made


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it here, where both sides find the engine too."""
    path = os.pathsep.join(filter(None, [str(Path.cwd()), os.environ.get("PYTHONPATH")]))
    with lasting_pairs():
        return fwdrev("check", *arguments, env={"PYTHONPATH": path, "GITHUB_STEP_SUMMARY": ""})


def change(path: Path, old: str, new: str) -> None:
    """Changes the working tree."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_more_operations_are_told_exactly(project: Path) -> None:
    """The exit code is 1 whatever the clock says, and the message has both numbers."""
    change(project / "mine.py", "COUNT = 10", "COUNT = 12")
    files = ("--junit", "junit.xml", "--markdown", "check.md", "--github")
    done = check("--against", "HEAD", "--engines", "mine", *files, *SMALL)
    assert done.returncode == 1, done.stderr
    assert "counts changed  mine at n = 4, m = 2  multiply adds 10 → 12" in done.stdout
    assert "outcome: regressed" in done.stdout.splitlines()
    assert "::error title=fwdrev check%3A regressed::base " in done.stdout.splitlines()[-3]
    failures = ET.parse(project / "junit.xml").findall("testsuite/testcase/failure")  # noqa: S314 - our own file
    assert ["multiply adds 10 → 12" in str(failure.get("message")) for failure in failures] == [True, True]
    rows = (project / "check.md").read_text(encoding="utf-8").splitlines()
    assert any("mine at n = 4, m = 2" in row and "multiply adds 10 → 12" in row for row in rows)


def test_a_comment_is_no_regression(project: Path) -> None:
    """The code is never 1; the JSON has the revision, and a finding for each arm in each cell."""
    change(project / "mine.py", "COUNT = 10", "COUNT = 10  # as before")
    done = check("--against", "HEAD", "--engines", "mine", "--json", *SMALL, "--inputs", "4")
    data = json.loads(done.stdout)
    assert done.returncode == data["exit_code"] != 1
    cells = [f for f in data["findings"] if f["subject"]["kind"] == "cell"]
    assert len(cells) == data["compared"] == 1
    assert len(data["base"]) == 40


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--against", "nowhere"), "unknown revision 'nowhere'"),
        (("--against", "HEAD", "--threshold", "much"), "give a share such as 5% or 0.05"),
        (("--against", "HEAD", "--engines", "backward"), "unknown engine 'backward'"),
        (("--against", "HEAD", "--engines", ","), "name at least one"),
        (("--against", "HEAD", "--rounds", "2"), "rounds 2: nothing is decided by fewer than 3"),
        (("--against", "HEAD", "--junit", "nowhere/junit.xml"), "--junit: cannot write nowhere/junit.xml"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    """The exit code is 2, and nothing is measured."""
    expect_one_line(check(*arguments), 2, said)


def test_outside_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside a project there is no revision to compare with."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    expect_one_line(check("--against", "HEAD"), 2, "is not in a git project")
