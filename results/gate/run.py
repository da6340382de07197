"""One run of the gate: a first look at every arm in every cell, then fresh rounds of the open ones.

The next measurement depends on estimates, so this module is here and not in bench. A slow-down
to find decides the number of rounds: as many as show it, given the variance of the rounds so far (the first
stage of C. Stein, "A two-sample test for a linear hypothesis whose power is independent of the variance", Ann. Math.
Statist. 16 (1945) 243-258). The estimated shift itself plays no part in that.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from math import isfinite
from time import monotonic
from typing import Protocol, runtime_checkable

import numpy as np

from fwdrev.bench.records.observation import Cell, Status
from fwdrev.bench.records.parsing import all_functions
from fwdrev.bench.records.sides import Lacking, SideObservation
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.results.gate.decision import Gate, decide
from fwdrev.results.gate.findings import SCREENING, Finding, margins_of
from fwdrev.results.gate.sides import Pair, Sides, sides_of, unmeasured
from fwdrev.results.gate.subjects import Kind, Subject, averages
from fwdrev.results.gate.verdicts.report import Verdict
from fwdrev.results.stats.paired_shifts import correlation_of, shifts_of
from fwdrev.results.text.quantities import change_text, percent_text, seconds_text

_MOST_TIMES = 3.0
"""The factor on the first look's rounds if few of many pairs are measured again: these rounds are short,
and few cells stay undecided."""

_LEAST_OF_FUNCTIONS, _MOST_OF_FUNCTIONS = 0.5, 2.0
"""The same for functions, where starting takes most of a round: as many as find 10 % in 19 of 20 runs if one
round differs from the next by 5 %, or half as many, for functions that do not seem slower by half a threshold."""

FOUND = 0.95
"""The share of runs that find the requested slow-down: each look may miss half of the rest."""

_MOST_ROUNDS = 60
"""The most rounds of a look that must find a given slow-down; noisier subjects stay undecided."""

_NAMED = 3
"""The most subjects that a line of progress names; it counts the others."""


@runtime_checkable
class Measure(Protocol):
    """`fwdrev.bench.revisions.rounds.against` with its sides, or a script of rounds."""

    def __call__(self, spec: SweepSpec, *, only: Sequence[Pair] | None) -> Generator[SideObservation, None, None]:
        """Measures every round of every cell; `only`: of these arms in these cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateRun:
    """The decision and its evidence; `again` is None if the first look left nothing open.

    `unmeasured`: cells in which an arm was not measured, by (arm, side and reason); `apart`: the relative difference
    of results, for arms with allowed differences.
    """

    gate: Gate
    first: Sides
    again: Sides | None
    unmeasured: dict[tuple[str, str], list[Cell]]
    apart: Mapping[str, float] = field(default_factory=dict)

    @property
    def differing(self) -> list[str]:
        """The allowed differences of results, one line for each arm."""
        return [
            f"{arm}: its results differ from base's{f' by {error:.1e}, relatively' if isfinite(error) else ''}; allowed"
            for arm, error in self.apart.items()
        ]

    @property
    def reasons(self) -> list[str]:
        """The reasons why arms were not measured, one line each."""
        among = len(self.first.cells)
        return [
            f"{arm}, {why} (in {len(set(cells))} of {among} cells)" for (arm, why), cells in self.unmeasured.items()
        ]


def gate_run(
    spec: SweepSpec,
    measure: Measure,
    *,
    threshold: float = 0.05,
    find: float | None = None,
    lacking: Mapping[str, Lacking] | None = None,
    allow_missing: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> GateRun:
    """Measures and decides; `told` gets a line before each round. Raises what `measure` raises.

    `find`: a relative slow-down above the threshold that 95 % of such runs must find in any arm and cell.
    `lacking`: the arms of `spec` that one side lacks. They are not measured, but still become findings;
    those that head no longer has fail unless `allow_missing`.
    """
    lacking = lacking or {}
    apart = tuple(_apart(arm, each, spec) for arm, each in lacking.items())
    spec = spec.model_copy(update={"engines": [arm for arm in spec.engines if arm not in lacking]})
    looks = Looks(spec, measure, threshold=threshold, find=find, told=told)
    gate, first, again = looks.decided()
    gate = replace(gate, findings=(*gate.findings, *apart), allow_missing=allow_missing)
    seen = looks.seen
    return GateRun(gate=gate, first=first, again=again, unmeasured=unmeasured(seen), apart=_apart_in(seen))


def _apart_in(seen: Sequence[SideObservation]) -> dict[str, float]:
    """The largest difference of each arm's results, if they differ and were timed anyway."""
    found: dict[str, float] = {}
    for o in seen:
        for name, arm in o.head.items():
            if arm.status is Status.MEASURED and arm.error:
                found[name] = max(arm.error, found.get(name, 0.0))
    return found


def _apart(arm: str, lacking: Lacking, spec: SweepSpec) -> Finding:
    """The results of an arm that one side lacks, with the reason."""
    verdict = Verdict.NEW if lacking.side == "base" else Verdict.MISSING
    members = tuple((cell, arm) for cell in spec.cells)
    reason = f"{lacking.side} does not have it: {lacking.reason}"
    return Finding(subject=Subject(kind=Kind.ARM, name=arm, members=members), time=verdict, rounds=0, reason=reason)


class Looks:
    """`seen`: all observations so far; `find`: the relative slow-down of a pair to find, or None."""

    def __init__(
        self,
        spec: SweepSpec,
        measure: Measure,
        *,
        threshold: float,
        find: float | None = None,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`measure` and `told` as for `gate_run`."""
        self._spec, self._measure, self._threshold, self._find, self._told = spec, measure, threshold, find, told
        self._rounds, self._seconds = 0, 0.0
        self.seen: list[SideObservation] = []

    def decided(self) -> tuple[Gate, Sides, Sides | None]:
        """The decision, the first look and, if it leaves something open, the second."""
        first = self._first()
        gate = decide(first, threshold=self._threshold)
        if not gate.pairs_again:
            return gate, first, None
        again = self._second(gate, first)
        return decide(first, threshold=self._threshold, confirmation=again), first, again

    def _first(self) -> Sides:
        """The first look, with more rounds than the specification's if these cannot show the slow-down to find."""
        asked = [(cell, arm) for cell in self._spec.cells for arm in self._spec.engines]
        observed = self._observed(self._spec.rounds, None) if asked else []
        first = sides_of(observed, asked)
        more = self._needed(first, asked, SCREENING) - self._spec.rounds
        if more <= 0:
            return first
        find = percent_text(self._find or 0)
        self._told(f"{more} more rounds{self._about(more)}: these vary too much to find {find}")
        observed += [replace(o, round=o.round + self._spec.rounds) for o in self._observed(more, asked)]
        return sides_of(observed, asked)

    def _second(self, gate: Gate, first: Sides) -> Sides:
        """The fresh rounds of functions, as many as their first look requires, since only these call one slower."""
        pairs, rounds = gate.pairs_again, self._spec.rounds
        if all_functions(self._spec.engines):
            seems = any(f.change is None or f.change.point > 1 + gate.threshold / 2 for f in gate.measured_again)
            more = round(rounds * (_MOST_OF_FUNCTIONS if seems else _LEAST_OF_FUNCTIONS))
        else:
            more = more_rounds(rounds, len(first.pairs) / len(pairs))
        rounds = max(more, self._needed(first, pairs, gate.alpha))
        self._told(f"measuring again, {rounds} fresh rounds{self._about(rounds)}: {_why(gate)}")
        return sides_of(self._observed(rounds, pairs, "again: "))

    def _needed(self, first: Sides, pairs: Sequence[Pair], level: float) -> int:
        if self._find is None:
            return 0
        return rounds_to_find(first, pairs, find=self._find, threshold=self._threshold, level=level)

    def _about(self, rounds: int) -> str:
        """The expected seconds, if rounds take as long as before."""
        return f", about {seconds_text(float(round(self._seconds / self._rounds * rounds)))}" if self._rounds else ""

    def _observed(self, rounds: int, only: Sequence[Pair] | None, what: str = "") -> list[SideObservation]:
        spec = self._spec.model_copy(update={"rounds": rounds})
        found: list[SideObservation] = []
        began = monotonic()
        with closing(self._measure(spec, only=only)) as observations:
            for o in observations:
                if not found or o.round != found[-1].round:
                    self._told(f"{what}round {o.round + 1} of {rounds}")
                found.append(o)
        self._rounds, self._seconds = self._rounds + rounds, self._seconds + monotonic() - began
        self.seen += found
        return found


def rounds_to_find(sides: Sides, pairs: Sequence[Pair], *, find: float, threshold: float, level: float) -> int:
    """The rounds that show a slow-down of any of `pairs` by `find`, given the variance of `sides`.

    Each by a one-sided test against the threshold at its share of `level`, with the power that one look needs.
    """
    subjects = [Subject(kind=Kind.CELL, name=arm, members=((cell, arm),)) for cell, arm in pairs]
    shifts = shifts_of(averages(sides, subjects), float(correlation_of(sides.effects)))
    known = ~np.isnan(shifts.mean)
    if not known.any():
        return 0
    worst = int(np.nanargmax(np.where(known, shifts.error * np.sqrt(shifts.kept), np.nan)))
    one = shifts.only(worst)
    margins, levels = margins_of(subjects[:1], threshold), np.array([level / (2 * len(pairs))])
    power = 1 - (1 - FOUND) / 2
    for rounds in range(int(one.rounds[0]), _MOST_ROUNDS):
        if one.in_rounds(rounds).detectable(margins, levels, power)[0] <= find:
            return rounds
    return _MOST_ROUNDS


def more_rounds(rounds: int, times: float) -> int:
    """The number of fresh rounds, given the `rounds` of a look at `times` as many pairs."""
    return round(rounds * min(times, _MOST_TIMES))


def first_few(names: Sequence[str]) -> str:
    """The first three, and the number of the others."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _why(gate: Gate) -> str:
    """The open subjects after the first look, worst first."""
    again = [finding for finding in gate.measured_again if not finding.subject.pooled]
    told = sorted(again, key=lambda f: f.time is not Verdict.FLAGGED)
    return first_few(list(map(_open, told))) or "what many have in common seems slower"


def _open(finding: Finding) -> str:
    (_, arm), *_ = finding.subject.members
    if finding.change is None:
        return f"{arm} is undecided"
    seems = "seems" if finding.time is Verdict.FLAGGED else "is undecided,"
    return f"{arm} {seems} {change_text(finding.change)}"
