"""A second look at the open part of a comparison with a baseline: what to measure again, and both looks together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.parsing import duration, names_function
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.gate.baseline.build import baseline_of
from fwdrev.results.gate.baseline.ratio_shifts import Shift, shifts_between
from fwdrev.results.gate.baseline.record import Baseline
from fwdrev.results.gate.baseline.shift_verdicts import Looks
from fwdrev.results.gate.run import first_few, more_rounds
from fwdrev.results.gate.sides import Pair
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.paired_shifts import FEWEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """What to measure again: arms in cells, and the subjects behind it, `flagged` or `undecided`."""

    pairs: tuple[Pair, ...]
    flagged: tuple[str, ...]
    undecided: tuple[str, ...]

    @property
    def cells(self) -> list[Cell]:
        """The cells, in order."""
        return sorted({cell for cell, _ in self.pairs})

    def arms(self, spec: SweepSpec) -> list[str]:
        """The arms, in the order of the specification."""
        wanted = {arm for _, arm in self.pairs}
        return [name for name in spec.engines if name in wanted]

    def rounds(self, spec: SweepSpec) -> int:
        """The number of fresh rounds: more for fewer cells; functions are measured one by one."""
        functions = [pair for pair in self.pairs if names_function(pair[1])]
        every = len(spec.cells) * (sum(map(names_function, spec.engines)) if functions else 1)
        return max(FEWEST, more_rounds(spec.rounds, 1 / ((len(functions) or len(self.cells)) / every)))

    def seconds(self, run: Run) -> float | None:
        """The expected seconds of these rounds, from those of the run; None if unknown."""
        took: dict[Cell, list[float]] = {}
        for o in run.observations:
            if o.round >= 0 and o.seconds is not None:
                took.setdefault(o.cell, []).append(o.seconds)
        if not took.keys() >= set(self.cells):
            return None
        return self.rounds(run.spec) * sum(sum(took[cell]) / len(took[cell]) for cell in self.cells)

    def announced(self, run: Run, seconds: float | None = None) -> str:
        """A line for people: what is measured again, why, and how long that takes."""
        parts = ((self.flagged, "moved beyond the threshold"), (self.undecided, "could be either"))
        why = "; ".join(f"{first_few(names)} {what}" for names, what in parts if names)
        seconds = self.seconds(run) if seconds is None else seconds
        took = "" if seconds is None else f", about {duration(seconds)}"
        return f"measuring again, {self.rounds(run.spec)} fresh rounds{took}: {why}"


def asked_again(flagged: Sequence[Shift], undecided: Sequence[Shift], now: Baseline) -> Again:
    """The arms with open ratios; for a crossover that seems to have moved, those in all cells at its n."""
    pairs = [pair for shift in (*flagged, *undecided) for pair in _pairs(shift, now)]
    return Again(
        pairs=tuple(dict.fromkeys(pairs)),
        flagged=tuple(shift.subject for shift in flagged),
        undecided=tuple(shift.subject for shift in undecided),
    )


def looks_of(baseline: Baseline, run: Run, now: Baseline, again: Run | None) -> Looks:
    """The shifts in the run, reduced to `now`, in the fresh rounds, and in all rounds."""
    first = shifts_between(baseline, now)
    if again is None:
        return Looks(first=first)
    try:
        fresh = _by_subject(shifts_between(baseline, baseline_of(again, baseline.pairs)))
    except NothingMeasuredError:
        fresh = {}
    next_round = 1 + max((o.round for o in run.observations), default=-1)
    later = [replace(o, round=o.round + next_round) for o in again.observations if o.round >= 0]
    joined = replace(run, observations=(*run.observations, *later))
    together = _by_subject(shifts_between(baseline, baseline_of(joined, baseline.pairs)))
    return Looks(first=first, fresh=fresh, all=together)


def _pairs(shift: Shift, now: Baseline) -> Iterable[Pair]:
    cells = [Cell(shift.n, shift.m)] if shift.m is not None else sorted({e.cell for e in now.arms if e.n == shift.n})
    return [(cell, arm) for cell in cells for arm in (shift.arm, shift.other)]


def _by_subject(shifts: Iterable[Shift]) -> dict[str, Shift]:
    return {shift.subject: shift for shift in shifts}
