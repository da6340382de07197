"""A selftest in words."""

from collections.abc import Iterator

from fwdrev.results.gate.aa_test.record import Record
from fwdrev.results.gate.aa_test.summary import Advice, Summary

__all__ = ["advice_lines", "summary_lines"]


def summary_lines(record: Record, summary: Summary) -> list[str]:
    """The rates, what they were measured on, and the advice."""
    spec, t = record.spec, record.threshold
    return [
        f"{len(spec.cells)} cells × {', '.join(spec.engines)}; {spec.rounds} rounds, threshold {t:.1%}",
        f"identical code called slower: {summary.alarms}",
        f"identical code left undecided: {summary.open}",
        f"identical code called faster: {summary.improved}",
        f"a mode or an arm slower by {t:.1%}, found: {summary.whole}",
        f"one cell slower by {2 * t:.1%}, found: {summary.cell}",
        *_times(summary),
        *advice_lines(record, summary.advice),
    ]


def _times(summary: Summary) -> Iterator[str]:
    if summary.seconds is not None:
        yield "a run on identical code: {:.0f} s in the median, {:.0f} s at most".format(*summary.seconds)


def advice_lines(record: Record, advice: Advice) -> Iterator[str]:
    """What to ask of `fwdrev check` on this machine."""
    if not advice.decided:
        yield "advice: too few runs on identical code; record more"
        return
    rounds, t = record.spec.rounds, record.threshold
    if advice.rounds is not None:
        yield f"advice: --rounds {advice.rounds} decides nine of ten runs at once with --threshold {t:.1%}"
    if advice.threshold is not None:
        yield f"advice: --threshold {advice.threshold:.1%} is decided at once by --rounds {rounds}"
    if advice.rounds is None and advice.threshold is None:
        yield "advice: nothing tried decides nine of ten runs at once; look for what else runs here (fwdrev doctor)"
