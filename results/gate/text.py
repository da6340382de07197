"""A gate in words: the slower and faster subjects, the open ones and why, and the smallest detectable change."""

from collections.abc import Iterator, Sequence
from statistics import median

from fwdrev.bench.records.parsing import all_functions
from fwdrev.results.gate.decision import Gate
from fwdrev.results.gate.findings import POOLED, Finding
from fwdrev.results.gate.subjects import Kind, Subject, arm_subject
from fwdrev.results.gate.verdicts.report import GateReport, ReportLine, Verdict
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.stats.paired_shifts import FEWEST
from fwdrev.results.text.quantities import change_text, percent_text, seconds_text


def judged(gate: Gate, title: str, notes: Sequence[str] = ()) -> GateReport:
    """The report: every arm in every cell, and the pools whose mean moved or seemed to; `notes` come first."""
    settled = {Verdict.INCONCLUSIVE, Verdict.UNCHANGED}
    known = [f for f in gate.findings if not f.subject.pooled or f.open or f.verdict not in settled]
    told = tuple(
        ReportLine(
            subject=_subject(finding),
            verdict=finding.verdict,
            grounds=", ".join(_grounds(gate, finding)),
            fails=gate.fails(finding),
            open=finding.open,
            untimed=finding.untimed,
        )
        for finding in known
    )
    drift = "not measured" if gate.drift is None else change_text(gate.drift)
    own = (*_seen(gate), f"control (the same code on both sides): {drift}")
    return GateReport(title=title, outcome=gate.outcome, told=told, notes=(*notes, *own))


def _subject(finding: Finding) -> str:
    subject = finding.subject
    if finding.time in {Verdict.NEW, Verdict.MISSING}:
        return subject.name
    if not subject.pooled:
        cell, arm = subject.members[0]
        return arm_subject(arm, cell.n, cell.m)
    if _of_functions(subject):
        return f"all sizes of {subject.name}"
    among = f" ({len(subject.members)} arms in cells)"
    if subject.kind in {Kind.ROW, Kind.COLUMN}:
        return f"all with {subject.kind} = {subject.name}{among}"
    return f"all of {subject.kind} {subject.name}{among}"


def _of_functions(subject: Subject) -> bool:
    """The word for the check's arms: functions or engines."""
    return all_functions([arm for _, arm in subject.members])


def _grounds(gate: Gate, finding: Finding) -> Iterator[str]:
    """The evidence: counts, the change in time and whether it decides, and obstacles."""
    for count in finding.counts:
        yield str(count)
    decisive = finding.again or finding.change
    if decisive is not None:
        yield _clock(gate, finding, decisive)
    if finding.reason is not None:
        yield finding.reason
    elif decisive is None and not finding.rounds:
        yield "not measured"
    elif decisive is None:
        yield f"too few rounds: {finding.rounds} measured it, and nothing is decided by fewer than {FEWEST}"


def _clock(gate: Gate, finding: Finding, decisive: Estimate) -> str:
    """The change by the rounds that decided, which are the fresh ones for flagged subjects."""
    seconds = [] if finding.seconds is None else [" → ".join(map(seconds_text, finding.seconds))]
    change = ", ".join([change_text(decisive), *seconds])
    match finding.time:
        case Verdict.REGRESSED:
            return f"{change}, confirmed in fresh rounds"
        case Verdict.FLAGGED:
            return f"{change}, to be confirmed in fresh rounds"
        case Verdict.UNCHANGED:
            return f"within the threshold{'' if finding.again is None else ' in fresh rounds'}: {change}"
        case Verdict.INCONCLUSIVE:
            return _undecided(gate, finding, decisive, change)
        case _:
            return change


def _undecided(gate: Gate, finding: Finding, decisive: Estimate, change: str) -> str:
    if finding.p_again is not None and finding.again is None:
        return f"{change}, not confirmed, since fewer than {FEWEST} fresh rounds measured it"
    seemed = "" if finding.again is None or finding.change is None else f"seemed {change_text(finding.change)}; "
    found = f"{seemed}{'in fresh rounds ' if seemed else ''}{change}"
    if finding.reason is not None:
        return found
    seen = "" if finding.detectable is None else f"; could have seen {percent_text(finding.detectable)}"
    return f"{found}: {_open(gate, finding, decisive)}{seen}"


def _open(gate: Gate, finding: Finding, e: Estimate) -> str:
    """The reason why an interval decides nothing."""
    share = gate.threshold * (POOLED if finding.subject.pooled else 1)
    threshold = f"the threshold, {percent_text(share)},"
    if e.low is None or e.high is None or e.low <= 1 + share <= e.high:
        return f"{threshold} lies inside"
    if e.low > 1 + share:
        return f"{threshold} is exceeded, but not surely enough"
    return f"not slower, and open whether it is faster by {threshold[:-1]}"


def _seen(gate: Gate) -> Iterator[str]:
    """The smallest change that nine of ten such runs flag, as text."""
    words = ("an arm in a cell", "a mode, an arm, a row or a column")
    if all(_of_functions(finding.subject) for finding in gate.findings):
        words = ("a function", "all sizes of a function")
    for name, pooled in zip(words, (False, True), strict=True):
        least = [f.detectable for f in gate.findings if f.subject.pooled is pooled and f.detectable is not None]
        if least:
            middle, worst = percent_text(median(least)), percent_text(max(least))
            yield f"could be seen in {name}: from {middle}" + f" (median), {worst} (worst)" * (len(least) > 1)
