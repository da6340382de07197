"""A sweep gets a plan, which says what to measure next, and an executor, which measures it.

    plan = FixedPlan(spec)
    for step in plan.steps():        # asked again after each step; what was seen by then is noted in between
        ...

The plan that refines the plane needs estimates and so lives in `fwdrev.results`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import Protocol as Measuring, SweepSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """These rounds of these cells."""

    rounds: Sequence[int]
    cells: Sequence[Cell]


@runtime_checkable
class Forecast(Protocol):
    """Predicts wall time from what was seen."""

    def note(self, observation: Observation) -> None:
        """Learn from it."""
        ...

    def seconds(self, steps: Sequence[Step]) -> float | None:
        """The seconds that these steps take, preparations included; None before anything is known."""
        ...


@runtime_checkable
class Plan(Protocol):
    """Decides what is measured next."""

    def steps(self) -> Iterator[Step]:
        """What to measure, in order, until there is nothing left to do."""
        ...

    def note(self, observation: Observation) -> None:
        """See what was observed."""
        ...

    def over(self) -> bool:
        """Whether to stop in the middle of a step."""
        ...

    def seconds_left(self) -> float | None:
        """How long it will still take; None before anything is known."""
        ...

    def outcome(self) -> str:
        """Why there is nothing left to do, in words."""
        ...


@runtime_checkable
class Executor(Protocol):
    """Measures cells. Observations come as soon as they exist; every cell that was asked for has one in each round.

    What `skips` says is not run; what fails on the way is noted in it.
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
        """These rounds: the cells in the given order, with calls per block where they are known."""
        ...


class FixedPlan:
    """Every cell of the grid in every round, as far as it has not been seen."""

    def __init__(self, spec: SweepSpec, forecast: Forecast | None = None) -> None:
        """Nothing is seen yet."""
        self._spec = spec
        self._forecast = forecast
        self._seen: set[tuple[int, Cell]] = set()
        self._ahead: list[Step] | None = None

    def note(self, observation: Observation) -> None:
        """This round of this cell needs no measuring again."""
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
        """The forecast for all that was not seen."""
        if self._forecast is None:
            return None
        ahead = self._missing() if self._ahead is None else self._ahead
        return self._forecast.seconds(self._unseen(ahead))

    def outcome(self) -> str:
        """All rounds of all cells."""
        cells = len(self._spec.cells)
        return f"all {self._spec.rounds} rounds of {cells} cell{'s' * (cells > 1)} are done"

    def _missing(self) -> list[Step]:
        rounds, cells = range(self._spec.rounds), self._spec.cells
        if self._spec.protocol is Measuring.PYPERF:
            return self._unseen([Step(rounds=rounds, cells=[cell]) for cell in cells])
        return self._unseen([Step(rounds=[index], cells=cells) for index in rounds])

    def _unseen(self, steps: Sequence[Step]) -> list[Step]:
        """The rest of steps, each of which has one round or one cell."""
        rest: list[Step] = []
        for step in steps:
            rounds = [index for index in step.rounds if any((index, cell) not in self._seen for cell in step.cells)]
            cells = [cell for cell in step.cells if any((index, cell) not in self._seen for index in step.rounds)]
            if cells:
                rest.append(Step(rounds=rounds, cells=cells))
        return rest
