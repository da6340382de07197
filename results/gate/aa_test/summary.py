"""The gate's error rates and findings on this machine, from runs on code against itself, some with known delays.

All decisions are made anew from the recorded rounds, by the same `decide` as in a run.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from statistics import median
from typing import Any

import numpy as np
from scipy.stats import binomtest

from fwdrev.bench.records.sides import Delay, delay_of, direction_of
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.engine import Direction
from fwdrev.results.gate.aa_test.record import Record, RecordedRun
from fwdrev.results.gate.decision import Gate, decide
from fwdrev.results.gate.sides import Sides
from fwdrev.results.gate.verdicts.report import Outcome, Verdict
from fwdrev.results.stats.estimate import LEVEL

_ROUNDS = (4, 6, 8, 10, 12, 16, 20, 24, 32)
_THRESHOLDS = (0.02, 0.03, 0.05, 0.08, 0.1, 0.15)
"""The rounds and thresholds that the advice tries."""

_DECIDED = 0.9
"""The share of runs that should be decided at the first look, for the advice."""

_FEWEST_RUNS = 5
"""The fewest runs for a share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`count` of `among`; the interval is Wilson's, of `LEVEL`."""

    count: int
    among: int

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of the true share; from 0 to 1 if nothing was counted."""
        if not self.among:
            return 0.0, 1.0
        found = binomtest(self.count, self.among).proportion_ci(LEVEL, method="wilson")
        return float(found.low), float(found.high)

    def __str__(self) -> str:
        """The count with its interval, or that there is none."""
        if not self.among:
            return "not measured"
        low, high = self.interval
        return f"{self.count} of {self.among} ({low:.1%} … {high:.1%})"

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        return {"count": self.count, "among": self.among, "interval": list(self.interval)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """The rounds that decide at the record's threshold, and the threshold that its rounds decide; None if none does."""

    rounds: int | None
    threshold: float | None
    decided: dict[tuple[int, float], Share]

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        table = [{"rounds": r, "threshold": t, "decided": share.to_json()} for (r, t), share in self.decided.items()]
        return {"rounds": self.rounds, "threshold": self.threshold, "decided": table}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """For identical code: `alarms` (called slower) and `open` (inconclusive); for delays: those found.

    `whole`: a delay by the threshold in all cells of a mode, or of an arm without one; `cell`: by twice the threshold
    in one cell; `seconds`: median and longest run on identical code.
    """

    alarms: Share
    open: Share
    improved: Share
    whole: Share
    cell: Share
    seconds: tuple[float, float] | None
    advice: Advice

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        shares = {name: getattr(self, name).to_json() for name in ("alarms", "open", "improved", "whole", "cell")}
        return {**shares, "seconds": self.seconds, "advice": self.advice.to_json()}


def delays_for(spec: SweepSpec, threshold: float, index: int) -> list[str]:
    """The delays of the delayed run of that index, drawn from the seed: a mode, and a cell of another arm.

    Without another arm, they take turns.
    """
    rng = Random(f"{spec.seed} delays {index}")
    arm = spec.engines[index % len(spec.engines)]
    direction = direction_of(arm)
    whole = f"{arm}={threshold:g}" if direction is Direction.NONE else f"mode:{direction.value}={threshold:g}"
    others = [name for name in spec.engines if not delay_of(whole).meets(name, spec.cells[0])]
    at = rng.choice(spec.cells)
    cell = f"{rng.choice(others or [arm])}@{at.n},{at.m}={2 * threshold:g}"
    return [whole, cell] if others else [(whole, cell)[index // len(spec.engines) % 2]]


def gate_of(run: RecordedRun, threshold: float) -> Gate:
    """The gate's decision on that run."""
    again = None if run.again is None else run.again.sides()
    return decide(run.first.sides(), threshold=threshold, confirmation=again)


def summarised(record: Record) -> Summary:
    """The rates over all runs of the record."""
    same = [run for run in record.runs if not run.delays]
    outcomes = [gate_of(run, record.threshold).outcome for run in same]
    found = [_found(run, delay, record.threshold) for run in record.runs for delay in run.delayed]
    seconds = [run.seconds for run in same]
    return Summary(
        alarms=_counted(outcome is Outcome.REGRESSED for outcome in outcomes),
        open=_counted(outcome is Outcome.INCONCLUSIVE for outcome in outcomes),
        improved=_counted(outcome is Outcome.IMPROVED for outcome in outcomes),
        whole=_counted(hit for single, hit in found if not single),
        cell=_counted(hit for single, hit in found if single),
        seconds=(median(seconds), max(seconds)) if seconds else None,
        advice=_advice([run.first.sides() for run in same], record.spec.rounds, record.threshold),
    )


def _counted(hits: Iterable[bool]) -> Share:
    found = list(hits)
    return Share(count=sum(found), among=len(found))


def _found(run: RecordedRun, delay: Delay, threshold: float) -> tuple[bool, bool]:
    """Whether the delay is in a single cell, and whether a finding of exactly its subject is confirmed."""
    findings = gate_of(run, threshold).findings
    slower = [finding.subject for finding in findings if finding.time is Verdict.REGRESSED]
    single = delay.cell is not None
    met = [subject for subject in slower if all(delay.meets(arm, cell) for cell, arm in subject.members)]
    return single, any(subject.pooled is not single for subject in met)


def _advice(sides: Sequence[Sides], rounds: int, threshold: float) -> Advice:
    """The advice, from runs of any length cut out of all rounds of the same cells, without reuse within one length."""
    if not sides:
        return Advice(rounds=None, threshold=None, decided={})
    alike = [one for one in sides if one.pairs == sides[0].pairs]
    logs, control = (np.concatenate([getattr(one, part) for one in alike]) for part in ("logs", "control"))
    whole = replace(alike[0], logs=logs, control=control)
    decided = {
        (r, t): share
        for r in sorted({*_ROUNDS, rounds})
        for t in sorted({*_THRESHOLDS, threshold})
        if (share := _decided(whole, r, t)).among >= _FEWEST_RUNS
    }
    enough = {at for at, share in decided.items() if share.count >= _DECIDED * share.among}
    return Advice(
        rounds=min((r for r, t in enough if t == threshold), default=None),
        threshold=min((t for r, t in enough if r == rounds), default=None),
        decided=decided,
    )


def _decided(whole: Sides, rounds: int, threshold: float) -> Share:
    """The number of runs of that length that the first look settles."""
    starts = range(0, whole.rounds - rounds + 1, rounds)
    cut = (replace(whole, logs=whole.logs[i : i + rounds], control=whole.control[i : i + rounds]) for i in starts)
    return _counted(not decide(one, threshold=threshold).pairs_again for one in cut)


def rates(record: Record, summary: Summary) -> list[tuple[str, Share]]:
    """The gate's results for identical code, and the delays that it found."""
    t = record.threshold
    return [
        ("identical code called slower", summary.alarms),
        ("identical code left undecided", summary.open),
        ("identical code called faster", summary.improved),
        (f"a mode or an arm slower by {t:.1%}, found", summary.whole),
        (f"one cell slower by {2 * t:.1%}, found", summary.cell),
    ]


def summary_lines(record: Record, summary: Summary) -> list[str]:
    """The text: the rates, the measurement behind them, and the advice."""
    spec = record.spec
    first = f"{len(spec.cells)} cells × {', '.join(spec.engines)}; {spec.rounds} rounds"
    lines = [f"{first}, threshold {record.threshold:.1%}"]
    lines += [f"{what}: {share}" for what, share in rates(record, summary)]
    if summary.seconds is not None:
        lines.append("a run on identical code: {:.0f} s in the median, {:.0f} s at most".format(*summary.seconds))
    return [*lines, *advice_lines(record, summary.advice)]


def advice_lines(record: Record, advice: Advice) -> Iterator[str]:
    """The options for `fwdrev check` on this machine."""
    rounds, t = record.spec.rounds, record.threshold
    if not advice.decided:
        yield "advice: too few runs on identical code; record more"
        return
    if advice.rounds is not None:
        yield f"advice: --rounds {advice.rounds} decides nine of ten runs at once with --threshold {t:.1%}"
    if advice.threshold is not None:
        yield f"advice: --threshold {advice.threshold:.1%} is decided at once by --rounds {rounds}"
    if advice.rounds is None and advice.threshold is None:
        yield "advice: nothing tried decides nine of ten runs at once; look for what else runs here (fwdrev doctor)"
