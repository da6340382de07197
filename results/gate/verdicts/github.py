"""A report as annotations, which GitHub shows with a run and a pull request.

An annotation is a line in a step's output, `::error title=…::…`; so names chosen by users must
not end the title or the line.
"""

from collections.abc import Iterator, Sequence

from fwdrev.results.gate.verdicts.report import GateReport, Outcome, ReportLine, Verdict, in_short, not_timed, notable

_SHOWN = 10
"""The annotations of each level that GitHub shows for a step; it silently drops the others."""

_LONGEST = 4_000
"""The most bytes of names in one annotation: the runner cuts lines at 4,096 characters."""

_LEVELS = {
    Outcome.REGRESSED: "error",
    Outcome.MISSING: "error",
    Outcome.NOTHING: "error",
    Outcome.INCONCLUSIVE: "warning",
}
_TITLE = "fwdrev check"


def annotations(report: GateReport) -> list[str]:
    """The outcome, then an error for each failing finding, a warning for each open one, a notice for other changes.

    The first one names untimed subjects. At most ten of each level: the last one names the others.
    """
    level = _LEVELS.get(report.outcome, "notice")
    first = "; ".join(filter(None, [not_timed(report, _LONGEST // 2), report.title]))  # the title is visible, too
    by_level: dict[str, list[ReportLine]] = {"error": [], "warning": [], "notice": []}
    for line in notable(report):
        by_level[_level(line)].append(line)
    shown = {each: list(_shown(each, lines, _SHOWN - (each == level))) for each, lines in by_level.items()}
    shown[level].insert(0, _line(level, report.outcome, first))
    return [line for lines in shown.values() for line in lines]


def _level(line: ReportLine) -> str:
    if line.fails:
        return "error"
    return "warning" if line.open or line.verdict in {Verdict.FLAGGED, Verdict.INCONCLUSIVE} else "notice"


def _shown(level: str, lines: Sequence[ReportLine], room: int) -> Iterator[str]:
    """A line for each; if there are too many, the last line names the rest."""
    alone = len(lines) if len(lines) <= room else room - 1
    for each in lines[:alone]:
        yield _line(level, each.verdict, f"{each.subject}: {each.grounds}")
    if left := lines[alone:]:
        names = in_short([each.subject for each in left], _LONGEST)
        yield _line(level, "and more", f"{len(left)} more than GitHub shows; --json has all: {names}")


def _line(level: str, what: str, text: str) -> str:
    title = _escaped(f"{_TITLE}: {what}").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escaped(text)}"


def _escaped(text: str) -> str:
    """Escapes as GitHub's own toolkit does, the escape sign first."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
