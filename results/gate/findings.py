"""Findings: the verdict on each subject of a gate, with its evidence.

A first look at all subjects flags those that seem slower; fresh rounds of these alone decide. A revision
is called slower only by the fresh rounds, so their level is the gate's level, however many
subjects there are: the first look may flag more than it should, to miss less.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from fwdrev.bench.records.observation import Status
from fwdrev.modes.core.arrays import Vector
from fwdrev.results.gate.sides import CountChange, Pair, Sides, count_changes
from fwdrev.results.gate.subjects import Subject, averages, shares
from fwdrev.results.gate.verdicts.report import Verdict
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.stats.holm import holm
from fwdrev.results.stats.paired_shifts import shifts_of

SCREENING = 0.1
"""The family-wise level of the first look. It costs fresh rounds in at most one run in ten; then, 10 % in one of 96
cells is flagged in 98 of 100 runs, compared with 71 at 1 % (8 rounds that vary by 1.5 %, noncentral t)."""

POOLED = 0.5
"""The threshold of a pool, as a share of a cell's: half-way between no change and a change by the threshold in all of
its cells, so that both are recognised equally well. A cell needs the whole threshold, since
the place of its code in memory moves it by a few per cent; a pool's mean averages that out."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A subject with the verdicts of its times and counts.

    `time`: the verdict of the clock; `change`: time of head / time of base, less the drift; `p`: of a slowdown beyond
    the threshold, corrected for all subjects; `detectable`: the relative change that 9 of 10 such runs would
    flag; `again`, `p_again`: the same of the fresh rounds; `seconds`: per call in base and in head, of a single pair,
    in the rounds that decided; `counts`: those that differ; `reason`: why it was not measured, or not in all rounds,
    and `ended`: how. None if unknown.
    """

    subject: Subject
    time: Verdict
    rounds: int
    change: Estimate | None = None
    p: float | None = None
    detectable: float | None = None
    again: Estimate | None = None
    p_again: float | None = None
    seconds: tuple[float, float] | None = None
    counts: tuple[CountChange, ...] = ()
    reason: str | None = None
    ended: Status | None = None

    def __post_init__(self) -> None:
        """A subject that ended before its last round is no pass, whatever its earlier rounds show."""
        if self.reason is not None and self.time in {Verdict.UNCHANGED, Verdict.IMPROVED}:
            object.__setattr__(self, "time", Verdict.INCONCLUSIVE)

    @property
    def verdict(self) -> Verdict:
        """A certain or possible slow-down comes before counts, and counts before all other results of the clock."""
        slower = self.time in {Verdict.REGRESSED, Verdict.FLAGGED}
        return Verdict.COUNTS_CHANGED if self.counts and not slower else self.time

    @property
    def worse(self) -> bool:
        """Whether it takes longer, or more operations."""
        return self.time is Verdict.REGRESSED or any(count.worse for count in self.counts)

    @property
    def better(self) -> bool:
        """Whether it takes less time, or fewer operations, and neither is worse."""
        return not self.worse and (self.time is Verdict.IMPROVED or any(count.better for count in self.counts))

    @property
    def open(self) -> bool:
        """True while undecided. A pool that was never flagged is settled: its cells have their own verdicts."""
        asked = not self.subject.pooled or self.p_again is not None
        return self.time is Verdict.FLAGGED or (self.time is Verdict.INCONCLUSIVE and asked)

    @property
    def untimed(self) -> str | None:
        """The reason why no time can be compared, in a word or two; None for pools and completely timed subjects."""
        if self.time in {Verdict.NEW, Verdict.MISSING}:
            return self.time.value
        if self.subject.pooled or self.time is Verdict.REGRESSED:
            return None
        if self.ended is not None:
            return self.ended.value
        return None if self.rounds and self.reason is None else "not measured"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        seconds = None if self.seconds is None else dict(zip(("base", "head"), self.seconds, strict=True))
        said = {"subject": self.subject.to_json(), "verdict": self.verdict, "seconds": seconds}
        return asdict(self) | said | {"counts": [asdict(count) for count in self.counts]}


def margins_of(subjects: Sequence[Subject], threshold: float) -> Vector:
    """The log ratio that each subject must exceed, (subjects,)."""
    pooled = np.array([subject.pooled for subject in subjects], dtype=bool)
    return np.log1p(threshold * np.where(pooled, POOLED, 1.0))


def screened(
    sides: Sides, subjects: Sequence[Subject], threshold: float, alpha: float, correlation: float = 0.0
) -> Iterator[Finding]:
    """The first look at all subjects.

    Each mean shift is tested against its margin by a one-sided t over rounds, corrected by Holm over all subjects:
    slow-downs at `SCREENING`, to be confirmed; speed-ups at `alpha`. Unchanged means that the whole 95 % interval is
    within the margins. `correlation`: of consecutive rounds, from `correlation_of`.
    """
    shifts = shifts_of(averages(sides, subjects), correlation)
    margins, weights = margins_of(subjects, threshold), shares(subjects)
    slower = holm(shifts.p_slower(margins), weights)
    verdicts = _verdicts(
        {
            Verdict.FLAGGED: slower <= SCREENING,
            Verdict.IMPROVED: holm(shifts.p_faster(margins), weights) <= alpha,
            Verdict.UNCHANGED: shifts.within(margins),
        }
    )
    detectable = shifts.detectable(margins, SCREENING * weights / weights.sum())
    columns = zip(subjects, verdicts, shifts.rounds, shifts.estimates(), slower, detectable, strict=True)
    for subject, verdict, rounds, change, p, least in columns:
        counts = of_pair(sides.counts, subject)
        yield Finding(
            subject=subject,
            time=verdict,
            rounds=int(rounds),
            change=change,
            p=_known(p),
            detectable=_known(least),
            seconds=of_pair(sides.seconds, subject),
            counts=() if counts is None else count_changes(*counts),
            reason=of_pair(sides.reasons, subject),
            ended=of_pair(sides.ended, subject),
        )


def confirmed(
    sides: Sides, subjects: Sequence[Subject], threshold: float, alpha: float, correlation: float = 0.0
) -> Iterator[dict[str, Any]]:
    """The decision of fresh rounds on flagged subjects: the new fields of their findings.

    Tests for a slow-down like the first look, at `alpha`, corrected by Holm over the flagged, equally weighted.
    """
    shifts, margins = shifts_of(averages(sides, subjects), correlation), margins_of(subjects, threshold)
    slower = holm(shifts.p_slower(margins), np.ones(len(subjects)))
    verdicts = _verdicts({Verdict.REGRESSED: slower <= alpha, Verdict.UNCHANGED: shifts.within(margins)})
    for verdict, again, p in zip(verdicts, shifts.estimates(), slower, strict=True):
        yield {"time": verdict, "again": again, "p_again": 1.0 if again is None else float(p)}


def settled(
    first: Sides, fresh: Sides, subjects: Sequence[Subject], threshold: float, correlation: float = 0.0
) -> Iterator[dict[str, Any]]:
    """The decision of all rounds together on subjects left undecided: unchanged, or still undecided.

    Each look calls a subject unchanged by its 95 % interval, which misses a slow-down in at most 2.5 % of cases;
    two looks in at most 5 %.
    """
    both = np.vstack([averages(sides, subjects) for sides in (first, fresh)])
    shifts, margins = shifts_of(both, correlation), margins_of(subjects, threshold)
    verdicts = _verdicts({Verdict.UNCHANGED: shifts.within(margins)})
    for verdict, change, rounds in zip(verdicts, shifts.estimates(), shifts.rounds, strict=True):
        yield {"time": verdict, "change": change, "rounds": int(rounds)}


def _verdicts(holds: dict[Verdict, Vector]) -> list[Verdict]:
    """The first verdict that holds for each subject; inconclusive if none does, as for NaN."""
    return [
        next((verdict for verdict, here in zip(holds, row, strict=True) if here), Verdict.INCONCLUSIVE)
        for row in zip(*holds.values(), strict=True)
    ]


def of_pair(known: Mapping[Pair, T], subject: Subject) -> T | None:
    """The fields of a single pair; those of a pool are in its members' findings."""
    return None if subject.pooled else known.get(subject.members[0])


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
