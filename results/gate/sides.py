"""The data of a gate: two revisions, "base" and "head", measured in pairs of fresh processes, round by round.

    sides = sides_of(observations)
    sides.effects           # (rounds, pairs), log(time of head / time of base), minus the round's control

A *pair* is an arm in a cell; pairs are in the order of `logs`, cell by cell.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from statistics import median

import numpy as np
from jaxtyping import Float

from fwdrev.bench.records.observation import ArmResult, Cell, Status
from fwdrev.bench.records.sides import CONTROL, SideObservation
from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.errors import InputError
from fwdrev.results.stats.blocks import block_median

Pair = tuple[Cell, str]
"""An arm, by its name, in a cell."""

Count = int | float | None
"""Exact operations, passes or bytes; None if unknown."""

_OPERATIONS = ("multiply_adds", "passes", "flops")
"""The counts of which more is a regression without a clock. Bytes are excluded: fewer operations often cost some."""

_FAILED = {Status.WRONG, Status.FAILED, Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED}
"""The ways in which an arm ends by itself; others were skipped because of the other side or of a smaller size."""

_TRIMMED = 0.2
"""The share of blocks trimmed at either end: drops preempted ones, and varies a tenth less than a median of ten."""

_NEVER = "it was asked for, and no round came to it"
"""The reason for a pair in no observation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """One side's counts of an arm in a cell: the engine's own, then its compiler's."""

    multiply_adds: Count = None
    passes: Count = None
    flops: Count = None
    bytes_accessed: Count = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CountChange:
    """A count that differs; `what` is its name in `Counts`."""

    what: str
    base: int | float
    head: int | float

    def __str__(self) -> str:
        """The change as text: `multiply adds 1,200 → 900`."""
        return f"{self.what.replace('_', ' ')} {self.base:,} → {self.head:,}"

    @property
    def worse(self) -> bool:
        """Whether there are more operations than before."""
        return self.what in _OPERATIONS and self.head > self.base

    @property
    def better(self) -> bool:
        """Whether there are fewer operations than before."""
        return self.what in _OPERATIONS and self.head < self.base


def count_changes(base: Counts, head: Counts) -> tuple[CountChange, ...]:
    """The known counts of both sides that differ."""
    known = known_counts(base, head)
    return tuple(CountChange(what=what, base=one, head=other) for what, one, other in known if one != other)


def known_counts(base: Counts, head: Counts) -> Iterator[tuple[str, int | float, int | float]]:
    """The counts known on both sides."""
    for f in fields(Counts):
        one, other = getattr(base, f.name), getattr(head, f.name)
        if one is not None and other is not None:
            yield f.name, one, other


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """The measurements that both sides have; cells and arms of only one side are not compared.

    `logs` (rounds, cells, arms): log(time of head / time of base), the trimmed mean over the blocks of the round, NaN
    where not measured; `control` (rounds,) or (rounds, cells): the same for identical code on both sides;
    `counts`: those of base and of head; `reasons`: why a pair was not measured, or not in all of its rounds, and
    `ended`: how such a pair ended; `seconds`: per call, of base and of head.

    Raises InputError if the shapes do not fit together.
    """

    cells: tuple[Cell, ...]
    arms: tuple[str, ...]
    logs: Float[np.ndarray, "rounds cells arms"]
    control: Float[np.ndarray, " rounds"] | Float[np.ndarray, "rounds cells"]
    counts: Mapping[Pair, tuple[Counts, Counts]] = field(default_factory=dict)
    reasons: Mapping[Pair, str] = field(default_factory=dict)
    ended: Mapping[Pair, Status] = field(default_factory=dict)
    seconds: Mapping[Pair, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the shapes, since wrong ones would silently pair the wrong numbers."""
        rounds, grid = self.logs.shape[0], (len(self.cells), len(self.arms))
        if self.logs.shape[1:] != grid or self.control.shape not in {(rounds,), (rounds, len(self.cells))}:
            raise InputError(
                f"logs {self.logs.shape} and control {self.control.shape} for {grid[0]} cells and {grid[1]} arms: "
                "logs are (rounds, cells, arms), control is (rounds,) or (rounds, cells)"
            )

    @property
    def rounds(self) -> int:
        """The number of rounds, complete or not."""
        return int(self.logs.shape[0])

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The pairs, in the order of the columns of `effects`."""
        return tuple((cell, arm) for cell in self.cells for arm in self.arms)

    def counted(self, pair: Pair) -> bool:
        """Whether both sides know a count of this pair."""
        return pair in self.counts and any(known_counts(*self.counts[pair]))

    @property
    def drift(self) -> Vector:
        """The apparent difference of identical code in each round, (rounds,): the median over the cells that have it.

        A cell's own control is as noisy as the cell; their median over a round is not, and one wild cell cannot move
        it. It contains a round's effect on all arms alike (a slow process, a crowded core).
        """
        control = self.control[:, None] if self.control.ndim == 1 else self.control
        return np.asarray(block_median(_finite(control)))

    @property
    def effects(self) -> Matrix:
        """`logs` minus the drift of their round, (rounds, pairs); NaN if either was not measured."""
        logs = self.logs.reshape(self.rounds, len(self.cells) * len(self.arms))
        return np.asarray(_finite(logs) - self.drift[:, None])


def _finite(logs: Matrix) -> Matrix:
    """The logarithm; a time of zero counts as not measured."""
    return np.where(np.isfinite(logs), logs, np.nan)


def sides_of(observations: Sequence[SideObservation], asked: Collection[Pair] = ()) -> Sides:
    """The log ratio of each round, cell and arm, by `log_ratio`, and all counts.

    Failed and skipped arms appear with their reasons, and so do arms that were `asked` for and are in no
    observation, since those must not pass. Seconds are medians over rounds of medians over blocks.
    """
    rounds = sorted({o.round for o in observations})
    cells = sorted({o.cell for o in observations} | {cell for cell, _ in asked})
    seen = (name for o in observations for name in o.base if name != CONTROL)
    arms = list(dict.fromkeys([*seen, *(name for _, name in asked)]))
    logs = np.full((len(rounds), len(cells), len(arms)), np.nan)
    control = np.full((len(rounds), len(cells)), np.nan)
    counts: dict[Pair, tuple[Counts, Counts]] = {}
    reasons: dict[Pair, str] = {}
    ended: dict[Pair, Status] = {}
    for o in observations:
        at = rounds.index(o.round), cells.index(o.cell)
        for name, (base, head) in _both(o).items():
            ratio = log_ratio(base.values, head.values)
            if name == CONTROL:
                control[at] = ratio
                continue
            logs[at][arms.index(name)] = ratio
            if base.cost is not None or base.program is not None:
                counts[o.cell, name] = (counts_of(base), counts_of(head))
            if why := _why(base, head):
                reasons.setdefault((o.cell, name), why)
                ended.setdefault((o.cell, name), _ended(base, head))
    seconds = _seconds(observations)
    never = [pair for pair in asked if pair not in seconds and pair not in counts and pair not in reasons]
    return Sides(
        cells=tuple(cells),
        arms=tuple(arms),
        logs=logs,
        control=control,
        counts=counts,
        reasons=reasons | dict.fromkeys(never, _NEVER),
        ended=ended,
        seconds=seconds,
    )


def _both(o: SideObservation) -> Mapping[str, tuple[ArmResult, ArmResult]]:
    return {name: (arm, o.head[name]) for name, arm in o.base.items() if name in o.head}


def log_ratio(base: Sequence[float], head: Sequence[float]) -> float:
    """The trimmed mean of log(head / base) over paired blocks; NaN if one side has none."""
    if not base or len(base) != len(head):
        return float("nan")
    logs = np.sort(np.log(head) - np.log(base))
    cut = min(max(1, round(_TRIMMED * logs.size)), (logs.size - 1) // 2)
    return float(logs[cut : logs.size - cut].mean())


def counts_of(arm: ArmResult) -> Counts:
    """The known counts of an arm."""
    cost, program = arm.cost, arm.program
    return Counts(
        multiply_adds=None if cost is None else cost.multiply_adds,
        passes=None if cost is None else cost.passes,
        flops=None if program is None else program.flops,
        bytes_accessed=None if program is None else program.bytes_accessed,
    )


def _why(base: ArmResult, head: ArmResult) -> str:
    """The reason why an arm was not timed; empty if it was."""
    sides = {"base": base, "head": head}
    failed = {f"{side} {arm.status}: {arm.reason}" for side, arm in sides.items() if arm.status in _FAILED}
    skipped = {f"{arm.status}: {arm.reason}" for arm in sides.values() if arm.status is Status.SKIPPED}
    return "; ".join(sorted(failed or skipped))


def _ended(base: ArmResult, head: ArmResult) -> Status:
    """The status of the side that ended by itself, head first; skipped if neither did."""
    return next((arm.status for arm in (head, base) if arm.status in _FAILED), Status.SKIPPED)


def _seconds(observations: Sequence[SideObservation]) -> dict[Pair, tuple[float, float]]:
    """Seconds per call, of base and of head."""
    rounds: dict[Pair, list[tuple[float, float]]] = {}
    for o in observations:
        for name, (base, head) in _both(o).items():
            if base.values and head.values and name != CONTROL:
                rounds.setdefault((o.cell, name), []).append((median(base.values), median(head.values)))
    return {pair: (median(one for one, _ in both), median(other for _, other in both)) for pair, both in rounds.items()}


def unmeasured(observations: Sequence[SideObservation]) -> dict[tuple[str, str], list[Cell]]:
    """The cells of each unmeasured arm, by (arm, side and reason)."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for o in observations:
        for name, sides in _both(o).items():
            for side, arm in zip(("base", "head"), sides, strict=True):
                if arm.status in _FAILED:
                    found.setdefault((name, f"{side}: {arm.status}: {arm.reason}"), []).append(o.cell)
    return found
