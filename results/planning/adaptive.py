"""The plan that refines the plane: a coarse grid first, then cells and rounds where the crossover is least certain.

At each n and for each pair of engines, the crossover m* has an interval. While one is wider than requested, the
next round visits the cells around it, the widest first if time is short. Where the neighbours are far apart, new sizes
come between them: an interpolation over a factor of four is not worth a precision of 5 %.

The plan does not look after every round: if you check after every round and stop at the first narrow interval, you
stop on lucky ones, which miss the true value too often. Each look estimates the rounds needed, and the next comes
only after these.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from pyperf import perf_counter

from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.plan import BARRIER, FixedPlan, Forecast, Step
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.stats.crossing import crossing
from fwdrev.results.stats.estimate import Estimate

Pair = tuple[str, str]

_FAR = 1.5
"""The largest factor between the crossover and a neighbouring size;"""

_STEPS = 4
"""beyond it, a new size comes at the next of this many steps between powers of two. Libraries work in
blocks of such sizes: 193 rows can cost a third more than 192, and a curve through both fits neither."""

_SAME = 1e-9
"""Sizes that differ by a smaller fraction differ only by rounding."""

_FEWEST = 10
"""The rounds with both neighbours before the first look."""

_AT_LEAST, _AT_MOST, _MORE = 2, 4.0, 1.1
"""Between two looks: the fewest rounds, the largest growth factor, and a safety factor on the rounds needed, since
that number is an estimate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A crossover: the half-width of its interval as a fraction, and the cells that narrow it.

    `rounds`: the number of rounds that measured all of these cells, or fewer.
    """

    pair: Pair
    n: int
    width: float
    rounds: int
    cells: tuple[Cell, ...]


class AdaptivePlan:
    """Refines until every crossover in m is known to ± `spec.precision`, or the budget is used up."""

    def __init__(
        self, spec: SweepSpec, forecast: Forecast, clock: Callable[[], float] = perf_counter, machines: int = 1
    ) -> None:
        """Starts the budget's clock; `machines` measure that many rounds at once."""
        self._spec = spec
        self._forecast = forecast
        self._clock = clock
        self._start = clock()
        self._machines = machines
        self._grid = FixedPlan(spec, forecast)
        self._pairs = default_pairs(spec.engines)
        self._logs: dict[Pair, dict[Cell, dict[int, float]]] = {pair: defaultdict(dict) for pair in self._pairs}
        self._until: dict[tuple[Pair, int], int] = {}
        self._last = spec.rounds - 1
        self._wide: list[_Line] | None = None

    def note(self, observation: Observation) -> None:
        """Keep the log ratio of each pair: the median over paired blocks."""
        self._grid.note(observation)
        self._last = max(self._last, observation.round)
        for pair in self._pairs:
            one, other = (observation.arms.get(name) for name in pair)
            if one is not None and other is not None and one.values and other.values:
                logs = np.log(np.divide(one.values, other.values))
                self._logs[pair][observation.cell][observation.round] = float(np.median(logs))

    def steps(self) -> Iterator[Step]:
        """The grid, then the steps that narrow the widest intervals."""
        yield from self._grid.steps()
        while True:
            yield BARRIER
            self._wide = [line for line in self._lines() if self._goes_on(line)]
            cells = self._affordable(self._wide)
            if not cells or self.over():
                return
            yield from [Step(rounds=[self._last + number], cells=cells) for number in range(1, self._machines + 1)]

    def over(self) -> bool:
        """Whether the budget is used up."""
        return self._budget_left() <= 0

    def seconds_left(self) -> float | None:
        """Seconds left for the grid, then for the rounds that the widest interval needs: it narrows with their root."""
        left, budget = self._grid.seconds_left(), self._budget_left()
        if self._wide is None:
            return left if math.isinf(budget) else max(0.0, budget)
        more = max((line.rounds * ((line.width / self._precision) ** 2 - 1) for line in self._wide), default=0.0)
        cells = {cell for line in self._wide for cell in line.cells}
        each = self._forecast.seconds([Step(rounds=[0], cells=sorted(cells))])
        needed = math.inf if each is None or math.isinf(more) else each * more
        soonest = min(needed, max(0.0, budget))
        return None if math.isinf(soonest) else soonest

    def outcome(self) -> str:
        """Whether the precision was reached; if not, the widest interval."""
        lines = self._lines()
        if not lines:
            none = f"no crossover of {' or '.join(', '.join(pair) for pair in self._pairs) or 'any pair'}"
            if not self.over():
                return f"{none} in range"
            ended = f"the budget of {self._spec.budget:g} s is used up"
            timed = any(self._logs.values())
            return (
                f"{ended}; {none} in what was timed" if timed else f"{ended} before a pair was timed: give a larger one"
            )
        wide = [line for line in lines if line.width > self._precision]
        if not wide:
            return f"every crossover in range, {len(lines)} of them, is known to ±{self._precision:.1%} or better"
        at = f"{', '.join(wide[0].pair)} at n = {wide[0].n}"
        known = "not known yet" if math.isinf(wide[0].width) else f"known to ±{wide[0].width:.1%}"
        asked = f"; {len(wide)} of {len(lines)} miss ±{self._precision:.1%}" if self._spec.precision else ""
        return f"the budget of {self._spec.budget:g} s is used up{asked}; the least certain crossover, {at}, is {known}"

    @property
    def _precision(self) -> float:
        """The requested precision; without one, as narrow as the budget allows."""
        return self._spec.precision or 1e-3

    def _budget_left(self) -> float:
        return math.inf if self._spec.budget is None else self._spec.budget - (self._clock() - self._start)

    def _lines(self) -> list[_Line]:
        """Every crossover in range, the widest interval first."""
        found = []
        for pair, logs in self._logs.items():
            for n in self._spec.inputs:
                at_n = {cell.m: rounds for cell, rounds in logs.items() if cell.n == n}
                line = self._line(pair, n, at_n) if at_n else None
                if line is not None:
                    found.append(line)
        return sorted(found, key=lambda line: -line.width)

    def _goes_on(self, line: _Line) -> bool:
        """Whether it gets another round; looks at the interval when due."""
        key = line.pair, line.n
        if line.rounds >= self._until.get(key, _FEWEST):
            if line.width <= self._precision:
                return False
            needed = _MORE * (line.width / self._precision) ** 2  # an interval narrows with the root of the rounds
            more = math.ceil(line.rounds * (min(needed, _AT_MOST) - 1))
            self._until[key] = line.rounds + max(more, _AT_LEAST)
        return True

    def _line(self, pair: Pair, n: int, logs: Mapping[int, Mapping[int, float]]) -> _Line | None:
        sizes = sorted(logs)
        rounds = sorted({index for found in logs.values() for index in found})
        table = np.array([[logs[m].get(index, math.nan) for m in sizes] for index in rounds])
        found = crossing(np.array(sizes, dtype=float), table, pair)
        size = found.size
        if size is None:
            return None
        cells = _around(size, sizes, self._spec.outputs[0], self._spec.outputs[-1])
        both = min(len(logs.get(m, ())) for m in cells)
        width = math.inf  # also if the interval has no end
        if both >= _FEWEST and size.low is not None and size.high is not None and not found.open_ends:
            width = math.sqrt(size.high / size.low) - 1  # relative to its middle
        return _Line(pair=pair, n=n, width=width, rounds=max(both, 1), cells=tuple(Cell(n, m) for m in cells))

    def _affordable(self, lines: list[_Line]) -> list[Cell]:
        """The cells of as many lines as fit into the rest of the budget, widest first."""
        cells: dict[Cell, None] = {}
        for line in lines:
            more = cells | dict.fromkeys(line.cells)
            needed = self._forecast.seconds([Step(rounds=[0], cells=list(more))])
            if needed is not None and needed > self._budget_left():
                break
            cells = more
        return list(cells)


def _around(found: Estimate, sizes: list[int], smallest: int, largest: int) -> list[int]:
    """The sizes that enclose the crossover, as far as known; new ones if the neighbours are far."""
    at, low, high = found.point, found.low or found.point, found.high or found.point
    under, over = at * (1 - _SAME), at * (1 + _SAME)  # a root at a measured size is enclosed by its neighbours
    below = max((s for s in sizes if s < under), default=smallest)
    above = min((s for s in sizes if s > over), default=largest)
    step = max(1, 2 ** math.floor(math.log2(at)) // _STEPS)
    new = set()
    if below * _FAR < at:
        new.add(max(smallest, math.ceil(under / step - 1) * step))
    if above > at * _FAR:
        new.add(min(largest, math.floor(over / step + 1) * step))
    known = sorted({*sizes, *new})
    first = max((s for s in known if s < under and s <= low), default=known[0])
    last = min((s for s in known if s > over and s >= high), default=known[-1])
    return [s for s in known if first <= s <= last]
