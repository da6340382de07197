"""A gate in words: what is slower, what is faster, what nobody knows, and how small a change would have been seen."""

from collections.abc import Iterator
from statistics import median

from fwdrev.results.estimate import Estimate
from fwdrev.results.findings import Finding, Verdict
from fwdrev.results.gate import Gate
from fwdrev.results.subjects import Kind

__all__ = ["gate_lines"]

_TOLD = (Verdict.REGRESSED, Verdict.FLAGGED, Verdict.COUNTS_CHANGED, Verdict.IMPROVED, Verdict.INCONCLUSIVE)
"""In this order; what is unchanged is counted only."""


def gate_lines(gate: Gate) -> list[str]:
    """One line for each finding that is not unchanged, then how many are, and the outcome."""
    findings = [f for f in gate.findings if not (f.subject.pooled and f.verdict is Verdict.INCONCLUSIVE)]
    told = [finding for verdict in _TOLD for finding in findings if finding.verdict is verdict]
    cells = [finding for finding in findings if not finding.subject.pooled]
    same = sum(finding.verdict is Verdict.UNCHANGED for finding in cells)
    return [
        *(f"{finding.verdict}: {_subject(finding)}: {', '.join(_grounds(finding))}" for finding in told),
        *([""] if told else []),
        f"unchanged: {same} of {len(cells)} arms in cells",
        *_seen(gate),
        f"control (the same code on both sides): {_ratio(gate.drift)}",
        f"outcome: {gate.outcome}",
    ]


def _subject(finding: Finding) -> str:
    subject = finding.subject
    if not subject.pooled:
        cell, arm = subject.members[0]
        return f"{arm} at n = {cell.n}, m = {cell.m}"
    among = f" ({len(subject.members)} arms in cells)"
    if subject.kind in {Kind.ROW, Kind.COLUMN}:
        return f"all with {subject.kind} = {subject.name}{among}"
    return f"all of {subject.kind} {subject.name}{among}"


def _grounds(finding: Finding) -> Iterator[str]:
    for count in finding.counts:
        yield f"{count.what.replace('_', ' ')} {count.base:,} → {count.head:,}"
    if finding.change is not None:
        yield f"time of head ÷ base {_ratio(finding.change)}"
    if finding.again is not None:
        yield f"in fresh rounds {_ratio(finding.again)}"
    if finding.change is None and not finding.counts:
        yield "not measured"


def _seen(gate: Gate) -> Iterator[str]:
    """The smallest change that nine of ten such runs would flag."""
    for name, pooled in (("an arm in a cell", False), ("a mode, an arm, a row or a column", True)):
        least = [f.detectable for f in gate.findings if f.subject.pooled is pooled and f.detectable is not None]
        if least:
            yield f"could be seen in {name}: from {median(least):.1%} (median), {max(least):.1%} (worst)"


def _ratio(e: Estimate | None) -> str:
    if e is None:
        return "not measured"
    return f"{e.point:.4f}" if e.low is None or e.high is None else f"{e.point:.4f} ({e.low:.4f} … {e.high:.4f})"
