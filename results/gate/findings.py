"""Findings: what is said of each subject of a gate, and on what grounds.

A first look at all subjects flags those that seem slower; fresh rounds of these alone say whether they are. A revision
can only be called slower on the fresh rounds, so the level that holds for them holds for the gate, however many
subjects were looked at and however carelessly: the first look may flag more than it should, to miss less.
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
"""The family-wise level of the first look. It costs fresh rounds in at most one run in ten; in return 10 % in one of 96
cells is flagged in 98 of 100 runs where 1 % would flag it in 71 (8 rounds that vary by 1.5 %, noncentral t)."""

POOLED = 0.5
"""The threshold of a pool, as a share of that of a cell: half way between no change and one by the threshold in all of
its cells, so that such a change is found as surely as none is passed over. A cell needs all of the threshold, since
where its code happens to lie in memory moves it by a few per cent; in a pool's mean that averages out."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A subject and what its times and its counts say.

    `time`: the verdict of the clock; `change`: time of head / time of base, less the drift; `p`: of a slowdown beyond
    the threshold, corrected for all that was looked at; `detectable`: the relative change that 9 of 10 such runs would
    flag; `again`, `p_again`: the same of the fresh rounds; `seconds`: per call in base and in head, of a single pair,
    in the rounds that decided; `counts`: what differs; `reason`: why it was not measured, or not in all rounds, and
    `ended`: how. None where it is not known.
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
        """What ended before its last round is no pass, whatever the rounds before say."""
        if self.reason is not None and self.time in {Verdict.UNCHANGED, Verdict.IMPROVED}:
            object.__setattr__(self, "time", Verdict.INCONCLUSIVE)

    @property
    def verdict(self) -> Verdict:
        """A slowdown that is there, or may be, comes before counts; these before all else that a clock says."""
        slower = self.time in {Verdict.REGRESSED, Verdict.FLAGGED}
        return Verdict.COUNTS_CHANGED if self.counts and not slower else self.time

    @property
    def worse(self) -> bool:
        """It takes longer, or more operations."""
        return self.time is Verdict.REGRESSED or any(count.worse for count in self.counts)

    @property
    def better(self) -> bool:
        """It takes less time, or fewer operations, and neither is worse."""
        return not self.worse and (self.time is Verdict.IMPROVED or any(count.better for count in self.counts))

    @property
    def open(self) -> bool:
        """True while undecided. A pool that was never flagged is settled: its cells say themselves where they are."""
        asked = not self.subject.pooled or self.p_again is not None
        return self.time is Verdict.FLAGGED or (self.time is Verdict.INCONCLUSIVE and asked)

    @property
    def untimed(self) -> str | None:
        """Why there is no time to compare, in a word or two; None for a pool, and for what was timed to its end."""
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
    """(subjects,): the log ratio that each must exceed."""
    pooled = np.array([subject.pooled for subject in subjects], dtype=bool)
    return np.log1p(threshold * np.where(pooled, POOLED, 1.0))


def screened(
    sides: Sides, subjects: Sequence[Subject], threshold: float, alpha: float, correlation: float = 0.0
) -> Iterator[Finding]:
    """The first look at all subjects.

    Each mean shift is tested against its margin by a one-sided t over rounds, corrected by Holm over all subjects:
    slowdowns at `SCREENING`, to be confirmed; speed-ups at `alpha`. Unchanged is what has its whole 95 % interval
    within the margins. `correlation`: of a round with the one before, as `correlation_of` finds it.
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
    """What fresh rounds of the flagged subjects say of them alone: the fields of their findings that become known.

    A slowdown by the same test as in the first look, at `alpha`, corrected by Holm over the flagged with equal weights.
    """
    shifts, margins = shifts_of(averages(sides, subjects), correlation), margins_of(subjects, threshold)
    slower = holm(shifts.p_slower(margins), np.ones(len(subjects)))
    verdicts = _verdicts({Verdict.REGRESSED: slower <= alpha, Verdict.UNCHANGED: shifts.within(margins)})
    for verdict, again, p in zip(verdicts, shifts.estimates(), slower, strict=True):
        yield {"time": verdict, "again": again, "p_again": 1.0 if again is None else float(p)}


def settled(
    first: Sides, fresh: Sides, subjects: Sequence[Subject], threshold: float, correlation: float = 0.0
) -> Iterator[dict[str, Any]]:
    """What all rounds together say of subjects that the first left undecided: unchanged, or still not known.

    Each look calls a subject unchanged by its 95 % interval, which errs on the slow side in 2.5 % of the cases at most;
    two looks in 5 %.
    """
    both = np.vstack([averages(sides, subjects) for sides in (first, fresh)])
    shifts, margins = shifts_of(both, correlation), margins_of(subjects, threshold)
    verdicts = _verdicts({Verdict.UNCHANGED: shifts.within(margins)})
    for verdict, change, rounds in zip(verdicts, shifts.estimates(), shifts.rounds, strict=True):
        yield {"time": verdict, "change": change, "rounds": int(rounds)}


def _verdicts(holds: dict[Verdict, Vector]) -> list[Verdict]:
    """Of each subject the first verdict that holds; inconclusive where none does, as for NaN."""
    return [
        next((verdict for verdict, here in zip(holds, row, strict=True) if here), Verdict.INCONCLUSIVE)
        for row in zip(*holds.values(), strict=True)
    ]


def of_pair(known: Mapping[Pair, T], subject: Subject) -> T | None:
    """What is known of a single pair; what a pool has is in its members' findings."""
    return None if subject.pooled else known.get(subject.members[0])


def _known(number: float) -> float | None:
    return None if np.isnan(number) else float(number)
