"""What a gate decides from: two revisions, "base" and "head", measured in pairs of fresh processes, round by round.

    sides = sides_of(observations)
    sides.effects           # (rounds, pairs), log(time of head / time of base), less what the control says of the round

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
"""Operations, passes or bytes, exact; None where it is not known."""

_OPERATIONS = ("multiply_adds", "passes", "flops")
"""More of them is a regression whatever a clock says. Bytes are no operations: fewer operations often cost some."""

_FAILED = {Status.WRONG, Status.FAILED, Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED}
"""How an arm ends by itself; skipped is what waited for the other side, or is larger than what failed."""

_TRIMMED = 0.2
"""Of the blocks at either end: a preempted one does not count, and it varies a tenth less than the median of ten."""

_NEVER = "it was asked for, and no round came to it"
"""Why a pair is in no observation, where a round would have said so of itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What one side counts for an arm in a cell: the engine's own numbers, then those of its compiler."""

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
        """`multiply adds 1,200 → 900`."""
        return f"{self.what.replace('_', ' ')} {self.base:,} → {self.head:,}"

    @property
    def worse(self) -> bool:
        """More operations than before."""
        return self.what in _OPERATIONS and self.head > self.base

    @property
    def better(self) -> bool:
        """Fewer of them."""
        return self.what in _OPERATIONS and self.head < self.base


def count_changes(base: Counts, head: Counts) -> tuple[CountChange, ...]:
    """All counts that both sides know and that differ."""
    known = known_counts(base, head)
    return tuple(CountChange(what=what, base=one, head=other) for what, one, other in known if one != other)


def known_counts(base: Counts, head: Counts) -> Iterator[tuple[str, int | float, int | float]]:
    """The counts that both sides know."""
    for f in fields(Counts):
        one, other = getattr(base, f.name), getattr(head, f.name)
        if one is not None and other is not None:
            yield f.name, one, other


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """What both sides measured, and only what both have: cells and arms of one side alone are not compared.

    `logs` (rounds, cells, arms): log(time of head / time of base), the trimmed mean over the blocks of the round, NaN
    where not measured; `control` (rounds,) or (rounds, cells): the same for code that is identical on both sides;
    `counts`: those of base and of head; `reasons`: why a pair was not measured, or not in all of its rounds, and
    `ended`: how such a pair ended; `seconds`: per call, of base and of head.

    Raises InputError where the shapes do not fit together.
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
        """Shapes that do not fit would pair the wrong numbers without a word."""
        rounds, grid = self.logs.shape[0], (len(self.cells), len(self.arms))
        if self.logs.shape[1:] != grid or self.control.shape not in {(rounds,), (rounds, len(self.cells))}:
            raise InputError(
                f"logs {self.logs.shape} and control {self.control.shape} for {grid[0]} cells and {grid[1]} arms: "
                "logs are (rounds, cells, arms), control is (rounds,) or (rounds, cells)"
            )

    @property
    def rounds(self) -> int:
        """How many there were, complete or not."""
        return int(self.logs.shape[0])

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """In the order of the columns of `effects`."""
        return tuple((cell, arm) for cell in self.cells for arm in self.arms)

    def counted(self, pair: Pair) -> bool:
        """Whether both sides know one of its counts."""
        return pair in self.counts and any(known_counts(*self.counts[pair]))

    @property
    def drift(self) -> Vector:
        """(rounds,): what identical code seems to differ by in each round; the median over the cells that have it.

        A cell's own control is as noisy as the cell, their median over a round is not, and one wild cell cannot move
        it. What a round does to all arms alike (a slow process, a crowded core) is in it.
        """
        control = self.control[:, None] if self.control.ndim == 1 else self.control
        return np.asarray(block_median(_finite(control)))

    @property
    def effects(self) -> Matrix:
        """(rounds, pairs): `logs` less the drift of their round; NaN where either was not measured."""
        logs = self.logs.reshape(self.rounds, len(self.cells) * len(self.arms))
        return np.asarray(_finite(logs) - self.drift[:, None])


def _finite(logs: Matrix) -> Matrix:
    """A time of zero has no logarithm: it was not measured."""
    return np.where(np.isfinite(logs), logs, np.nan)


def sides_of(observations: Sequence[SideObservation], asked: Collection[Pair] = ()) -> Sides:
    """The log ratio of each round, cell and arm, as `log_ratio` has it; and all counts.

    What failed on a side, or was skipped, is there with its reason, and so is what was `asked` for and is in no
    observation: asked for and not measured is no pass. Seconds are medians over rounds of medians over blocks.
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
    """The trimmed mean of log(head / base) over blocks that stood side by side; NaN where one side has none."""
    if not base or len(base) != len(head):
        return float("nan")
    logs = np.sort(np.log(head) - np.log(base))
    cut = min(max(1, round(_TRIMMED * logs.size)), (logs.size - 1) // 2)
    return float(logs[cut : logs.size - cut].mean())


def counts_of(arm: ArmResult) -> Counts:
    """All that are known of it."""
    cost, program = arm.cost, arm.program
    return Counts(
        multiply_adds=None if cost is None else cost.multiply_adds,
        passes=None if cost is None else cost.passes,
        flops=None if program is None else program.flops,
        bytes_accessed=None if program is None else program.bytes_accessed,
    )


def _why(base: ArmResult, head: ArmResult) -> str:
    """Why an arm was not timed; empty where it was."""
    sides = {"base": base, "head": head}
    failed = {f"{side} {arm.status}: {arm.reason}" for side, arm in sides.items() if arm.status in _FAILED}
    skipped = {f"{arm.status}: {arm.reason}" for arm in sides.values() if arm.status is Status.SKIPPED}
    return "; ".join(sorted(failed or skipped))


def _ended(base: ArmResult, head: ArmResult) -> Status:
    """Of the side that ended by itself, head first; skipped where neither did."""
    return next((arm.status for arm in (head, base) if arm.status in _FAILED), Status.SKIPPED)


def _seconds(observations: Sequence[SideObservation]) -> dict[Pair, tuple[float, float]]:
    """Per call, of base and of head."""
    rounds: dict[Pair, list[tuple[float, float]]] = {}
    for o in observations:
        for name, (base, head) in _both(o).items():
            if base.values and head.values and name != CONTROL:
                rounds.setdefault((o.cell, name), []).append((median(base.values), median(head.values)))
    return {pair: (median(one for one, _ in both), median(other for _, other in both)) for pair, both in rounds.items()}


def unmeasured(observations: Sequence[SideObservation]) -> dict[tuple[str, str], list[Cell]]:
    """Why an arm was not measured, and in which cells: by (arm, side and reason)."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for o in observations:
        for name, sides in _both(o).items():
            for side, arm in zip(("base", "head"), sides, strict=True):
                if arm.status in _FAILED:
                    found.setdefault((name, f"{side}: {arm.status}: {arm.reason}"), []).append(o.cell)
    return found
