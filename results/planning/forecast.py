"""The forecast of a sweep's remaining time, from the costs of cells instead of their number.

A visited cell takes the same time again. For others, an engine's seconds per call are fitted to
its exact counts (overhead + multiply–adds / rate + bytes / bandwidth, all nonnegative), a block takes at least the
requested time, and the rest of a visit takes as long as in other cells.
"""

from collections import defaultdict
from collections.abc import Sequence
from statistics import fmean, median

import numpy as np
from scipy.optimize import nnls

from fwdrev.bench.records.observation import PREPARING, WEIGHING, Cell, Observation
from fwdrev.bench.records.plan import Step
from fwdrev.bench.records.spec import Protocol, SweepSpec
from fwdrev.modes.core.arrays import Vector
from fwdrev.modes.core.cost import EngineCost

_UNCOUNTED = 1.2
"""The time of a block with its uncounted warm-up calls, in blocks."""

_FIRST_GUESS = {Protocol.PAIRED: 0.02, Protocol.PYPERF: 0.9}
"""The seconds of a visit beyond its blocks before any was observed; for pyperf, those of one process."""


class TimeForecast:
    """Learns from observations and predicts wall seconds."""

    def __init__(self, spec: SweepSpec, workers: int) -> None:
        """`workers`: the processes that prepare and measure memory at the same time."""
        self._spec = spec
        self._workers = workers
        self._passes: dict[int, dict[Cell, float]] = {PREPARING: {}, WEIGHING: {}}
        self._visits: dict[Cell, list[float]] = defaultdict(list)
        self._calls: dict[str, dict[Cell, float]] = defaultdict(dict)
        self._costs: dict[tuple[str, Cell], EngineCost] = {}
        self._beyond: list[float] = []
        self._starts: list[float] = []
        self._round = PREPARING

    def note(self, observation: Observation) -> None:
        """Learn from a visit's time; the first visit of a round also started its process."""
        o, seconds = observation, observation.seconds or 0.0
        if o.round in self._passes:
            self._passes[o.round][o.cell] = seconds
            self._costs |= {(name, o.cell): arm.cost for name, arm in o.arms.items() if arm.cost is not None}
            return
        blocks = sum(sum(arm.values) * arm.loops for arm in o.arms.values()) * _UNCOUNTED
        if o.round != self._round and self._spec.protocol is Protocol.PAIRED:
            self._round = o.round
            self._starts.append(max(0.0, seconds - self._visit(o.cell)))
        else:
            self._visits[o.cell].append(seconds)
            self._beyond.append(max(0.0, seconds - blocks))
        for name, arm in o.arms.items():
            if arm.values:
                self._calls[name][o.cell] = median(arm.values)

    def seconds(self, steps: Sequence[Step]) -> float | None:
        """The seconds of these steps, preparations included; None before a cell is prepared."""
        if not self._passes[PREPARING]:
            return None
        cells = {cell for step in steps for cell in step.cells}
        visits = {cell: self._visit(cell) for cell in cells}
        start = fmean(self._starts) if self._starts else 0.0
        rounds = sum(len(step.rounds) * sum(visits[cell] for cell in step.cells) for step in steps)
        passes = (
            len(cells - done.keys()) * fmean(done.values()) / self._workers for done in self._passes.values() if done
        )
        return rounds + start * len(steps) + sum(passes)

    def _visit(self, cell: Cell) -> float:
        """The seconds of one visit."""
        if self._visits[cell]:
            return fmean(self._visits[cell])
        engines, spec = self._spec.engines, self._spec
        if spec.protocol is Protocol.PYPERF:
            return fmean(self._beyond) if self._beyond else len(engines) * _FIRST_GUESS[spec.protocol]
        blocks = sum(spec.blocks * max(spec.block_seconds, self._call(name, cell)) for name in engines)
        return blocks * _UNCOUNTED + (fmean(self._beyond) if self._beyond else _FIRST_GUESS[spec.protocol])

    def _call(self, name: str, cell: Cell) -> float:
        """Predicted seconds per call in an untimed cell; 0 before any was timed."""
        known = self._calls[name]
        if not known:
            return 0.0
        counted = [at for at in known if (name, at) in self._costs]
        if (name, cell) not in self._costs or not counted:
            return known[min(known, key=lambda at: abs(np.log(at.n / cell.n)) + abs(np.log(at.m / cell.m)))]
        rows = np.array([_terms(self._costs[name, at]) for at in counted])
        seconds = np.array([known[at] for at in counted])
        coefficients, _ = nnls(rows / seconds[:, None], np.ones(len(counted)))  # relative: all sizes count alike
        return float(coefficients @ _terms(self._costs[name, cell]))


def _terms(cost: EngineCost) -> Vector:
    """The terms: a call, its multiply–adds, its bytes; scaled so that coefficients have similar sizes."""
    return np.array([1e-6, 1e-9 * cost.multiply_adds, 1e-9 * cost.bytes_moved])
