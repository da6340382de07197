"""A report in GitHub's Markdown, for a pull request's comment and for a step's summary.

    Path("check.md").write_text(markdown(report), encoding="utf-8")

The author of the change chooses the names of engines, functions and revisions. They appear literally: none becomes
markup, mentions a person, links to an issue or turns into a picture.
"""

import re
import sys
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

from fwdrev.results.gate.verdicts.report import GateReport, Outcome, ReportLine, not_timed, notable, unchanged

MARKER = "<!-- fwdrev check -->"
"""An invisible start of the text, by which a workflow finds its earlier comment."""

COMMENT_LIMIT = 65_536
"""The most characters of a GitHub comment."""

SUMMARY_LIMIT = 1 << 20
"""The most bytes of a step's summary on GitHub."""

_SIGNS = {Outcome.UNCHANGED: "✓", Outcome.IMPROVED: "✓", Outcome.REGRESSED: "✗", Outcome.MISSING: "✗"}

_HARMLESS = re.compile(r"(?!.*(?:www|[0-9a-f]{7}|[A-Za-z]-\d))[A-Za-z(](?:[A-Za-z\d .,;()%+=÷→…-]|: )*", re.ASCII)
"""Plain words and numbers, with nothing that GitHub may take for a commit, a page, a list, a reference or an emoji."""

_MARKUP = re.compile(r"[&<>|\\`*_~\[\]:@#$!]|(?<=www)\.", re.IGNORECASE)

_LONGEST_TITLE = 200
_LONGEST_NAMES = (80, 40)
"""The most letters of a name in the headline; fewer if they must be escaped."""

_HEADLINE = 600
"""The most bytes of names in the headline."""

_SHORT = 100
"""The most letters of a finding's evidence if space is short."""

_MORE = 100
"""The most bytes of the line that counts missing rows."""


def markdown(report: GateReport, limit: int = COMMENT_LIMIT) -> str:
    """A headline with the untimed subjects, a table of notable findings, the notes, and the unchanged findings, folded.

    It has at most `limit` bytes in UTF-8, so at most as many characters, if that is 4,096 or more. Each part that does
    not fit is cut at its end and says so.
    """
    same = unchanged(report)
    outcome = f"## {_SIGNS.get(report.outcome, '?')} fwdrev check: {report.outcome}"
    headline = "; ".join(filter(None, [outcome, not_timed(report, _HEADLINE, _name)]))
    head = [MARKER, headline, "", _letters(_cut(report.title, _LONGEST_TITLE))]
    frame = [f"<details><summary>unchanged: {len(same)} of {len(report.told)}</summary>", "", "", "</details>"]
    columns = ["", "| verdict | where | grounds |", "| --- | --- | --- |"]
    room = limit - _size([*head, *frame, *columns, "", ""]) - 3 * _MORE
    rows = [_row(each) for each in notable(report)]
    if _size(rows) > room:  # the name of a slower subject matters more than its change
        rows = [_row(each, _SHORT) for each in notable(report)]
    rows = _fitting(rows, room, "| {} | | |".format)
    notes = _fitting([f"- {_letters(note)}" for note in report.notes], room - _size(rows), "- {}".format)
    items = [f"- {_letters(line.subject)}: {_letters(line.grounds)}" for line in same]
    items = _fitting(items, room - _size([*rows, *notes]), "- {}".format)
    parts = [head, [*columns, *rows] if rows else [], ["", *notes] if notes else []]
    folded = ["", *frame[:2], *items, *frame[2:]] if items else []
    return "\n".join([*(line for part in parts for line in part), *folded, ""])


def _name(text: str) -> str:
    """As much of a name as always fits into the headline."""
    shown = [_letters(_cut(text, most)) for most in _LONGEST_NAMES]
    return next((each for each in shown if _size([each]) < _HEADLINE // 2), shown[-1])


def _cut(text: str, most: int) -> str:
    """Shortens a name, since revisions and functions may have names of any length."""
    return text if len(text) <= most else f"{text[:most]}…"


def _row(line: ReportLine, most: int = sys.maxsize) -> str:
    verdict = f"**{line.verdict}**" if line.fails else line.verdict
    return f"| {verdict} | {_letters(line.subject)} | {_letters(_cut(line.grounds, most))} |"


def _letters(text: str) -> str:
    """A name unchanged if harmless, otherwise as code.

    In code GitHub looks for no mentions, references or emoji. It is HTML and no backticks, which could not hold a bar
    in a table; what Markdown would read is written by its number. The comment before an @ parts it from what would
    otherwise be the rest of an address.
    """
    if not text or _HARMLESS.fullmatch(text):
        return text
    return f"<code>{_MARKUP.sub(_by_number, text)}</code>"


def _by_number(found: re.Match[str]) -> str:
    parted = "<!-- -->" if found[0] == "@" else ""
    return f"{parted}&#{ord(found[0])};"


def _fitting(lines: Sequence[str], room: int, said: Callable[[str], str]) -> list[str]:
    """As many rows as fit into the bytes, then the number of the rest."""
    ends = list(accumulate(_size([line]) for line in lines))
    kept = bisect_right(ends, room)
    missing = len(lines) - kept
    more = [said(f"… and {missing:,} more: `fwdrev check --json` has all")] if missing else []
    return [*lines[:kept], *more]


def _size(lines: Sequence[str]) -> int:
    """The bytes of lines, with their ends."""
    return sum(len(line.encode()) + 1 for line in lines)
