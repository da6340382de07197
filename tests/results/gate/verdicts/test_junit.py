"""A JUnit file that others can read: it fits a schema, its numbers add up, its texts read back."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from fwdrev.results.gate.verdicts.junit import junit
from fwdrev.results.gate.verdicts.report import GateReport, Outcome, ReportLine, Verdict
from tests.gate_reports import BETTER, HOSTILE, LESS, OPEN, SAME, WORSE, of

BEGAN = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)


@cache
def _schema() -> Any:
    """The schema of JUnit, read on demand."""
    import xmlschema

    return xmlschema.XMLSchema(Path(__file__).parents[3] / "data" / "junit.xsd")


def _suite(report: GateReport) -> ET.Element:
    """Reads a file back after checking the schema."""
    text = junit(report, began=BEGAN, seconds=61.25)
    _schema().validate(text)
    (suite,) = ET.fromstring(text)  # noqa: S314 - our own file
    return suite


def _totals(suite: ET.Element) -> tuple[str | None, ...]:
    return tuple(suite.get(name) for name in ("tests", "failures", "errors", "skipped"))


def test_what_fails_is_a_failure_and_what_is_open_is_skipped() -> None:
    """Everything else passes; the numbers are those of the tests."""
    suite = _suite(of(WORSE, OPEN, LESS, BETTER, SAME, notes=("drift 1.0",)))
    assert _totals(suite) == ("5", "1", "0", "1")
    results = {case.get("name"): [each.tag for each in case] for case in suite.iter("testcase")}
    assert results == {
        WORSE.subject: ["failure"],
        OPEN.subject: ["skipped"],
        **{told.subject: ["system-out"] for told in (LESS, BETTER, SAME)},
    }
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert (failure.get("type"), failure.get("message")) == ("regressed", WORSE.grounds)
    assert failure.text == f"regressed: {WORSE.grounds}"
    assert suite.findtext("system-out") == "drift 1.0"


def test_a_finding_to_confirm_does_not_pass() -> None:
    """An inconclusive finding does not pass either, open or not."""
    for verdict in (Verdict.FLAGGED, Verdict.INCONCLUSIVE):
        assert _totals(_suite(of(ReportLine(subject="f", verdict=verdict, grounds="")))) == ("1", "0", "0", "1")


def test_nothing_to_compare_is_an_error() -> None:
    """A service that counts failures then sees one, even without any finding."""
    assert _totals(_suite(of(OPEN, outcome=Outcome.NOTHING))) == ("2", "0", "1", "1")
    assert _totals(_suite(of(outcome=Outcome.NOTHING))) == ("1", "0", "1", "0")


def test_it_says_when_and_how_long() -> None:
    """The file has the time with its zone, and seconds with three decimals. Without a start there is no timestamp."""
    suite = _suite(of(SAME))
    assert (suite.get("timestamp"), suite.get("time")) == ("2026-11-23T10:30:00+00:00", "61.250")
    _schema().validate(junit(of(SAME)))
    assert "timestamp" not in junit(of(SAME))


@pytest.mark.parametrize("text", HOSTILE)
def test_every_name_comes_back(text: str) -> None:
    """A name reads back unchanged."""
    _expect_back(text)


@given(st.text(st.characters(codec=None)))
def test_any_name_comes_back(text: str) -> None:
    """Characters that XML cannot hold are replaced."""
    _expect_back(text)


def _expect_back(text: str) -> None:
    told = ReportLine(subject=f"f{text}", verdict=Verdict.REGRESSED, grounds=text, fails=True)
    report = of(told, title=text, notes=(text,))
    suite = _suite(report)
    case = suite.find("testcase")
    assert case is not None
    assert case.get("name") == told.subject
    assert case.find("failure").attrib == {"type": "regressed", "message": told.grounds}  # type: ignore[union-attr]
    assert suite.find("properties/property[@name='title']").get("value") == report.title  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<failure ", '<failure at="4" '),
        ('tests="1"', 'tests="one"'),
        ('skipped="0" ', ""),
        ("61.250", "61.2505"),
        ("T10:30", " 10:30"),
        ("</testcase>", "<error/></testcase>"),
    ],
)
def test_the_schema_refuses_what_is_none(old: str, new: str) -> None:
    """A file that breaks the schema is refused, so the tests above could fail."""
    text = junit(of(WORSE), began=BEGAN, seconds=61.25)
    assert old in text
    assert not _schema().is_valid(text.replace(old, new))
