"""A sweep takes a plan, which decides what to measure next, and an executor, which measures it.

    plan = FixedPlan(spec)
    for step in plan.steps():        # the next step is asked for after the last was measured and noted
        ...

The plan that refines the plane needs estimates, so it lives in `fwdrev.results`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import Protocol as Measuring, SweepSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a plan: these rounds of these cells."""

    rounds: Sequence[int]
    cells: Sequence[Cell]


BARRIER = Step(rounds=(), cells=())
"""A step without work: the next one depends on everything before, so several machines wait for each other here."""


@runtime_checkable
class Forecast(Protocol):
    """Predicts wall time from observations."""

    def note(self, observation: Observation) -> None:
        """Learn from an observation."""
        ...

    def seconds(self, steps: Sequence[Step]) -> float | None:
        """The expected seconds of these steps, preparations included; None before the first observation."""
        ...


@runtime_checkable
class Plan(Protocol):
    """Decides what to measure next."""

    def steps(self) -> Iterator[Step]:
        """The steps, in order, until there is nothing left to do."""
        ...

    def note(self, observation: Observation) -> None:
        """Take note of an observation."""
        ...

    def over(self) -> bool:
        """Whether to stop in the middle of a step."""
        ...

    def seconds_left(self) -> float | None:
        """The expected seconds left; None before the first observation."""
        ...

    def outcome(self) -> str:
        """Why there is nothing left to do, in words."""
        ...


@runtime_checkable
class Executor(Protocol):
    """Measures cells. It yields observations as soon as they exist, one for every given cell in each round.

    It does not run arms listed in `skips`, and adds those that fail.
    """

    def prepare(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Compile and check every arm in every cell; nothing is timed."""
        ...

    def measure_memory(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Measure the memory of every arm in every cell, in processes that do nothing else."""
        ...

    def rounds(
        self, indices: Sequence[int], cells: Sequence[Cell], loops: Mapping[Cell, Mapping[str, int]], skips: Skips
    ) -> Iterator[Observation]:
        """Time these rounds: the cells in the given order, with the calls per block where they are known."""
        ...


class FixedPlan:
    """Measures every cell of the grid in every round, except what was already observed."""

    def __init__(self, spec: SweepSpec, forecast: Forecast | None = None) -> None:
        """Starts without observations."""
        self._spec = spec
        self._forecast = forecast
        self._seen: set[tuple[int, Cell]] = set()
        self._ahead: list[Step] | None = None

    def note(self, observation: Observation) -> None:
        """Take note that this round of this cell is measured."""
        self._seen.add((observation.round, observation.cell))
        if self._forecast is not None:
            self._forecast.note(observation)

    def steps(self) -> Iterator[Step]:
        """Round by round; cell by cell where the protocol measures all rounds of a cell at once."""
        self._ahead = self._missing()
        while self._ahead:
            yield self._ahead[0]
            self._ahead.pop(0)

    def over(self) -> bool:
        """Never: a fixed plan has no time budget."""
        return False

    def seconds_left(self) -> float | None:
        """The forecast for everything not yet observed."""
        if self._forecast is None:
            return None
        ahead = self._missing() if self._ahead is None else self._ahead
        return self._forecast.seconds(self._unseen(ahead))

    def outcome(self) -> str:
        """All rounds of all cells."""
        rounds, cells = self._spec.rounds, len(self._spec.cells)
        of = f"of {cells} cell{'s' * (cells > 1)}"
        return f"the one round {of} is done" if rounds == 1 else f"all {rounds} rounds {of} are done"

    def _missing(self) -> list[Step]:
        rounds, cells = range(self._spec.rounds), self._spec.cells
        if self._spec.protocol is Measuring.PYPERF:
            return self._unseen([Step(rounds=rounds, cells=[cell]) for cell in cells])
        return self._unseen([Step(rounds=[index], cells=cells) for index in rounds])

    def _unseen(self, steps: Sequence[Step]) -> list[Step]:
        """The unmeasured rest of the steps, each of one round or one cell."""
        rest: list[Step] = []
        for step in steps:
            rounds = [index for index in step.rounds if any((index, cell) not in self._seen for cell in step.cells)]
            cells = [cell for cell in step.cells if any((index, cell) not in self._seen for index in step.rounds)]
            if cells:
                rest.append(Step(rounds=rounds, cells=cells))
        return rest
