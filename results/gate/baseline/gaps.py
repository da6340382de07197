"""Reports what only one of a baseline and a run has, since it was requested and not compared."""

from collections.abc import Collection, Iterator, Mapping, Set as AbstractSet

from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.sides import CONTROL
from fwdrev.modes.registry import engine_fault, engine_names
from fwdrev.results.gate.baseline.record import Baseline
from fwdrev.results.gate.sides import Pair
from fwdrev.results.gate.subjects import arm_subject
from fwdrev.results.gate.verdicts.report import ReportLine, Verdict
from fwdrev.results.runs.cells import failures
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.paired_shifts import FEWEST


def gone(then: Baseline, now: Baseline) -> set[Pair]:
    """The arms in cells with seconds in the baseline and not in the run."""
    before, here = ({(e.cell, e.arm) for e in side.arms if e.seconds is not None} for side in (then, now))
    return {(cell, arm) for cell, arm in before - here if arm != CONTROL}


def unmeasured(run: Run, expected: AbstractSet[Pair]) -> Iterator[ReportLine]:
    """The requested arms that the run did not measure: they may be slower."""
    why = {
        (Cell(int(n), int(m)), str(name)): (str(status), f"{status}: {reason or 'no reason given'}")
        for n, m, name, status, reason in failures(run).itertuples(index=False)
    }
    for cell, arm in sorted(expected):
        untimed, reason = why.get((cell, arm), ("not measured", "the run has not come to it"))
        subject, grounds = arm_subject(arm, cell.n, cell.m), f"not measured now: {reason}"
        yield ReportLine(subject=subject, verdict=Verdict.INCONCLUSIVE, grounds=grounds, open=True, untimed=untimed)


def untested(then: Baseline, now: Baseline) -> Iterator[ReportLine]:
    """The ratios of arms with too few rounds now."""
    tested = {entry.key for entry in now.ratios}
    timed = {entry.key for entry in now.arms if entry.seconds is not None}
    for entry in then.ratios:
        n, m, pair = entry.n, entry.m, (entry.arm, entry.against)
        if entry.key not in tested and {(n, m, arm) for arm in pair} <= timed:
            of_function = entry.against == CONTROL
            subject = arm_subject(entry.arm, n, m) if of_function else f"{' ÷ '.join(pair)} at n = {n}, m = {m}"
            grounds = f"not compared: fewer than {FEWEST} rounds measured {'it' if of_function else 'both'}"
            yield ReportLine(subject=subject, verdict=Verdict.INCONCLUSIVE, grounds=grounds, open=True)


def not_here(arms: Collection[str], *, allow_missing: bool) -> Iterator[ReportLine]:
    """The baseline's engines that cannot be measured here, and why; others were left out on purpose."""
    known = engine_names()
    for arm in sorted(arms):
        if arm not in known:
            grounds = "in the baseline; no engine has this name here: it was removed, or its package is not installed"
            yield ReportLine(subject=arm, verdict=Verdict.MISSING, grounds=grounds, fails=not allow_missing)
        elif (fault := engine_fault(arm)) is not None:
            grounds = f"unavailable here: {fault}"
            yield ReportLine(
                subject=arm, verdict=Verdict.INCONCLUSIVE, grounds=grounds, open=True, untimed="unavailable"
            )


def lost(functions: Mapping[str, str], *, allow_missing: bool) -> Iterator[ReportLine]:
    """The baseline's functions that the working tree lacks, with the reason."""
    for name, why in sorted(functions.items()):
        grounds = f"in the baseline, and not here any more: {why}"
        yield ReportLine(subject=name, verdict=Verdict.MISSING, grounds=grounds, fails=not allow_missing)


def new_here(then: Baseline, run: Run) -> Iterator[ReportLine]:
    """The run's engines that the baseline does not have: there is nothing to compare them with."""
    for arm in run.spec.engines:
        if arm not in then.sweep.engines and arm != CONTROL:
            yield ReportLine(subject=arm, verdict=Verdict.NEW, grounds="the baseline does not have it")


def left_out(then: Baseline, run: Run, beyond: AbstractSet[Pair]) -> Iterator[str]:
    """The parts of the baseline that the run left out, in a few lines: arms available here, and cells of its arms."""
    arms = sorted({arm for _, arm in beyond} - set(run.spec.engines))
    cells = sorted({cell for cell, arm in beyond if arm not in arms})
    if here := [arm for arm in arms if engine_fault(arm) is None]:
        yield f"in the baseline, not in this run: arms {', '.join(here)}"
    if cells:
        among = len({entry.cell for entry in then.arms})
        first = f"the first at n = {cells[0].n}, m = {cells[0].m}"
        yield f"in the baseline, not in this run: {len(cells)} of {among} cells, {first}"
