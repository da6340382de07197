"""The observations of a run in columns: a million of them as objects would take gigabytes, and most of a minute.

seen = Observations.of(run.observations)
seen.columns.round, seen.columns.values        # of the plain ones: measured arms with values, and nothing else
seen.others                                    # the rest as objects: the passes before the rounds, and failures
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import TypeVar, overload

import numpy as np
from jaxtyping import Float, Int

from fwdrev.bench.records.observation import ArmResult, Cell, Observation, Status
from fwdrev.results.runs.schema import PlainArm, PlainLine, one_line

_BATCH = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Plain observations, a row for each; `first` and `start` (one longer) say where the next level begins.

    `machine` and `engine` are positions in `machines` and `engines`; -1 stands for this machine alone. `seconds` is NaN
    where unknown. The arms of row i are `first[i]` to `first[i + 1]`, the values of arm j `start[j]` to `start[j + 1]`.
    """

    round: Int[np.ndarray, " rows"]
    n: Int[np.ndarray, " rows"]
    m: Int[np.ndarray, " rows"]
    seconds: Float[np.ndarray, " rows"]
    machine: Int[np.ndarray, " rows"]
    first: Int[np.ndarray, " rows+1"]
    engine: Int[np.ndarray, " arms"]
    loops: Int[np.ndarray, " arms"]
    start: Int[np.ndarray, " arms+1"]
    values: Float[np.ndarray, " values"]
    machines: tuple[str, ...]
    engines: tuple[str, ...]

    @property
    def row(self) -> Int[np.ndarray, " arms"]:
        """The row of each arm."""
        return np.repeat(np.arange(len(self.round)), np.diff(self.first))


class Observations(Sequence[Observation]):
    """A sequence of observations; it makes an object when asked for one. Made by `Observations.of` or a `Collector`."""

    def __init__(self, columns: Columns, others: Mapping[int, Observation]) -> None:
        """`others`: those that are not plain, by their position among all, ascending."""
        self.columns = columns
        self._others = others
        self._positions = np.fromiter(others, dtype=np.int64, count=len(others))

    @classmethod
    def of(cls, observations: Iterable[Observation]) -> "Observations":
        """These observations in columns; the same object if they are already."""
        if isinstance(observations, Observations):
            return observations
        collector = Collector()
        for observation in observations:
            collector.add(observation)
        return collector.collected()

    @property
    def others(self) -> Iterable[Observation]:
        """Those that are not plain, in order."""
        return self._others.values()

    @cached_property
    def timed(self) -> Columns:
        """All values in columns: of the plain ones, then of the arms that were measured beside others that failed."""
        collector = Collector()
        for o in self.others:
            arms = {name: arm for name, arm in o.arms.items() if arm.values}
            if arms:
                collector.add_plain(_plain(o, arms))
        more = collector.collected().columns
        return _joined(self.columns, more) if len(more.round) else self.columns

    @property
    def repeat(self) -> bool:
        """Whether a round has a cell twice."""
        c = self.columns
        others = [(o.round, o.cell.n, o.cell.m) for o in self.others if o.round >= 0]
        keys = np.stack([c.round, c.n, c.m], axis=1)
        keys = np.concatenate([keys, np.array(others, dtype=np.int64).reshape(-1, 3)])
        order = np.lexsort(keys.T)
        return bool((np.diff(keys[order], axis=0) == 0).all(axis=1).any())

    @property
    def cells(self) -> list[Cell]:
        """All cells, ascending."""
        pairs = np.unique(np.stack([self.columns.n, self.columns.m]), axis=1)
        return sorted({Cell(n, m) for n, m in pairs.T.tolist()} | {o.cell for o in self.others})

    @property
    def rounds(self) -> set[int]:
        """The rounds that measured anything."""
        return {*np.unique(self.columns.round).tolist()} | {o.round for o in self.others if o.round >= 0}

    @property
    def machines(self) -> set[str | None]:
        """The machines that measured rounds; None stands for this machine alone."""
        named = (None, *self.columns.machines)
        plain = {named[i + 1] for i in np.unique(self.columns.machine).tolist()}
        return plain | {o.machine for o in self.others if o.round >= 0}

    def __len__(self) -> int:
        """The number of observations."""
        return len(self.columns.round) + len(self._others)

    def __iter__(self) -> Iterator[Observation]:
        """All in order."""
        return map(self._at, range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Observation: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Observation, ...]: ...

    def __getitem__(self, index: int | slice) -> Observation | tuple[Observation, ...]:
        """One of them, or several."""
        if isinstance(index, slice):
            return tuple(map(self._at, range(*index.indices(len(self)))))
        return self._at(range(len(self))[index])

    def __eq__(self, other: object) -> bool:
        """Whether the other is a sequence of equal observations."""
        if not isinstance(other, Observations | tuple):
            return NotImplemented
        return len(self) == len(other) and all(one == another for one, another in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def _at(self, position: int) -> Observation:
        if position in self._others:
            return self._others[position]
        c = self.columns
        row = position - int(np.searchsorted(self._positions, position))
        seconds, machine = float(c.seconds[row]), int(c.machine[row])
        arms = {}
        for arm in range(c.first[row], c.first[row + 1]):
            values = tuple(c.values[c.start[arm] : c.start[arm + 1]].tolist())
            name = c.engines[c.engine[arm]]
            arms[name] = ArmResult(status=Status.MEASURED, loops=int(c.loops[arm]), values=values)
        return Observation(
            round=int(c.round[row]),
            cell=Cell(int(c.n[row]), int(c.m[row])),
            arms=arms,
            seconds=None if np.isnan(seconds) else seconds,
            machine=None if machine < 0 else c.machines[machine],
        )


class Collector:
    """Collects observations into columns; plain ones in batches, since a million lines come this way."""

    def __init__(self) -> None:
        """Without observations."""
        self._batch: list[PlainLine] = []
        self._others: dict[int, Observation] = {}
        self._count = 0
        self._round, self._n, self._m, self._seconds = array("q"), array("q"), array("q"), array("d")
        self._machine, self._arms = array("q"), array("q")
        self._engine, self._loops, self._blocks = array("q"), array("q"), array("q")
        self._values = array("d")
        self._machines: dict[str | None, int] = {None: -1}
        self._engines: dict[str, int] = {}

    def add(self, observation: Observation) -> None:
        """Adds one of any kind."""
        if observation.round >= 0 and all(map(_is_plain, observation.arms.values())):
            self.add_plain(_plain(observation, observation.arms))
        else:
            self._others[self._count] = observation
            self._count += 1

    def add_plain(self, line: PlainLine) -> None:
        """Adds a plain one, given its line."""
        self._count += 1
        self._batch.append(line)
        if len(self._batch) == _BATCH:
            self._flush()

    def collected(self) -> Observations:
        """All of them."""
        self._flush()
        columns = Columns(
            round=_whole(self._round),
            n=_whole(self._n),
            m=_whole(self._m),
            seconds=np.array(self._seconds),
            machine=_whole(self._machine),
            first=_starts(self._arms),
            engine=_whole(self._engine),
            loops=_whole(self._loops),
            start=_starts(self._blocks),
            values=np.array(self._values),
            machines=tuple(one_line(name) for name in self._machines if name is not None),
            engines=tuple(self._engines),
        )
        return Observations(columns, self._others)

    def _flush(self) -> None:
        """Puts the batch into the columns."""
        lines, self._batch = self._batch, []
        self._round.extend([line.round for line in lines])
        self._n.extend([line.n for line in lines])
        self._m.extend([line.m for line in lines])
        self._seconds.extend([np.nan if line.seconds is None else line.seconds for line in lines])
        self._machine.extend(_numbered([line.machine for line in lines], self._machines, -1))
        self._arms.extend([len(line.arms) for line in lines])
        self._engine.extend(_numbered([name for line in lines for name in line.arms], self._engines, 0))
        arms = [arm for line in lines for arm in line.arms.values()]
        self._loops.extend([arm.loops for arm in arms])
        values = [arm.values for arm in arms]
        self._blocks.extend(map(len, values))
        self._values.extend(chain.from_iterable(values))


N = TypeVar("N", str, str | None)


def _numbered(names: list[N], known: dict[N, int], first: int) -> list[int]:
    """The number of each name; new ones get the next, counted from `first`."""
    for name in dict.fromkeys(names):
        known.setdefault(name, len(known) + first)
    return [known[name] for name in names]


def _starts(sizes: "array[int]") -> Int[np.ndarray, " size"]:
    """Where each of several parts begins, and the end."""
    return np.concatenate([[0], np.cumsum(_whole(sizes))])


def _joined(one: Columns, other: Columns) -> Columns:
    """The rows of both."""
    machines, engines = (
        tuple(dict.fromkeys(a + b))
        for a, b in zip((one.machines, one.engines), (other.machines, other.engines), strict=True)
    )
    machine = np.array([*map(machines.index, other.machines), -1])[other.machine]  # -1 is the last, too
    engine = np.array([*map(engines.index, other.engines)], dtype=np.int64)[other.engine]
    plain = {
        name: np.concatenate([getattr(one, name), getattr(other, name)])
        for name in ("round", "n", "m", "seconds", "loops", "values")
    }
    return Columns(
        **plain,
        machine=np.concatenate([one.machine, machine]),
        engine=np.concatenate([one.engine, engine]),
        first=np.concatenate([one.first, other.first[1:] + one.first[-1]]),
        start=np.concatenate([one.start, other.start[1:] + one.start[-1]]),
        machines=machines,
        engines=engines,
    )


def _whole(column: "array[int]") -> Int[np.ndarray, " size"]:
    return np.array(column, dtype=np.int64)


def _plain(o: Observation, arms: Mapping[str, ArmResult]) -> PlainLine:
    """The plain line of these arms."""
    plain = {name: PlainArm(loops=arm.loops, values=list(arm.values)) for name, arm in arms.items()}
    return PlainLine(round=o.round, n=o.cell.n, m=o.cell.m, seconds=o.seconds, machine=o.machine, arms=plain)


def _is_plain(arm: ArmResult) -> bool:
    """Whether it is measured, without a reason, counts or memory."""
    plain = replace(arm, prepare_seconds=None, error=None)
    return bool(arm.values) and plain == ArmResult(status=Status.MEASURED, loops=arm.loops, values=arm.values)
