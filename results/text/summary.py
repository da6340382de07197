"""The answer in lines: crossovers, laws and failures, one line each."""

from collections.abc import Sequence

import numpy as np

from fwdrev.bench.records.spec import Protocol
from fwdrev.results.costs.prediction import Prediction
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.cells import reasons
from fwdrev.results.runs.machines import machine_spread
from fwdrev.results.runs.memory import Apart, MemoryRatios
from fwdrev.results.runs.observations import Observations
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.crossing import Crossing
from fwdrev.results.stats.crossover import Crossover, Law
from fwdrev.results.stats.estimate import LEVEL, Estimate
from fwdrev.results.text.quantities import number_text, percent_text

_NUMBER = r"-?\d[\d.,]*(?:e[-+]?\d+)?"
"""Reasons that differ only in numbers are one reason, told with the numbers of the first cell."""

_SHOWN = 4
"""The cells that a line about failures names."""

_ENOUGH = 5
"""From that many machines on, one more narrows intervals by little."""


def size_text(crossing: Crossing) -> str:
    """A crossover as text: `57 (52 … 63)`, or which engine is cheaper everywhere."""
    if crossing.size is None:
        return f"none in range: {crossing.cheaper} is cheaper throughout"
    return f"{number_text(crossing.size.point)} ({interval_text(crossing)})"


def interval_text(crossing: Crossing) -> str:
    """Its interval: `52 … 63`, with ≤ or ≥ where it leaves the measured range; empty without a crossover."""
    e = crossing.size
    if e is None:
        return ""
    if e.low is None or e.high is None:
        return "no interval: one round"
    low = f"≤ {number_text(e.low)}" if "low" in crossing.open_ends else number_text(e.low)
    high = f"≥ {number_text(e.high)}" if "high" in crossing.open_ends else number_text(e.high)
    return f"{low} … {high}"


def law_text(law: Law) -> str:
    """A law as text: `m* = 0.9 · n^0.97`, with intervals."""
    at = f"m* = {number_text(law.c.point)} · n^{number_text(law.alpha.point)}"
    return f"{at}   (c {ends_text(law.c)}, exponent {ends_text(law.alpha)})"


def crossover_lines(found: Crossover) -> list[str]:
    """A table of the crossovers of a pair, and the law."""
    one, other = found.pair
    lines = [f"{one} and {other} break even at m* outputs ({LEVEL:.0%} interval):", f"{'n':>8}  m*"]
    lines += [f"{n:>8}  {size_text(crossing)}" for n, crossing in found.in_m.items()]
    lines += ["", f"{'m':>8}  n*"]
    lines += [f"{m:>8}  {size_text(crossing)}" for m, crossing in found.in_n.items()]
    lines += ["", f"law: {law_text(found.law)}" if found.law else "law: none, fewer than two crossovers in range"]
    return lines


def percent(level: float) -> str:
    """A level as text: `95 %`."""
    return f"{100 * level:g} %"


def apart_text(ratios: MemoryRatios) -> str:
    """The deviation of measured memory from predicted memory; empty where nothing has both."""
    if ratios.apart is None:
        return ""
    each = ", ".join(f"of {name} by {_factors(apart)}" for name, apart in ratios.bytes_apart.items())
    return f"Measured lies from predicted: the ratio by {_factors(ratios.apart)}; the bytes {each}."


def prediction_lines(found: Prediction) -> list[str]:
    """The predicted crossover beside the measured one, with the quality of the prediction."""
    lines = ["predicted by the cost model (fwdrev calibrate):", f"{'n':>8}  predicted m*  measured m*"]
    for n, (measured, predicted) in found.crossovers.items():
        shown = ["none" if at is None else number_text(at) for at in (predicted, measured)]
        lines.append(f"{n:>8}  {shown[0]:>12}  {shown[1]:>11}")
    return [*lines, prediction_text(found)]


def prediction_text(found: Prediction) -> str:
    """The error of the predicted crossover, and how often the predicted winner is right."""
    winner = f"the winner is right in {found.right} of {found.decided} cells that differ by more than 10 %"
    if found.median_error is None or found.worst_error is None:
        return f"Prediction: {winner}; no crossover is in range of both."
    return (
        f"Prediction: m* is off by {found.median_error:.0%} in the median, {found.worst_error:.0%} at worst; {winner}."
    )


def failure_lines(run: Run) -> list[str]:
    """One line for each engine and reason of unmeasured or unchecked cells."""
    table = reasons(run).fillna({"reason": "no reason given"})
    table["kind"] = table["reason"].str.replace(_NUMBER, "#", regex=True)
    grouped = table.groupby(["engine", "status", "kind"], sort=True)
    return [
        f"{engine}: {status} in {len(rows)} of {len(run.spec.cells)} cells, "
        f"{_cells(list(rows['n']), list(rows['m']))}: {rows['reason'].iloc[0]}"
        for (engine, status, _), rows in grouped
    ]


def _cells(n: Sequence[int], m: Sequence[int]) -> str:
    """`n × m = 4 × 2, 16 × 8`; the first few of many."""
    sizes = [f"{one} × {other}" for one, other in zip(n, m, strict=True)]
    more = [f"and {len(sizes) - _SHOWN} more"] if len(sizes) > _SHOWN else []
    return f"n × m = {', '.join([*sizes[:_SHOWN], *more])}"


def rounds_text(run: Run) -> str:
    """The rounds per cell: `5`, or `2 to 5` if a sweep refined the plane, with fewer far from the crossover."""
    timed = Observations.of(run.observations).timed
    _, each = np.unique(np.stack([timed.n, timed.m]), axis=1, return_counts=True)
    fewest, most = int(each.min(initial=len(timed.n))), int(each.max(initial=0))
    return str(most) if fewest == most else f"{fewest} to {most}"


def processes_text(run: Run) -> str:
    """The rounds and their owner, such as `5 rounds in fresh processes`."""
    by = " of pyperf" if run.spec.protocol is Protocol.PYPERF else ""
    rounds, machines = rounds_text(run), len(Observations.of(run.observations).machines)
    on = f" on {machines} machines" if machines > 1 else ""
    return f"{rounds} round{'s' * (rounds != '1')}{by} in fresh processes{on}"


def machine_lines(run: Run) -> list[str]:
    """How far the machines of the run differ, and what one more would be worth; empty for one machine."""
    spread = machine_spread(timed_blocks(run))
    if spread is None:
        return []
    count = len(spread.times)
    differ = f"{percent_text(spread.factor - 1)} longer on {spread.slowest} than on {spread.fastest}"
    more = f"; one more would make them {number_text(spread.narrower)} times narrower" if count < _ENOUGH else ""
    return [
        f"machines: {count} of one type; the same work takes {differ} (the median over cells and engines)",
        f"          intervals are over these machines{more}",
    ]


def ends_text(e: Estimate) -> str:
    """An interval as text: `1.15 … 2.28`, or that there is none."""
    return "no interval" if e.low is None or e.high is None else f"{number_text(e.low)} … {number_text(e.high)}"


def _factors(apart: Apart) -> str:
    return f"a factor of {apart.median:.1f} (median), {apart.worst:.1f} (worst)"
