"""`fwdrev selftest`: measures, resumes, and refuses bad input."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.command import expect_one_line, fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.doubles.scripted_rounds import scripted_rounds
from tests.project import make_project

SMALL = ("--inputs", "4", "--outputs", "2", "--rounds", "3", "--engines", "forward,reverse")
FEW = ("--rounds", "3", "--threshold", "900%")


def selftest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it here, in few processes."""
    with lasting_pairs():
        return fwdrev("selftest", *arguments)


def test_runs_are_recorded_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside any project it uses installed engines. Each line is a run, and only missing runs are measured."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fwdrev.bench.revisions.rounds.against", scripted_rounds)
    done = selftest("--runs", "1", "--delayed", "1", "--out", "record.jsonl", *SMALL)
    assert done.returncode == 0, done.stderr
    assert "identical code called slower: 0 of 1" in done.stdout
    first = Path("record.jsonl").read_text(encoding="utf-8").splitlines()
    assert [bool(json.loads(line)["delays"]) for line in first[1:]] == [False, True]
    again = selftest("--runs", "2", "--delayed", "1", "--resume", "record.jsonl", "--json")
    assert json.loads(again.stdout)["alarms"]["among"] == 2
    lines = Path("record.jsonl").read_text(encoding="utf-8").splitlines()
    assert lines[:3] == first
    assert len(lines) == 4


def test_functions_of_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both sides have the committed code."""
    project = make_project(tmp_path / "project")
    monkeypatch.chdir(project)
    (project / "model.py").write_text("raise RuntimeError('not committed')\n", encoding="utf-8")
    arms = ("--engines", "model:step", "--point", "model:point")
    done = selftest("--runs", "1", "--delayed", "0", "--out", str(tmp_path / "record.jsonl"), *arms, *FEW)
    assert done.returncode == 0, done.stderr
    assert "identical code called slower: 0 of 1" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--resume", "none.jsonl"), "cannot read none.jsonl"),
        (("--resume", "none.jsonl", "--rounds", "4"), "with --rounds: what is measured stands in the file"),
        (("--out", "no/where.jsonl"), "cannot write no/where.jsonl"),
        (("--engines", "unheard"), "unheard"),
        (("--threshold", "much"), "give a share such as 5%"),
        (("--threshold", "1.2"), "1.2: a threshold is a share: did you mean 20%?"),
        (("--runs", "-1"), "--runs"),
    ],
)
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written."""
    monkeypatch.chdir(tmp_path)
    expect_one_line(selftest(*arguments), 2, said)
    assert not list(tmp_path.iterdir())
