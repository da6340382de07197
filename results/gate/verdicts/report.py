"""The report of a check in words, for the terminal, a JUnit file, a comment and annotations.

    report = judged(gate, title="base 1a2b3c, head: the working tree")
    text_lines(report)

Both the gate by the clock (`results.gate.decision`) and the comparison with a stored baseline end in this form.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate

from fwdrev.results.runs.schema import one_line

_MOST = 40
"""The most findings with evidence on a terminal, so that the first ones do not scroll away."""

_WIDEST = 60
"""The longest subject that widens the column of subjects, in characters."""


class Verdict(StrEnum):
    """The verdicts on a subject, worst first.

    `WITHIN`: it keeps its own limit; `NEW`: only head has it, so that there is nothing
    to compare it with; `MISSING`: head no longer has it.
    """

    REGRESSED = "regressed"
    FLAGGED = "to confirm"
    MISSING = "missing"
    INCONCLUSIVE = "inconclusive"
    COUNTS_CHANGED = "counts changed"
    IMPROVED = "improved"
    NEW = "new"
    WITHIN = "within"
    UNCHANGED = "unchanged"


class Outcome(StrEnum):
    """The outcome of all findings together."""

    UNCHANGED = "unchanged"
    IMPROVED = "improved"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    MISSING = "missing"
    NOTHING = "nothing to compare"


def overall(*, worse: bool, missing: bool, compared: bool, undecided: bool, better: bool) -> Outcome:
    """A regression stands even if others are open; a pass requires that all are known to be no worse."""
    if worse:
        return Outcome.REGRESSED
    if missing:
        return Outcome.MISSING
    if not compared:
        return Outcome.NOTHING
    if undecided:
        return Outcome.INCONCLUSIVE
    return Outcome.IMPROVED if better else Outcome.UNCHANGED


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """One finding: `subject` and `grounds` are plain text of one line each, and contain names chosen by users.

    `fails`: it alone makes the outcome a regression, or `MISSING`; `open`: it is undecided, and the outcome cannot be
    better than that; `untimed`: it was requested and not timed, or not to the end, and why in a word or two.
    """

    subject: str
    verdict: Verdict
    grounds: str
    fails: bool = False
    open: bool = False
    untimed: str | None = None

    def __post_init__(self) -> None:
        """Cleans names that break the line, or that a file cannot hold, once for all forms."""
        object.__setattr__(self, "subject", one_line(self.subject))
        object.__setattr__(self, "grounds", one_line(self.grounds))
        if self.untimed is None and self.verdict in {Verdict.NEW, Verdict.MISSING}:
            object.__setattr__(self, "untimed", self.verdict.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateReport:
    """All findings, unchanged ones included; `notes` belong to no subject, such as the control's drift."""

    title: str
    outcome: Outcome
    told: tuple[ReportLine, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Cleans the notes in the same way."""
        object.__setattr__(self, "title", one_line(self.title))
        object.__setattr__(self, "notes", tuple(map(one_line, self.notes)))


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}
"""The order: failing, open, then the rest; in each, untimed subjects come first."""


def notable(report: GateReport) -> list[ReportLine]:
    """The changed findings, worst first."""
    lines = [line for line in report.told if not _same(line)]
    return sorted(lines, key=lambda each: (not each.fails, not each.open, each.untimed is None, _RANK[each.verdict]))


def unchanged(report: GateReport) -> list[ReportLine]:
    """The unchanged findings."""
    return [line for line in report.told if _same(line)]


def _same(line: ReportLine) -> bool:
    return line.verdict is Verdict.UNCHANGED and not (line.fails or line.open or line.untimed)


def not_timed(report: GateReport, most: int = sys.maxsize, shown: Callable[[str], str] = str) -> str:
    """The untimed subjects in at most `most` bytes, `not timed: mymodule:step (wrong)`; empty if all were timed.

    It counts names that do not fit; `shown` escapes a name.
    """
    names = [f"{shown(line.subject)} ({line.untimed})" for line in notable(report) if line.untimed]
    return f"not timed: {in_short(names, most)}" if names else ""


def in_short(names: Sequence[str], most: int) -> str:
    """As many names as fit into the bytes, separated by commas, then the number of the rest."""
    fitting = sum(end <= most for end in accumulate(len(name.encode()) + 2 for name in names))
    more = [f"{len(names) - fitting:,} more"] if fitting < len(names) else []
    return " and ".join(filter(None, [", ".join(names[:fitting]), *more]))


def text_lines(report: GateReport) -> list[str]:
    """A table of notable findings, then the number of unchanged ones, the notes and the outcome."""
    return [
        report.title,
        "",
        *_table(notable(report)),
        f"unchanged: {len(unchanged(report))} of {len(report.told)}",
        *filter(None, [not_timed(report)]),
        *report.notes,
        f"outcome: {report.outcome}",
    ]


def _table(lines: Sequence[ReportLine]) -> Iterator[str]:
    """Columns with headers, then the subjects without room for evidence; empty for no findings."""
    if not lines:
        return
    rows = [("verdict", "where", "grounds"), *((each.verdict, each.subject, each.grounds) for each in lines[:_MOST])]
    first, second = (max(len(row[i]) for row in rows if len(row[i]) <= _WIDEST) for i in (0, 1))
    yield from (f"{verdict:<{first}}  {subject:<{second}}  {grounds}".rstrip() for verdict, subject, grounds in rows)
    if rest := lines[_MOST:]:
        yield f"… and {len(rest)} more: --json has all"
        for verdict in dict.fromkeys(each.verdict for each in rest):
            yield f"  {verdict}: {', '.join(each.subject for each in rest if each.verdict is verdict)}"
    yield ""
