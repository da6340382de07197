"""The gate: whether one revision, "head", is slower than another, "base", from rounds that measured both side by side.

No clock, no processes. The promise: with `alpha` = 1 %, at most 1 % of all comparisons in which nothing is
slower than its threshold end as a regression, whatever the number of cells. To see the simulation behind it,
run `python -m benchmarks.gate_simulation`.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

from fwdrev.bench.records.parsing import names_function
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.findings import Finding, confirmed, of_pair, screened, settled
from fwdrev.results.gate.sides import Pair, Sides
from fwdrev.results.gate.subjects import subjects_of
from fwdrev.results.gate.verdicts.report import Outcome, Verdict, overall
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.stats.paired_shifts import correlation_of, shifts_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The decision: `findings` of all cells and arms, then of all pools.

    `threshold`: the accepted relative slow-down of a cell; `alpha`: the share of false alarms; `drift`: the apparent
    difference of identical code, head / base, None if unmeasured; `compared`: the number of subjects with a time or
    counts of both sides; `allow_missing`: arms missing in head do not fail.
    """

    findings: tuple[Finding, ...]
    threshold: float
    alpha: float
    drift: Estimate | None = None
    compared: int = 0
    allow_missing: bool = False

    @property
    def outcome(self) -> Outcome:
        """The outcome of all findings; more operations are a regression without a clock.

        New arms do not decide; if all are new, the outcome is open, since there is nothing to compare them
        with yet.
        """
        found = overall(
            worse=any(finding.worse for finding in self.findings),
            missing=any(self.fails(finding) for finding in self.findings),
            compared=self.compared > 0,
            undecided=any(finding.open for finding in self.findings),
            better=any(finding.better for finding in self.findings),
        )
        new = {finding.time for finding in self.findings} == {Verdict.NEW}
        return Outcome.INCONCLUSIVE if found is Outcome.NOTHING and new else found

    def fails(self, finding: Finding) -> bool:
        """Whether a finding keeps the outcome from being a pass."""
        return finding.worse or (finding.time is Verdict.MISSING and not self.allow_missing)

    @property
    def pairs_again(self) -> tuple[Pair, ...]:
        """The arms in cells to measure again: flagged ones, all members of flagged pools, and undecided ones.

        Not what has failed: it may hang again.
        """
        return tuple(dict.fromkeys(pair for finding in self.measured_again for pair in finding.subject.members))

    @property
    def measured_again(self) -> tuple[Finding, ...]:
        """The findings that need fresh rounds."""
        return tuple(f for f in self.findings if f.open and f.rounds and f.reason is None)

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        return {
            "outcome": self.outcome,
            "threshold": self.threshold,
            "alpha": self.alpha,
            "compared": self.compared,
            "drift": None if self.drift is None else asdict(self.drift),
            "findings": [finding.to_json() for finding in self.findings],
        }


def check_levels(threshold: float, alpha: float) -> None:
    """Raises InputError unless the threshold is positive and alpha is in (0, 1)."""
    if not (threshold > 0 and 0 < alpha < 1):
        raise InputError(f"threshold {threshold} and alpha {alpha}: a threshold is positive, an alpha between 0 and 1")


def decide(sides: Sides, *, threshold: float = 0.05, alpha: float = 0.01, confirmation: Sides | None = None) -> Gate:
    """Finds the arms of head slower than base by more than `threshold`, in a cell or over a pool.

    The effect of a round is its log ratio minus the control's, which is the same code on both sides: a shift that
    hits all arms alike cancels, whether it differs between rounds or not. (To require instead that an effect
    exceeds the control's interval would handle only a constant shift, and leave the other in every cell's variance.)

    `confirmation`: fresh rounds, in new processes, of `pairs_again`; NaN for other pairs. Without it, the clock calls
    nothing regressed. The fresh rounds alone decide flagged pairs; all rounds together decide a cell that the first
    rounds left undecided.

    Raises InputError unless the threshold is positive and alpha is in (0, 1).
    """
    check_levels(threshold, alpha)
    correlation = float(correlation_of(sides.effects))
    findings = tuple(screened(sides, subjects_of(sides), threshold, alpha, correlation))
    if confirmation is not None:
        findings = _again(findings, (sides, confirmation), threshold, alpha, correlation)
    cells = [f for f in findings if not f.subject.pooled]
    compared = sum(f.rounds > 0 or sides.counted(f.subject.members[0]) for f in cells)
    drift = next(shifts_of(sides.drift[:, None], correlation).estimates())
    return Gate(findings=findings, threshold=threshold, alpha=alpha, drift=drift, compared=compared)


def _again(
    findings: tuple[Finding, ...], looks: tuple[Sides, Sides], threshold: float, alpha: float, correlation: float
) -> tuple[Finding, ...]:
    """The findings, updated by the fresh rounds if flagged, and by all rounds if undecided.

    An undecided function also counts as slower if the fresh rounds alone show it: they are tested together with
    the flagged ones, so that the level holds.
    """
    undecided = [f for f in findings if f.open and f.time is not Verdict.FLAGGED]
    tested = [f for f in findings if f.time is Verdict.FLAGGED or (f in undecided and names_function(f.subject.name))]
    together = settled(*looks, [f.subject for f in undecided], threshold, correlation)
    alone = confirmed(looks[1], [f.subject for f in tested], threshold, alpha, correlation)
    known = {id(f): found for f, found in zip(undecided, together, strict=True)}
    for f, found in zip(tested, alone, strict=True):
        if f.time is Verdict.FLAGGED or found["time"] is Verdict.REGRESSED:
            known[id(f)] = found
    return tuple(replace(f, **known.get(id(f), {}), **_latest(f, looks[1])) for f in findings)


def _latest(finding: Finding, fresh: Sides) -> dict[str, Any]:
    """The fields outside tests: the seconds of the deciding rounds, and the first reason for not measuring."""
    return {
        "seconds": of_pair(fresh.seconds, finding.subject) or finding.seconds,
        "reason": finding.reason or of_pair(fresh.reasons, finding.subject),
        "ended": finding.ended or of_pair(fresh.ended, finding.subject),
    }
