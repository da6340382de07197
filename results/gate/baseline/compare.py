"""Compares a run with a stored baseline, in what does not depend on the machine, and reports it.

Counts are exact: more operations fail anywhere. Ratios of arms and crossovers fail on the machine of the baseline only:
they also depend on caches and libraries, so elsewhere a shift is reported without a verdict. Seconds never
fail; on the same machine, changes are reported. A baseline's engine that no longer exists fails, too,
unless allowed; one that cannot be loaded here is not measured, which is no pass, either.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fwdrev.bench.records.machine import differences
from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.sides import CONTROL, direction_of
from fwdrev.bench.records.spec import Planning
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.gaps import gone, left_out, lost, new_here, not_here, unmeasured, untested
from fwdrev.results.gate.baseline.record import Baseline, StoredArm, arms_of_both
from fwdrev.results.gate.baseline.second_look import Again, asked_again, looks_of
from fwdrev.results.gate.baseline.shift_verdicts import Looks, opened, shift_lines, told_shifts
from fwdrev.results.gate.decision import check_levels
from fwdrev.results.gate.sides import CountChange, count_changes, known_counts
from fwdrev.results.gate.subjects import arm_subject
from fwdrev.results.gate.verdicts.report import GateReport, Outcome, ReportLine, Verdict, overall
from fwdrev.results.runs.run import Run
from fwdrev.results.runs.trend import DECIDES
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.text.quantities import change_text

_HOW = ("protocol", "block_seconds", "prices")
"""The fields of a specification that affect times, and so ratios, beside the machine."""

_JUDGED = "fwdrev"
"""The version that is no fact of the machine, since we judge this package's engines. For functions it is a fact, since
the control, their reference, is part of this package."""

_COMPILED, _COMPILER = ("flops", "bytes_accessed"), ("jax", "jaxlib", "device")
"""A compiler's counts, and the facts on which they depend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """The baseline and the run, reduced to the same form; `arms`: those of both, then and now.

    `apart`: the facts that differ, as (then, now); `looks`: the shifts in the run and in fresh rounds.
    """

    then: Baseline
    now: Baseline
    run: Run
    arms: Collection[tuple[StoredArm, StoredArm]]
    apart: Mapping[str, tuple[object, object]]
    looks: Looks


def compared(
    baseline: Baseline,
    run: Run,
    *,
    threshold: float = 0.05,
    alpha: float = 0.01,
    title: str = "",
    allow_missing: bool = False,
    again: Run | None = None,
    lacking: Mapping[str, str] | None = None,
) -> GateReport:
    """Reports changes by more than `threshold`; at most a share `alpha` of runs without a change fail by their ratios.

    `again`: fresh rounds of the pairs in `undecided`. With them, the fresh rounds decide flagged shifts
    alone, and all rounds decide the undecided ones; without them, the first rounds decide. `allow_missing`: an engine
    or a function that no longer exists does not fail. `lacking`: such functions, with the reason.
    Raises InputError for a threshold that is not positive or an alpha outside (0, 1).
    """
    both = _both(baseline, run, threshold, alpha, again)
    if isinstance(both, str):
        return GateReport(title=title, outcome=Outcome.NOTHING, told=(), notes=(both,))
    absent = set(baseline.sweep.engines) - set(run.spec.engines)
    apart = (*_absent(baseline, absent, lacking or {}, allow_missing=allow_missing), *new_here(baseline, run))
    return _judged(both, threshold, alpha, title, apart)


def undecided(baseline: Baseline, run: Run, *, threshold: float = 0.05, alpha: float = 0.01) -> Again | None:
    """The open shifts that fresh rounds may decide; None if there are none. Raises like `compared`."""
    both = _both(baseline, run, threshold, alpha, None)
    if isinstance(both, str):
        return None
    flagged, left = opened(both.looks.first, threshold, alpha, here=not both.apart)
    return asked_again(flagged, left, both.now) if flagged or left else None


def without_run(
    baseline: Baseline, lacking: Mapping[str, str] | None = None, *, title: str = "", allow_missing: bool = False
) -> GateReport:
    """The report if nothing in the baseline exists here: names each part."""
    told = tuple(_absent(baseline, baseline.sweep.engines, lacking or {}, allow_missing=allow_missing))
    outcome = Outcome.MISSING if any(each.fails for each in told) else Outcome.NOTHING
    return GateReport(title=title, outcome=outcome, told=told)


def _absent(
    baseline: Baseline, absent: Collection[str], lacking: Mapping[str, str], *, allow_missing: bool
) -> Iterator[ReportLine]:
    if baseline.functions is None:
        return not_here(absent, allow_missing=allow_missing)
    return lost(lacking, allow_missing=allow_missing)


def _both(baseline: Baseline, run: Run, threshold: float, alpha: float, again: Run | None) -> _Both | str:
    """The comparison, or the reason why there is none."""
    check_levels(threshold, alpha)
    other = [key for key in DECIDES if getattr(baseline.sweep, key) != getattr(run.spec, key)]
    if other:
        return f"{run.folder} has another {' and '.join(other)} than the baseline"
    try:
        now = baseline_of(run, baseline.pairs)
    except NothingMeasuredError as error:
        return str(error)
    return _Both(
        then=baseline,
        now=now,
        run=run,
        arms=arms_of_both(baseline, now).values(),
        apart=_apart(baseline, run),
        looks=looks_of(baseline, run, now, again),
    )


def _judged(both: _Both, threshold: float, alpha: float, title: str, apart: Sequence[ReportLine]) -> GateReport:
    """`apart`: the findings on engines or functions that only one of both has."""
    then, now, run, shifts = both.then, both.now, both.run, both.looks.first
    counts = [told for entries in both.arms for told in _counts(both, *entries)]
    ratios = list(told_shifts(both.looks, threshold, alpha, here=not both.apart))
    grid = {(cell, arm) for cell in run.spec.cells for arm in run.spec.engines}
    without = gone(then, now)
    told = (*[each for each, _ in counts], *ratios, *unmeasured(run, without & grid), *untested(then, now), *apart)
    better = any(fewer for _, fewer in counts) or any(each.verdict is Verdict.IMPROVED for each in ratios)
    notes = [*_otherwise(both), *left_out(then, run, without - grid), *shift_lines(shifts, threshold, alpha)]
    if not shifts:
        of_arms = "no ratio of two arms is in both: only counts were compared"
        notes.append(of_arms if then.functions is None else "no function was timed both times")
    if not both.apart:
        notes += _seconds(both, threshold)
    outcome = overall(
        worse=any(each.fails and each.verdict is not Verdict.MISSING for each in told),
        missing=any(each.fails for each in told),
        compared=bool(counts or ratios),
        undecided=any(each.open for each in told),
        better=better,
    )
    lines = tuple(replace(each, subject=_line(each.subject), grounds=_line(each.grounds)) for each in told)
    return GateReport(title=title, outcome=outcome, told=lines, notes=tuple(map(_line, notes)))


def _apart(baseline: Baseline, run: Run) -> dict[str, tuple[object, object]]:
    """The differences of machines, versions, settings or measurement."""
    facts = differences(baseline.machine.model_dump(exclude_unset=True), run.machine)
    spec, judged = baseline.sweep, () if baseline.functions else (_JUDGED,)
    found = {key: (then, now) for key, then, now in facts if key not in judged}
    how = {key: (getattr(spec, key), getattr(run.spec, key)) for key in _HOW}
    return found | {key: (then, now) for key, (then, now) in how.items() if then != now}


def _counts(both: _Both, then: StoredArm, now: StoredArm) -> Iterator[tuple[ReportLine, bool]]:
    """The verdict on an arm's counts in a cell, if both know one, and whether they are better."""
    if not any(known_counts(then.counts, now.counts)):
        return
    changes = count_changes(then.counts, now.counts)
    comparable = [change for change in changes if _comparable(both, now.arm, change)]
    worse = any(change.worse for change in comparable)
    odd = len(comparable) < len(changes)
    grounds = [str(change) for change in changes]
    grounds += ["counted by another compiler, or planned by the seconds of a machine"] if odd else []
    told = ReportLine(
        subject=arm_subject(now.arm, now.n, now.m),
        verdict=Verdict.COUNTS_CHANGED if changes else Verdict.UNCHANGED,
        grounds=", ".join(grounds) or "counts as before",
        fails=worse,
        open=odd,
    )
    yield told, not worse and any(change.better for change in comparable)


def _comparable(both: _Both, arm: str, change: CountChange) -> bool:
    """The counts that depend on the code alone, not on another compiler or on a plan for a machine's prices."""
    planned = Planning.SECONDS in {both.run.spec.prices, both.then.sweep.prices}
    if planned and direction_of(arm) not in {Direction.FORWARD, Direction.REVERSE}:
        return False
    return change.what not in _COMPILED or not any(fact in both.apart for fact in _COMPILER)


def _otherwise(both: _Both) -> Iterator[str]:
    if both.apart:
        facts = "; ".join(f"{key} {then}, now {now}" for key, (then, now) in both.apart.items())
        yield f"measured otherwise than the baseline, so that no ratio can fail: {facts}"


def _seconds(both: _Both, threshold: float) -> Iterator[str]:
    """A warning for each arm whose seconds moved, since a common change shows in no ratio."""
    moved: dict[str, list[tuple[float, Cell]]] = {}
    for then, now in both.arms:
        if then.seconds is not None and now.seconds is not None:
            moved.setdefault(now.arm, []).append((now.seconds / then.seconds, now.cell))
    if both.then.functions is not None:
        if control := moved.get(CONTROL):  # the machine's own change
            middle = float(np.median([factor for factor, _ in control]))
            change = change_text(Estimate(point=middle, low=None, high=None))
            yield f"control (the same work then and now, with which functions are compared): {change}"
        return
    for arm, factors in moved.items():
        middle = float(np.median([factor for factor, _ in factors]))
        if abs(np.log(middle)) > np.log1p(threshold):
            most, cell = max(factors, key=lambda each: abs(np.log(each[0]) / np.log(middle)))
            at = f"n = {cell.n}, m = {cell.m}"
            yield (
                f"warning: {arm} takes {middle:.3g} times its seconds in the baseline (median of {len(factors)} cells; "
                f"{most:.3g} at {at}), which may be the machine"
            )


def _line(text: str) -> str:
    """Escapes names and reasons, which come from files of unknown origin."""
    return " ".join(text.split())
