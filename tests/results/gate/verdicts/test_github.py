"""Annotations have the form that GitHub's runner reads, and keep within its limits."""

import pytest

from fwdrev.results.gate.verdicts.github import annotations
from fwdrev.results.gate.verdicts.report import Outcome, ReportLine, Verdict
from tests.gate_reports import BETTER, HOSTILE, LESS, OPEN, SAME, WORSE, many, of
from tests.report_formats import annotation


def test_each_finding_has_its_level() -> None:
    """Failures are errors, open findings warnings, other changes notices; the outcome comes first."""
    found = [annotation(line) for line in annotations(of(SAME, BETTER, LESS, OPEN, WORSE))]
    assert [(level, properties["title"].removeprefix("fwdrev check: ")) for level, properties, _ in found] == [
        ("error", "regressed"),
        ("error", "regressed"),
        ("warning", "inconclusive"),
        ("notice", "counts changed"),
        ("notice", "improved"),
    ]
    assert [message for _, _, message in found][:2] == ["base", f"{WORSE.subject}: {WORSE.grounds}"]


@pytest.mark.parametrize(
    ("outcome", "level"),
    [
        (Outcome.UNCHANGED, "notice"),
        (Outcome.IMPROVED, "notice"),
        (Outcome.INCONCLUSIVE, "warning"),
        (Outcome.NOTHING, "error"),
        (Outcome.REGRESSED, "error"),
    ],
)
def test_the_outcome_is_always_told(outcome: Outcome, level: str) -> None:
    """The outcome comes even without findings."""
    assert [annotation(line)[:2] for line in annotations(of(SAME, outcome=outcome))] == [
        (level, {"title": f"fwdrev check: {outcome}"})
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_every_name_comes_back(text: str) -> None:
    """A name reads back, ends neither the line nor the title, and starts no command."""
    told = ReportLine(subject=text, verdict=Verdict.REGRESSED, grounds=text, fails=True)
    found = [annotation(line) for line in annotations(of(told, title=text))]
    assert [(level, message) for level, _, message in found] == [("error", text), ("error", f"{text}: {text}")]


def test_percent_and_breaks_are_escaped() -> None:
    """GitHub's rule applies; in a title, colons and commas are escaped too."""
    told = ReportLine(subject="a%0Ab", verdict=Verdict.REGRESSED, grounds="5%", fails=True)
    assert annotations(of(told))[1] == "::error title=fwdrev check%3A regressed::a%250Ab: 5%25"


@pytest.mark.parametrize(("told", "level"), [(WORSE, "error"), (OPEN, "warning"), (BETTER, "notice")])
def test_no_level_has_more_than_github_shows(told: ReportLine, level: str) -> None:
    """The last one counts the rest; without a rest all are shown."""
    outcome = {"error": Outcome.REGRESSED, "warning": Outcome.INCONCLUSIVE}.get(level, Outcome.IMPROVED)
    assert len(annotations(of(*many(9, told), outcome=outcome))) == 10
    found = [annotation(line) for line in annotations(of(*many(25, told), outcome=outcome))]
    assert [each[0] for each in found] == [level] * 10
    assert [message.split(":")[0] for _, _, message in found[1:9]] == [f"f{i}" for i in range(8)]
    assert found[9][2].startswith("17 more")
