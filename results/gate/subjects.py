"""The subjects of a gate: each arm in each cell, and pools of them.

A change of a mode's code affects all its cells. Their mean over a round is far less noisy than each, so a small change
that no cell shows alone is visible in its mode, arm, row (m fixed) or column (n fixed).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from fwdrev.bench.records.parsing import names_function
from fwdrev.bench.records.sides import direction_of
from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.core.engine import Direction
from fwdrev.results.gate.sides import Pair, Sides


class Kind(StrEnum):
    """The kind of a subject: a single arm in a single cell, or the common property of a pool."""

    CELL = "cell"
    MODE = "mode"
    ARM = "arm"
    ROW = "m"
    COLUMN = "n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One subject: the mean over `members`; `name` names the arm, the mode or the size."""

    kind: Kind
    name: str
    members: tuple[Pair, ...]

    @property
    def pooled(self) -> bool:
        """Whether it is more than one arm in one cell."""
        return self.kind is not Kind.CELL

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        members = [{"n": cell.n, "m": cell.m, "arm": arm} for cell, arm in self.members]
        return {"kind": self.kind, "name": self.name, "members": members}


def arm_subject(arm: str, n: int, m: int) -> str:
    """An arm and its cell as text; a function has sizes, unless there is only the size 1."""
    if not names_function(arm):
        return f"{arm} at n = {n}, m = {m}"
    return f"{arm} at size {n}" if n > 1 else arm


def subjects_of(sides: Sides) -> tuple[Subject, ...]:
    """All pairs, measured or not, then all pools.

    A pool has only pairs measured in as many rounds as any: the mean of a changing set would change with the
    set. A pool with fewer than two members, or with those of an earlier pool, adds nothing and is left out.
    """
    rounds = (~np.isnan(sides.effects)).sum(axis=0)
    whole = [p for p, r in zip(sides.pairs, rounds, strict=True) if r == rounds.max() and p not in sides.reasons]
    cells = [Subject(kind=Kind.CELL, name=pair[1], members=(pair,)) for pair in sides.pairs]
    pools: dict[tuple[Pair, ...], Subject] = {}
    for pool in _pools(whole):
        if len(pool.members) > 1:
            pools.setdefault(pool.members, pool)
    return (*cells, *pools.values())


def _pools(pairs: Sequence[Pair]) -> Iterator[Subject]:
    """Functions form pools only over their sizes, since each is separate code."""
    engines = [pair for pair in pairs if not names_function(pair[1])]
    directions = {arm: direction_of(arm) for _, arm in engines}
    moving = [pair for pair in engines if directions[pair[1]] is not Direction.NONE]
    yield from _by(Kind.MODE, moving, lambda pair: directions[pair[1]].value)
    yield from _by(Kind.ARM, pairs, lambda pair: pair[1])
    yield from _by(Kind.ROW, engines, lambda pair: str(pair[0].m))
    yield from _by(Kind.COLUMN, engines, lambda pair: str(pair[0].n))


def _by(kind: Kind, pairs: Iterable[Pair], name_of: Callable[[Pair], str]) -> Iterator[Subject]:
    members: dict[str, list[Pair]] = {}
    for pair in pairs:
        members.setdefault(name_of(pair), []).append(pair)
    return (Subject(kind=kind, name=name, members=tuple(group)) for name, group in members.items())


def averages(sides: Sides, subjects: Sequence[Subject]) -> Matrix:
    """The mean effect of all members in each round, (rounds, subjects); NaN if a round lacks one of them."""
    if not subjects:
        return np.empty((sides.rounds, 0))
    column = {pair: i for i, pair in enumerate(sides.pairs)}
    nowhere = len(column)  # pairs without a column here get a column of NaN
    picked = [column.get(pair, nowhere) for subject in subjects for pair in subject.members]
    effects = np.column_stack([sides.effects, np.full(sides.rounds, np.nan)])
    sizes = np.array([len(subject.members) for subject in subjects])
    return np.asarray(np.add.reduceat(effects[:, picked], np.cumsum(sizes) - sizes, axis=1) / sizes)


def shares(subjects: Sequence[Subject]) -> Vector:
    """Each subject's share of the level, (subjects,). Cells share one half, pools the other.

    Pools are few: with equal shares 16 of them beside 96 cells would begin with a seventh of the level. With half, the
    t that a pool must reach at a level of 10 % falls from 4.9 to 3.9 (8 rounds), and that of a cell rises to 5.4.
    """
    pooled = np.array([subject.pooled for subject in subjects], dtype=bool)
    return np.asarray(np.where(pooled, 0.5 / max(pooled.sum(), 1), 0.5 / max((~pooled).sum(), 1)))
