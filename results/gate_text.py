"""A gate in words: what is slower, what is faster, what nobody knows, and how small a change would have been seen."""

from collections.abc import Iterator, Sequence
from statistics import median

from fwdrev.results.estimate import Estimate
from fwdrev.results.findings import Finding
from fwdrev.results.gate import Gate
from fwdrev.results.judgement import Judgement, Told, Verdict
from fwdrev.results.subjects import Kind

__all__ = ["judged"]


def judged(gate: Gate, title: str, notes: Sequence[str] = ()) -> Judgement:
    """Every arm in every cell, and the pools of which something is known; `notes` come before the gate's own."""
    told = tuple(_told(gate, finding) for finding in gate.findings if _known(finding))
    own = (*_seen(gate), f"control (the same code on both sides): {_ratio(gate.drift)}")
    return Judgement(title=title, outcome=gate.outcome, told=told, notes=(*notes, *own))


def _known(finding: Finding) -> bool:
    """A pool is told where its mean moved, or was thought to."""
    return not finding.subject.pooled or finding.verdict not in {Verdict.INCONCLUSIVE, Verdict.UNCHANGED}


def _told(gate: Gate, finding: Finding) -> Told:
    return Told(
        subject=_subject(finding),
        verdict=finding.verdict,
        grounds=", ".join(_grounds(finding)),
        fails=gate.fails(finding),
        open=finding.open,
    )


def _subject(finding: Finding) -> str:
    subject = finding.subject
    if finding.time in {Verdict.NEW, Verdict.MISSING}:
        return subject.name
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
    if finding.detectable is not None:
        yield f"could have seen {finding.detectable:+.1%}"
    if finding.reason is not None:
        yield finding.reason
    elif finding.change is None and not finding.counts:
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
