"""What a gate decides from: two revisions, "base" and "head", measured in pairs of fresh processes, round by round.

sides = Sides(cells=cells, arms=arms, directions=directions, logs=logs, control=control)
sides.effects           # (rounds, pairs), log(time of head / time of base), less what the control says of the round

A *pair* is an arm in a cell; pairs are in the order of `logs`, cell by cell.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np
from jaxtyping import Float

from fwdrev.bench.records.observation import Cell, Status
from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.errors import InputError
from fwdrev.results.stats.blocks import block_median

__all__ = ["CountChange", "Counts", "Pair", "Sides", "count_changes", "known_counts"]

Pair = tuple[Cell, str]
"""An arm, by its name, in a cell."""

Count = int | float | None
"""Operations, passes or bytes, exact; None where it is not known."""

_OPERATIONS = ("multiply_adds", "passes", "flops")
"""More of them is a regression whatever a clock says. Bytes are no operations: fewer operations often cost some."""


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

    @property
    def worse(self) -> bool:
        """More operations than before."""
        return self.what in _OPERATIONS and self.head > self.base

    @property
    def better(self) -> bool:
        """Fewer of them."""
        return self.what in _OPERATIONS and self.head < self.base

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def count_changes(base: Counts, head: Counts) -> tuple[CountChange, ...]:
    """All counts that both sides know and that differ."""
    return tuple(
        CountChange(what=f, base=one, head=other) for f, one, other in known_counts(base, head) if one != other
    )


def known_counts(base: Counts, head: Counts) -> Iterator[tuple[str, int | float, int | float]]:
    """The counts that both sides know."""
    for f in fields(Counts):
        one, other = getattr(base, f.name), getattr(head, f.name)
        if one is not None and other is not None:
            yield f.name, one, other


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sides:
    """What both sides measured, and only what both have: cells and arms of one side alone are not compared.

    `logs` (rounds, cells, arms): log(time of head / time of base), the median over the blocks of the round, NaN where
    not measured; `control` (rounds,) or (rounds, cells): the same for code that is identical on both sides;
    `directions`: of each arm; `counts`: those of base and of head; `reasons`: why a pair was not measured, or not in
    all of its rounds, and `ended`: how such a pair ended; `seconds`: per call, of base and of head.

    Raises InputError where the shapes do not fit together.
    """

    cells: tuple[Cell, ...]
    arms: tuple[str, ...]
    directions: tuple[Direction, ...]
    logs: Float[np.ndarray, "rounds cells arms"]
    control: Float[np.ndarray, " rounds"] | Float[np.ndarray, "rounds cells"]
    counts: Mapping[Pair, tuple[Counts, Counts]] = field(default_factory=dict)
    reasons: Mapping[Pair, str] = field(default_factory=dict)
    ended: Mapping[Pair, Status] = field(default_factory=dict)
    seconds: Mapping[Pair, tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Shapes that do not fit would pair the wrong numbers without a word."""
        rounds, grid = self.logs.shape[0], (len(self.cells), len(self.arms))
        fits = self.logs.shape[1:] == grid and len(self.directions) == len(self.arms)
        if not fits or self.control.shape not in {(rounds,), (rounds, len(self.cells))}:
            msg = (
                f"logs {self.logs.shape}, control {self.control.shape} and {len(self.directions)} directions for "
                f"{grid[0]} cells and {grid[1]} arms: logs are (rounds, cells, arms), control is (rounds,) or "
                "(rounds, cells), and each arm has a direction"
            )
            raise InputError(msg)

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
