"""A run beside a stored baseline: what does not depend on the machine is compared, and ends as a judgement.

    judgement = compared(load_baseline(path), load("runs/today"))
    judgement.outcome, text_lines(judgement)

Counts are exact: more operations fail anywhere. Ratios of arms and crossovers fail on the machine of the baseline only:
they depend on caches and libraries too, so elsewhere a shift is told, and nobody knows what it means. Seconds never
fail; on the same machine those that moved are told. An engine of the baseline that does not exist any more fails too,
unless it is allowed to; one that cannot be loaded here is not measured, which is no pass either.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np

from fwdrev.bench.cell import Cell
from fwdrev.bench.spec import Planning
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.modes.interface import Direction
from fwdrev.modes.registry import engine_fault, engine_names
from fwdrev.results.baseline import baseline_of
from fwdrev.results.baseline_file import Baseline, StoredArm
from fwdrev.results.judgement import Judgement, Outcome, Told, Verdict
from fwdrev.results.measured_sides import direction_of
from fwdrev.results.paired_sides import CountChange, Pair, count_changes, known_counts
from fwdrev.results.ratio_shifts import shift_lines, shifts_between, told_shifts
from fwdrev.results.run import Run
from fwdrev.results.same_machine import differences
from fwdrev.results.shifts import FEWEST
from fwdrev.results.tables import failures
from fwdrev.results.trend import DECIDES

__all__ = ["compared", "without_engines"]

_HOW = ("protocol", "block_seconds", "prices")
"""Of a specification what moves times, and so ratios, beside the machine."""

_JUDGED = "fwdrev"
"""The version that is no fact of the machine: engines of this package are among what is judged."""

_COMPILER = ("jax", "jaxlib", "device")
"""Facts on which a compiler's counts depend."""

_COMPILED = ("flops", "bytes_accessed")
"""Those counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Both:
    """The baseline and the run, reduced to the same; `apart`: in which facts they differ, as (name, then, now)."""

    then: Baseline
    now: Baseline
    run: Run
    apart: Mapping[str, tuple[object, object]]

    def arms(self) -> Iterator[tuple[StoredArm, StoredArm]]:
        """Of both, where both have one."""
        now = {(entry.cell, entry.arm): entry for entry in self.now.arms}
        yield from ((entry, now[key]) for entry in self.then.arms if (key := (entry.cell, entry.arm)) in now)


def compared(
    baseline: Baseline,
    run: Run,
    *,
    threshold: float = 0.05,
    alpha: float = 0.01,
    title: str = "",
    allow_missing: bool = False,
) -> Judgement:
    """What changed by more than `threshold`; at most a share `alpha` of runs without a change fail by their ratios.

    `allow_missing`: an engine that does not exist any more does not fail.
    Raises InputError for a threshold that is not positive or an alpha outside (0, 1).
    """
    if not (threshold > 0 and 0 < alpha < 1):
        msg = f"threshold {threshold} and alpha {alpha}: a threshold is positive, an alpha between 0 and 1"
        raise InputError(msg)
    spec = baseline.sweep
    other = [key for key in DECIDES if getattr(spec, key) != getattr(run.spec, key)]
    if other:
        return _nothing(title, f"{run.folder} has another {' and '.join(other)} than the baseline")
    try:
        now = baseline_of(run, baseline.pairs)
    except NothingMeasuredError as error:
        return _nothing(title, str(error))
    both = _Both(then=baseline, now=now, run=run, apart=_apart(baseline, run))
    apart = (*_not_here(set(spec.engines) - set(run.spec.engines), allow_missing=allow_missing), *_new(both))
    return _judged(both, threshold, alpha, title, apart)


def without_engines(baseline: Baseline, *, title: str = "", allow_missing: bool = False) -> Judgement:
    """Where none of the baseline's engines is here: nothing can be measured, and each is told."""
    told = tuple(_not_here(baseline.sweep.engines, allow_missing=allow_missing))
    outcome = Outcome.MISSING if any(each.fails for each in told) else Outcome.NOTHING
    return Judgement(title=title, outcome=outcome, told=told)


def _nothing(title: str, why: str) -> Judgement:
    return Judgement(title=title, outcome=Outcome.NOTHING, told=(), notes=(why,))


def _judged(both: _Both, threshold: float, alpha: float, title: str, apart: Sequence[Told]) -> Judgement:
    """`apart`: what is told of engines that only one of both has."""
    shifts = shifts_between(both.then, both.now)
    counts = [told for entries in both.arms() for told in _counts(both, *entries)]
    ratios = list(told_shifts(shifts, threshold, alpha, here=not both.apart))
    grid = {(cell, arm) for cell in both.run.spec.cells for arm in both.run.spec.engines}
    gone = _gone(both)
    told = (*[each for each, _ in counts], *ratios, *_unmeasured(both.run, gone & grid), *_untested(both), *apart)
    better = any(fewer for _, fewer in counts) or any(each.verdict is Verdict.IMPROVED for each in ratios)
    notes = [*_elsewhere(both), *_left_out(both, gone - grid), *shift_lines(shifts, threshold, alpha)]
    if not shifts:
        notes.append("no ratio of two arms is in both: only counts were compared")
    if not both.apart:
        notes += _seconds(both, threshold)
    outcome = _outcome(told, better=better, compared=bool(counts or ratios))
    lines = tuple(replace(each, subject=_line(each.subject), grounds=_line(each.grounds)) for each in told)
    return Judgement(title=title, outcome=outcome, told=lines, notes=tuple(map(_line, notes)))


def _outcome(told: Sequence[Told], *, better: bool, compared: bool) -> Outcome:
    """A regression stands whatever else is open; otherwise all must be known to be no worse."""
    failing = {each.verdict for each in told if each.fails}
    if failing - {Verdict.MISSING}:
        return Outcome.REGRESSED
    if failing:
        return Outcome.MISSING
    if not compared:
        return Outcome.NOTHING
    if any(each.open for each in told):
        return Outcome.INCONCLUSIVE
    return Outcome.IMPROVED if better else Outcome.UNCHANGED


def _apart(baseline: Baseline, run: Run) -> dict[str, tuple[object, object]]:
    """In what the machines differ, their versions and settings, or how was measured."""
    facts = differences(baseline.machine.model_dump(exclude_unset=True), run.machine)
    found = {key: (then, now) for key, then, now in facts if key != _JUDGED}
    spec = baseline.sweep
    for key in _HOW:
        then, now = getattr(spec, key), getattr(run.spec, key)
        if then != now:
            found[key] = (then, now)
    return found


def _counts(both: _Both, then: StoredArm, now: StoredArm) -> Iterator[tuple[Told, bool]]:
    """The verdict on the counts of an arm in a cell, if both know one, and whether they are better."""
    if not any(known_counts(then.counts, now.counts)):
        return
    changes = count_changes(then.counts, now.counts)
    comparable = [change for change in changes if _comparable(both, now.arm, change)]
    worse = any(change.worse for change in comparable)
    odd = len(comparable) < len(changes)
    grounds = [f"{change.what.replace('_', ' ')} {change.base:,} → {change.head:,}" for change in changes]
    grounds += ["counted by another compiler, or planned by the seconds of a machine"] if odd else []
    told = Told(
        subject=_at(now.cell, now.arm),
        verdict=Verdict.COUNTS_CHANGED if changes else Verdict.UNCHANGED,
        grounds=", ".join(grounds) or "counts as before",
        fails=worse,
        open=odd,
    )
    yield told, not worse and any(change.better for change in comparable)


def _comparable(both: _Both, arm: str, change: CountChange) -> bool:
    """A count that only the code decides: not what another compiler counts, nor a plan made for a machine's prices."""
    planned = Planning.SECONDS in {both.run.spec.prices, both.then.sweep.prices}
    if planned and direction_of(arm) not in {Direction.FORWARD, Direction.REVERSE}:
        return False
    return change.what not in _COMPILED or not any(fact in both.apart for fact in _COMPILER)


def _gone(both: _Both) -> set[Pair]:
    """The arms in cells that the baseline has seconds of, and the run has not."""
    then, now = ({(e.cell, e.arm) for e in side.arms if e.seconds is not None} for side in (both.then, both.now))
    return then - now


def _unmeasured(run: Run, expected: AbstractSet[Pair]) -> Iterator[Told]:
    """What the run was for and did not measure: nobody knows whether it is slower."""
    why = {
        (Cell(int(n), int(m)), str(name)): f"{status}: {reason or 'no reason given'}"
        for n, m, name, status, reason in failures(run).itertuples(index=False)
    }
    for cell, arm in sorted(expected):
        grounds = f"not measured now: {why.get((cell, arm), 'the run has not come to it')}"
        yield Told(subject=_at(cell, arm), verdict=Verdict.INCONCLUSIVE, grounds=grounds, open=True)


def _untested(both: _Both) -> Iterator[Told]:
    """Ratios of arms that took too few rounds now."""
    tested = {(entry.n, entry.m, entry.arm, entry.against) for entry in both.now.ratios}
    timed = {(entry.n, entry.m, entry.arm) for entry in both.now.arms if entry.seconds is not None}
    for entry in both.then.ratios:
        n, m, pair = entry.n, entry.m, (entry.arm, entry.against)
        if (n, m, *pair) not in tested and {(n, m, arm) for arm in pair} <= timed:
            subject = f"{entry.arm} ÷ {entry.against} at n = {n}, m = {m}"
            grounds = f"not compared: fewer than {FEWEST} rounds measured both"
            yield Told(subject=subject, verdict=Verdict.INCONCLUSIVE, grounds=grounds, open=True)


def _not_here(arms: Collection[str], *, allow_missing: bool) -> Iterator[Told]:
    """The engines of the baseline that cannot be measured here, and why; those that can were left out on purpose."""
    known = engine_names()
    for arm in sorted(arms):
        if arm not in known:
            grounds = "in the baseline; no engine has this name here: it was removed, or its package is not installed"
            yield Told(subject=arm, verdict=Verdict.MISSING, grounds=grounds, fails=not allow_missing)
        elif (fault := engine_fault(arm)) is not None:
            yield Told(subject=arm, verdict=Verdict.INCONCLUSIVE, grounds=f"unavailable here: {fault}", open=True)


def _new(both: _Both) -> Iterator[Told]:
    """The engines of the run that the baseline does not know: there is nothing to compare them with."""
    for arm in both.run.spec.engines:
        if arm not in both.then.sweep.engines:
            yield Told(subject=arm, verdict=Verdict.NEW, grounds="the baseline does not have it")


def _left_out(both: _Both, left_out: AbstractSet[Pair]) -> Iterator[str]:
    """What the run was not for, in a few lines: arms that could be measured here, and cells of arms that it has."""
    arms = sorted({arm for _, arm in left_out} - set(both.run.spec.engines))
    cells = sorted({cell for cell, arm in left_out if arm not in arms})
    if here := [arm for arm in arms if engine_fault(arm) is None]:
        yield f"in the baseline, not in this run: arms {', '.join(here)}"
    if cells:
        among = len({entry.cell for entry in both.then.arms})
        first = f"the first at n = {cells[0].n}, m = {cells[0].m}"
        yield f"in the baseline, not in this run: {len(cells)} of {among} cells, {first}"


def _elsewhere(both: _Both) -> Iterator[str]:
    if both.apart:
        facts = "; ".join(f"{key} {then}, now {now}" for key, (then, now) in both.apart.items())
        yield f"measured otherwise than the baseline, so that no ratio can fail: {facts}"


def _seconds(both: _Both, threshold: float) -> Iterator[str]:
    """A warning for each arm whose seconds moved: what all arms have in common shows in no ratio."""
    moved: dict[str, list[tuple[float, Cell]]] = {}
    for then, now in both.arms():
        if then.seconds is not None and now.seconds is not None:
            moved.setdefault(now.arm, []).append((now.seconds / then.seconds, now.cell))
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
    """Names and reasons come from files that anybody may have written."""
    return " ".join(text.split())


def _at(cell: Cell, arm: str) -> str:
    return f"{arm} at n = {cell.n}, m = {cell.m}"
