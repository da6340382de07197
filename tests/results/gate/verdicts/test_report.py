"""A report on the terminal: a table, the worst first, short enough to read."""

from dataclasses import replace

import pytest

from fwdrev.results.gate.verdicts.report import Outcome, ReportLine, Verdict, notable, text_lines, unchanged
from fwdrev.results.runs.schema import one_line
from tests.gate_reports import BETTER, LESS, OPEN, SAME, WORSE, many, of


def test_the_worst_comes_first() -> None:
    """First come failures, then inconclusive findings, then the rest; unchanged ones are separate."""
    unknown = replace(LESS, open=True)
    report = of(SAME, BETTER, LESS, unknown, OPEN, WORSE)
    assert notable(report) == [WORSE, OPEN, unknown, LESS, BETTER]
    assert unchanged(report) == [SAME]


def test_a_finding_that_fails_is_never_among_the_unchanged() -> None:
    """Open or untimed findings are not among them either, whatever their verdict."""
    plain = ReportLine(subject="f", verdict=Verdict.UNCHANGED, grounds="")
    odd = [replace(plain, fails=True), replace(plain, open=True), replace(plain, untimed="wrong")]
    assert notable(of(*odd)) == odd


def test_columns_are_aligned() -> None:
    """Each begins at the name of its column."""
    lines = text_lines(of(WORSE, OPEN, LESS, SAME, notes=("a note",)))
    assert lines[:2] == ["base", ""]
    assert lines[6:] == ["", "unchanged: 1 of 4", "a note", "outcome: regressed"]
    where, grounds = lines[2].index("where"), lines[2].index("grounds")
    for line, told in zip(lines[3:6], (WORSE, OPEN, LESS), strict=True):
        assert (line[:where].rstrip(), line[where:grounds].rstrip(), line[grounds:]) == (
            told.verdict,
            told.subject,
            told.grounds,
        )


def test_a_long_name_moves_its_own_grounds_only() -> None:
    """The others stay readable."""
    long = ReportLine(subject="f" * 200, verdict=Verdict.IMPROVED, grounds="time 0.5")
    lines = text_lines(of(WORSE, long))
    assert lines[3] == "regressed  mine at n = 4, m = 2  time 1.12, could see 6%"
    assert lines[4].endswith("f  time 0.5")


@pytest.mark.parametrize(("number", "rows", "more"), [(40, 40, None), (41, 40, "… and 1 more"), (99, 40, "… and 59")])
def test_a_long_table_says_how_much_is_missing(number: int, rows: int, more: str | None) -> None:
    """The table also says where the rest is."""
    lines = text_lines(of(*many(number, WORSE)))
    assert sum(line.startswith("regressed ") for line in lines) == rows
    said = [line for line in lines if "more" in line]
    assert [line.startswith(str(more)) and "--json" in line for line in said] == [True] * (more is not None)


def test_nothing_notable_needs_no_table() -> None:
    """One line has the number of compared subjects."""
    assert text_lines(of(SAME, outcome=Outcome.UNCHANGED)) == ["base", "", "unchanged: 1 of 1", "outcome: unchanged"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\r\n\tc\u2028d\x85e", "a b c d e"),
        ("a\x00\x1b[31m\x7f\x9b", "a\ufffd\ufffd[31m\ufffd\ufffd"),
        ("a\udc80\ufffe", "a\ufffd\ufffd"),
        ("Jθ · 日本 🎉", "Jθ · 日本 🎉"),
    ],
)
def test_every_text_is_one_line(text: str, shown: str) -> None:
    """Every text can be printed and stored, wherever it stands in a report."""
    assert one_line(text) == shown
    told = ReportLine(subject=text, verdict=Verdict.IMPROVED, grounds=text)
    report = of(told, title=text, notes=(text,))
    assert (told.subject, told.grounds, report.title, report.notes) == (shown, shown, shown, (shown,))
