"""The sweep: prepare the cells, then measure them round by round, in random order.

    for observation in Sweep(spec, executor, FixedPlan(spec)):
        journal.append(observation)

A round visits every cell once, so that an interrupted sweep has covered the whole plane evenly; a resumed one continues
after the observations that exist.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from random import Random

from pyperf import perf_counter

from fwdrev.bench.records.observation import PREPARING, WEIGHING, Cell, Observation, Status
from fwdrev.bench.records.plan import Executor, FixedPlan, Plan, Step
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import SweepSpec


class Sweep:
    """Yields every observation as soon as it exists; `past`: the run's observations so far.

    The first round that times a cell fixes its calls per block. An arm that could not be measured is not run in that
    cell again, and one that took too much time or memory is not run in larger cells.

    `measuring_seconds`: the wall time of all rounds; `timed_seconds`: its part inside timed blocks.
    """

    def __init__(
        self, spec: SweepSpec, executor: Executor, plan: Plan | None = None, past: Iterable[Observation] = ()
    ) -> None:
        """The default plan measures every round of the grid."""
        self._spec = spec
        self._executor = executor
        self._plan = FixedPlan(spec) if plan is None else plan
        self._loops: dict[Cell, dict[str, int]] = {}
        self._skips = Skips(spec.engines)
        self._seen: set[tuple[int, Cell]] = set()
        self._ready: set[Cell] = set()
        self.measuring_seconds = 0.0
        self.timed_seconds = 0.0
        for observation in past:
            self._note(observation)

    def __iter__(self) -> Iterator[Observation]:
        """Measure until nothing is left to do or the plan's time is over."""
        with closing(self._observations()) as observations:
            for observation in observations:
                yield observation
                if self._plan.over():
                    return

    def _observations(self) -> Generator[Observation, None, None]:
        for step in self._plan.steps():
            cells = [cell for cell in step.cells if self._skips.pending(cell)]
            if not cells:
                continue
            yield from self._prepared([cell for cell in cells if cell not in self._ready])
            start = perf_counter()
            try:
                yield from self._measured(step, cells)
            finally:
                self.measuring_seconds += perf_counter() - start

    def _prepared(self, cells: list[Cell]) -> Iterator[Observation]:
        """Prepares the cells that this process has not prepared yet, and yields only new observations.

        Arms that failed before are not prepared again, since they may take all time or memory again.
        """
        new = [cell for cell in cells if (PREPARING, cell) not in self._seen]
        again = [cell for cell in cells if (PREPARING, cell) in self._seen and self._skips.open(cell)]
        for _ in self._executor.prepare(again, self._skips.copy()) if again else ():
            pass
        yield from self._noted(self._executor.prepare(new, self._skips) if new else ())
        unmeasured = [cell for cell in cells if (WEIGHING, cell) not in self._seen and self._skips.pending(cell)]
        yield from self._noted(self._executor.measure_memory(unmeasured, self._skips) if unmeasured else ())
        self._ready.update(cells)

    def _measured(self, step: Step, cells: list[Cell]) -> Iterator[Observation]:
        order = Random(f"{self._spec.seed} {step.rounds[0]}").sample(cells, len(cells))
        order = [cell for cell in order if self._skips.pending(cell)]
        observations = self._executor.rounds(step.rounds, order, self._loops, self._skips) if order else iter(())
        for observation in self._noted(observations):
            self.timed_seconds += sum(sum(arm.values) * arm.loops for arm in observation.arms.values())
            yield observation

    def _noted(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        for observation in observations:
            self._note(observation)
            yield observation

    def _note(self, observation: Observation) -> None:
        cell = observation.cell
        self._seen.add((observation.round, cell))
        self._skips.note(cell, observation.arms)
        for name, arm in observation.arms.items():
            if arm.status is Status.MEASURED and arm.loops:
                self._loops.setdefault(cell, {}).setdefault(name, arm.loops)
        self._plan.note(observation)
