"""A judgement as annotations, which GitHub shows beside a run and a pull request.

    for line in annotations(judgement):
        print(line)

An annotation is a line that the runner reads from what a step prints, `::error title=…::…`; so what a user chose must
neither end the title nor the line.
"""

from fwdrev.results.judgement import Judgement, Outcome, Told, Verdict, notable

__all__ = ["annotations"]

_SHOWN = 10
"""Annotations of each level that GitHub shows for a step; it drops the others without a word."""

_LEVELS = {
    Outcome.REGRESSED: "error",
    Outcome.MISSING: "error",
    Outcome.NOTHING: "error",
    Outcome.INCONCLUSIVE: "warning",
}
_TITLE = "fwdrev check"


def annotations(judgement: Judgement) -> list[str]:
    """The outcome, then an error for each that fails, a warning for each that is open, a notice for other changes.

    At most ten of each level: the last one says how many more there are.
    """
    level = _LEVELS.get(judgement.outcome, "notice")
    lines: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    lines[level].append(_line(level, judgement.outcome, judgement.title))
    for told in notable(judgement):
        each = _level(told)
        lines[each].append(_line(each, told.verdict, f"{told.subject}: {told.grounds}"))
    return [line for each, found in lines.items() for line in _shown(each, found)]


def _level(told: Told) -> str:
    if told.fails:
        return "error"
    return "warning" if told.open or told.verdict in {Verdict.FLAGGED, Verdict.INCONCLUSIVE} else "notice"


def _shown(level: str, lines: list[str]) -> list[str]:
    if len(lines) <= _SHOWN:
        return lines
    more = f"{len(lines) - _SHOWN + 1} more than GitHub shows; --json has all"
    return [*lines[: _SHOWN - 1], _line(level, "and more", more)]


def _line(level: str, what: str, text: str) -> str:
    title = _escaped(f"{_TITLE}: {what}").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={title}::{_escaped(text)}"


def _escaped(text: str) -> str:
    """As GitHub's own toolkit does it; the sign that escapes goes first."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
