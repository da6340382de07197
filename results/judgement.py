"""A judgement in words, whatever reached it: what the terminal, a JUnit file, a comment and annotations show.

    judgement = judged(gate, title="base 1a2b3c, head: the working tree")
    text_lines(judgement)

It is where the gate by the clock (`fwdrev.results.gate`) and the comparison with a stored baseline become one thing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Judgement", "Outcome", "Told", "Verdict", "notable", "text_lines"]


class Verdict(StrEnum):
    """What can be said of a subject."""

    REGRESSED = "regressed"
    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    INCONCLUSIVE = "inconclusive"
    COUNTS_CHANGED = "counts changed"
    FLAGGED = "to confirm"


class Outcome(StrEnum):
    """What all findings say together."""

    UNCHANGED = "unchanged"
    IMPROVED = "improved"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    NOTHING = "nothing to compare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One finding: `subject` and `grounds` are plain text of one line each, and hold whatever names a user chose.

    `fails`: it alone makes the outcome a regression; `open`: nobody knows, and the outcome cannot be better than that.
    """

    subject: str
    verdict: Verdict
    grounds: str
    fails: bool = False
    open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All of them, those unchanged too; `notes`: lines that belong to no subject, such as the control's drift."""

    title: str
    outcome: Outcome
    told: tuple[Told, ...]
    notes: tuple[str, ...] = ()


_ORDER = (
    Verdict.REGRESSED,
    Verdict.FLAGGED,
    Verdict.COUNTS_CHANGED,
    Verdict.IMPROVED,
    Verdict.INCONCLUSIVE,
)
"""As they are shown; what is unchanged is counted only."""


def notable(judgement: Judgement) -> list[Told]:
    """What is not unchanged, the worst first."""
    failing = [told for told in judgement.told if told.fails]
    rest = [told for verdict in _ORDER for told in judgement.told if told.verdict is verdict and not told.fails]
    return failing + rest


def text_lines(judgement: Judgement) -> list[str]:
    """One line for each that is notable, then how many are unchanged, the notes and the outcome."""
    same = sum(told.verdict is Verdict.UNCHANGED for told in judgement.told)
    return [
        judgement.title,
        "",
        *_lines(judgement),
        f"unchanged: {same} of {len(judgement.told)}",
        *judgement.notes,
        f"outcome: {judgement.outcome}",
    ]


def _lines(judgement: Judgement) -> Iterator[str]:
    told = notable(judgement)
    yield from (f"{each.verdict}: {each.subject}: {each.grounds}" for each in told)
    if told:
        yield ""
