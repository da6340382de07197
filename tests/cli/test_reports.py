"""A report reaches every requested place: the terminal or a program, files, GitHub."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer

from fwdrev.cli.gate.reports import reports_of, tell
from fwdrev.modes import InputError
from fwdrev.results.gate.verdicts.markdown import MARKER
from fwdrev.results.gate.verdicts.report import GateReport, Outcome
from tests.gate_reports import OPEN, SAME, WORSE, of


@pytest.fixture(autouse=True)
def no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """No summary of a step, even if these tests run on GitHub."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def _told(report: GateReport, *, as_json: bool = False, github: bool = False, **files: Path) -> int:
    """Reports and returns the exit code."""
    reports = reports_of(junit=files.get("junit"), markdown=files.get("markdown"), github=github)
    with pytest.raises(typer.Exit) as ended:
        tell(report, {"told": len(report.told)}, reports, as_json=as_json)
    code: int = ended.value.exit_code
    return code


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.UNCHANGED, 0),
        (Outcome.IMPROVED, 0),
        (Outcome.REGRESSED, 1),
        (Outcome.INCONCLUSIVE, 3),
        (Outcome.NOTHING, 4),
    ],
)
def test_every_outcome_writes_all_and_has_its_exit_code(
    outcome: Outcome, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All forms are written, files included, which lose their old content."""
    junit, markdown = tmp_path / "junit.xml", tmp_path / "check.md"
    junit.write_text("x" * 100_000, encoding="utf-8")
    assert _told(of(WORSE, OPEN, SAME, outcome=outcome), junit=junit, markdown=markdown) == code
    assert f"outcome: {outcome}" in capsys.readouterr().out.splitlines()
    suite = ET.parse(junit).find("testsuite")  # noqa: S314 - our own file
    assert suite is not None
    assert suite.get("timestamp") is not None
    assert markdown.read_text(encoding="utf-8").startswith(MARKER)


def test_annotations_follow_the_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Annotations appear only on request."""
    _told(of(WORSE))
    assert "::" not in capsys.readouterr().out
    _told(of(WORSE), github=True)
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert [line.startswith("::error ") for line in lines[lines.index("outcome: regressed") :]] == [False, True, True]
    assert err == ""


def test_json_stays_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Annotations go to standard error, which GitHub reads as well."""
    _told(of(WORSE), github=True, as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"told": 1}
    assert [line.startswith("::error ") for line in err.splitlines()] == [True, True]


def test_the_summary_is_added_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step's earlier text stays; without --github we do not write to it."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", encoding="utf-8")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    _told(of(WORSE))
    assert summary.read_text(encoding="utf-8") == "before\n"
    _told(of(WORSE), github=True)
    assert summary.read_text(encoding="utf-8").startswith(f"before\n{MARKER}\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "")
    assert _told(of(WORSE), github=True) == 1


@pytest.mark.parametrize("name", ["none/junit.xml", "folder", "file/junit.xml", "x" * 300])
def test_what_cannot_be_written_is_known_before(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each kind of file is tried before measuring, without a trace."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("", encoding="utf-8")
    path = tmp_path / name
    with pytest.raises(InputError, match="--junit: cannot write"):
        reports_of(junit=path, markdown=None, github=False)
    with pytest.raises(InputError, match="--markdown: cannot write"):
        reports_of(junit=None, markdown=path, github=False)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    with pytest.raises(InputError, match="GITHUB_STEP_SUMMARY: cannot write"):
        reports_of(junit=None, markdown=None, github=True)
    assert {each.name for each in tmp_path.iterdir()} == {"folder", "file"}


def test_a_file_can_be_one_of_the_two_only(tmp_path: Path) -> None:
    """The same file cannot serve both, by any path."""
    with pytest.raises(InputError, match="give each its own"):
        reports_of(junit=tmp_path / "a", markdown=tmp_path / ".." / tmp_path.name / "a", github=False)


@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (Outcome.UNCHANGED, 2),
        (Outcome.IMPROVED, 2),
        (Outcome.REGRESSED, 1),
        (Outcome.INCONCLUSIVE, 3),
        (Outcome.NOTHING, 4),
    ],
)
def test_a_full_disk_costs_no_answer_and_no_other_file(
    outcome: Outcome, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A requested file that is missing means neither success nor a verdict."""
    markdown = tmp_path / "check.md"
    reports = reports_of(junit=Path("/dev/full"), markdown=markdown, github=False)
    with pytest.raises(typer.Exit) as ended:
        tell(of(WORSE, OPEN, SAME, outcome=outcome), {"exit_code": 9}, reports, as_json=False)
    assert ended.value.exit_code == code
    out, err = capsys.readouterr()
    assert f"outcome: {outcome}" in out
    assert err.startswith("fwdrev: --junit: cannot write /dev/full: No space left on device; give ")
    assert markdown.read_text(encoding="utf-8").startswith(MARKER)
    with pytest.raises(typer.Exit):
        tell(of(WORSE, OPEN, SAME, outcome=outcome), {"exit_code": 9}, reports, as_json=True)
    assert json.loads(capsys.readouterr().out)["exit_code"] == code
