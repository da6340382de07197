"""The gate: whether one revision, "head", is slower than another, "base", from rounds that measured both side by side.

    gate = decide(sides)
    gate.to_confirm                          # findings that fresh rounds must confirm; gate.pairs_to_confirm to measure
    gate = decide(sides, confirmation=fresh)
    gate.outcome, gate.exit_code             # Outcome.REGRESSED, 1

Pure: no clock, no processes. What is promised: with `alpha` = 1 %, at most 1 % of all comparisons in which nothing is
slower than its threshold end as a regression, whatever the number of cells. What it rests on, and how far that carries,
is simulated in `fwdrev.results.simulated_sides`; the table is printed by `benchmarks/gate_simulation.py`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from fwdrev.modes.errors import InputError
from fwdrev.results.estimate import Estimate
from fwdrev.results.findings import Finding, Verdict, confirmed, screened
from fwdrev.results.paired_sides import Pair, Sides
from fwdrev.results.shifts import shifts_of
from fwdrev.results.subjects import subjects_of

__all__ = ["Gate", "Outcome", "decide"]


class Outcome(StrEnum):
    """What all findings say together."""

    UNCHANGED = "unchanged"
    IMPROVED = "improved"
    REGRESSED = "regressed"
    INCONCLUSIVE = "inconclusive"
    NOTHING = "nothing to compare"


_EXIT_CODES = {
    Outcome.UNCHANGED: 0,
    Outcome.IMPROVED: 0,
    Outcome.REGRESSED: 1,
    Outcome.INCONCLUSIVE: 3,
    Outcome.NOTHING: 4,
}
"""Those of the command: 2 is wrong usage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The decision: `findings` of all cells and arms, then of all pools.

    `threshold`: the relative slowdown of a cell that is accepted; `alpha`: the share of false alarms; `drift`: what
    identical code seems to differ by, head / base, None where no round measured it.
    """

    findings: tuple[Finding, ...]
    threshold: float
    alpha: float
    drift: Estimate | None = None
    compared: int = 0

    @property
    def outcome(self) -> Outcome:
        """A regression stands whatever else is open; otherwise all must be known to be no worse.

        More operations are a regression that needs no clock.
        """
        if not self.compared:
            return Outcome.NOTHING
        if any(finding.worse for finding in self.findings):
            return Outcome.REGRESSED
        if any(finding.open for finding in self.findings):
            return Outcome.INCONCLUSIVE
        return Outcome.IMPROVED if any(finding.better for finding in self.findings) else Outcome.UNCHANGED

    @property
    def exit_code(self) -> int:
        """Of the command that asked."""
        return _EXIT_CODES[self.outcome]

    @property
    def to_confirm(self) -> tuple[Finding, ...]:
        """What was flagged and has not been measured again."""
        return tuple(finding for finding in self.findings if finding.time is Verdict.FLAGGED)

    @property
    def pairs_to_confirm(self) -> tuple[Pair, ...]:
        """The arms in cells to measure again: those flagged, and all members of flagged pools."""
        return tuple(dict.fromkeys(pair for finding in self.to_confirm for pair in finding.subject.members))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "outcome": self.outcome.value,
            "exit_code": self.exit_code,
            "threshold": self.threshold,
            "alpha": self.alpha,
            "compared": self.compared,
            "drift": None if self.drift is None else self.drift.to_json(),
            "findings": [finding.to_json() for finding in self.findings],
        }


def decide(sides: Sides, *, threshold: float = 0.05, alpha: float = 0.01, confirmation: Sides | None = None) -> Gate:
    """Which arms of head are slower than base by more than `threshold`, in a cell or in all that a pool has.

    The effect of a round is its log ratio less that of the control, which is the same code on both sides: a shift that
    hits all arms alike cancels, be it new in each round or the same in all of them. (To ask instead that an effect
    exceeds the control's interval would guard against the second only, and leave the first in every cell's variance.)

    `confirmation`: fresh rounds, in new processes, of `pairs_to_confirm`; NaN for other pairs. Without it nothing is
    called regressed by the clock. Raises InputError for a threshold that is not positive or an alpha outside (0, 1).
    """
    if not (threshold > 0 and 0 < alpha < 1):
        msg = f"threshold {threshold} and alpha {alpha}: a threshold is positive, an alpha between 0 and 1"
        raise InputError(msg)
    findings = tuple(screened(sides, subjects_of(sides), threshold, alpha))
    if confirmation is not None:
        findings = _again(findings, confirmation, threshold, alpha)
    compared = sum(_compared(sides, finding) for finding in findings)
    drift = next(shifts_of(sides.drift[:, None]).estimates())
    return Gate(findings=findings, threshold=threshold, alpha=alpha, drift=drift, compared=compared)


def _again(findings: tuple[Finding, ...], fresh: Sides, threshold: float, alpha: float) -> tuple[Finding, ...]:
    """The findings, those flagged with what fresh rounds say."""
    flagged = [finding for finding in findings if finding.time is Verdict.FLAGGED]
    known = iter(list(confirmed(fresh, [finding.subject for finding in flagged], threshold, alpha)))
    return tuple(replace(each, **next(known)) if each.time is Verdict.FLAGGED else each for each in findings)


def _compared(sides: Sides, finding: Finding) -> bool:
    """Whether a pair has a time or counts of both sides."""
    return not finding.subject.pooled and (finding.rounds > 0 or sides.counted(finding.subject.members[0]))
