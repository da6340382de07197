"""The rendered Markdown of a report: one table, every name literal, and never too long for a comment."""

import re

import pytest
from hypothesis import given, strategies as st

from fwdrev.results.gate.verdicts.markdown import COMMENT_LIMIT, MARKER, markdown
from fwdrev.results.gate.verdicts.report import GateReport, Outcome, ReportLine, Verdict
from tests.gate_reports import BETTER, HOSTILE, LESS, OPEN, SAME, WORSE, many, of
from tests.report_formats import Page

OURS = {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "strong", "code", "details", "summary", "ul", "li"}


def _page(report: GateReport) -> Page:
    return Page(markdown(report))


def _words(text: str) -> str:
    """Collapses white space, as a browser does."""
    return " ".join(text.split(" ")).strip(" ")


def test_it_has_a_headline_a_table_notes_and_what_is_unchanged() -> None:
    """The table has notable findings, the worst first; failures are bold."""
    page = _page(of(SAME, BETTER, LESS, OPEN, WORSE, title="base a (main)", notes=("control: 1.0",)))
    assert page.texts["h2"] == ["✗ fwdrev check: regressed"]
    assert page.texts["p"] == ["base a (main)"]
    assert page.texts["th"] == ["verdict", "where", "grounds"]
    assert page.rows == [(told.verdict, told.subject, told.grounds) for told in (WORSE, OPEN, LESS, BETTER)]
    assert page.elements.count("table") == page.elements.count("strong") == page.elements.count("details") == 1
    assert page.texts["summary"] == ["unchanged: 1 of 5"]
    assert page.texts["li"] == ["control: 1.0", f"{SAME.subject}: {SAME.grounds}"]


def test_the_fold_is_closed() -> None:
    """What stands below it would be folded, too."""
    assert markdown(of(WORSE, SAME)).endswith("\n\n</details>\n")


def test_it_begins_with_what_a_workflow_looks_for() -> None:
    """The beginning is an invisible comment."""
    text = markdown(of(WORSE))
    assert text.startswith(MARKER + "\n")
    assert "-->" not in "".join(part for texts in _page(of(WORSE)).texts.values() for part in texts)


def test_nothing_notable_has_no_table() -> None:
    """Without unchanged findings there is nothing to unfold."""
    assert "table" not in _page(of(SAME, outcome=Outcome.UNCHANGED)).elements
    assert "details" not in _page(of(WORSE)).elements


@pytest.mark.parametrize("text", HOSTILE)
def test_names_show_letter_by_letter(text: str) -> None:
    """In a cell, an item, a note and the title, no part of a name becomes an element."""
    _expect_letters(text)


@given(st.text(st.characters(codec=None)))
def test_any_name_shows_letter_by_letter(text: str) -> None:
    """Random names show literally."""
    _expect_letters(text)


def _expect_letters(text: str) -> None:
    told = [
        ReportLine(subject=f"f {text}", verdict=verdict, grounds=text)
        for verdict in (Verdict.IMPROVED, Verdict.UNCHANGED)
    ]
    report = of(*told, title=f"base {text}", notes=(f"{text} n",))
    page = _page(report)
    assert set(page.elements) <= OURS
    assert page.elements.count("table") == 1
    ((verdict, subject, grounds),) = page.rows
    assert (verdict, _words(subject), _words(grounds)) == ("improved", _words(told[0].subject), _words(told[0].grounds))
    assert _words(page.texts["p"][0]) == _words(report.title)
    note, item = page.texts["li"]
    assert (_words(note), _words(item)) == (
        _words(report.notes[0]),
        _words(f"{told[1].subject}: {told[1].grounds}"),
    )


@pytest.mark.parametrize("text", [each for each in HOSTILE if re.search(r"[@#]|GH-|www|:|\b[0-9a-f]{7,}\b", each)])
def test_nothing_is_mentioned_or_linked(text: str) -> None:
    """Outside of code, GitHub links names, numbers, commits, pages and emoji; even in code it links whole addresses."""
    source = markdown(of(ReportLine(subject=text, verdict=Verdict.REGRESSED, grounds=text, fails=True), title=text))
    without = re.sub(
        r"<!--.*?-->|<code>.*?</code>|&#\d+;", "", source.partition("\n## ")[2].replace("fwdrev check:", "")
    )
    assert re.findall(r"[@#]|:(?! )|GH-|www|[0-9a-f]{7}", without) == []
    assert re.findall(r"@|://|www\.|[^>]&#64;", source) == []


def test_a_long_one_fits_and_says_how_much_is_missing() -> None:
    """The text counts what the table omits, and at least mentions the notes and the unchanged."""
    told = [*many(5_000, WORSE), *many(300, SAME)]
    text = markdown(of(*told, notes=tuple(f"note {i}" for i in range(200))))
    assert len(text) <= len(text.encode()) <= COMMENT_LIMIT
    page = Page(text)
    (missing,) = re.findall(r"and ([\d,]+) more: fwdrev check --json has all", page.rows[-1][0])
    assert len(page.rows) - 1 + int(missing.replace(",", "")) == 5_000
    assert len(page.rows) > 500
    assert page.texts["li"] == [f"… and {n} more: fwdrev check --json has all" for n in (200, 300)]
    assert page.elements.count("table") == 1


@pytest.mark.parametrize("limit", [4_096, 5_000, 10_000])
def test_no_limit_is_exceeded(limit: int) -> None:
    """The title, the rows, the notes or the unchanged may take the room."""
    for report in (
        of(*many(200, WORSE), title="@" * 10_000),
        of(*many(200, SAME), notes=tuple("ж" * 90 for _ in range(200))),
        of(ReportLine(subject="|" * 10_000, verdict=Verdict.REGRESSED, grounds="", fails=True), SAME),
    ):
        assert len(markdown(report, limit).encode()) <= limit


def test_all_that_fits_is_there() -> None:
    """Nothing is cut without need."""
    report = of(*many(50, WORSE), *many(50, SAME), notes=("a", "b"))
    text = markdown(report)
    assert markdown(report, len(text.encode()) + 400) == text
    assert "more" not in text
