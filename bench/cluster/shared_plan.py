"""One plan for several machines: each step goes to one of them, and comes back if that machine is lost."""

import threading
from collections.abc import Iterable, Iterator

from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.plan import Plan, Step

__all__ = ["Share", "SharedPlan"]


class SharedPlan:
    """Gives out the steps of `plan`; safe for several threads.

    After `BARRIER`, a step without cells, the next one is asked for only when all others are done.
    """

    def __init__(self, plan: Plan, past: Iterable[Observation] = ()) -> None:
        """`past`: the run's observations so far."""
        self._plan = plan
        self._changed = threading.Condition()
        self._seen: set[tuple[int, Cell]] = set()
        self._returned: list[Step] = []
        self._under_way: list[Step] = []
        self._waits = self._asked = self._stopped = False
        for observation in past:
            self.note(observation)
        self._steps = plan.steps()

    def take(self) -> Step | None:
        """A step to measure; waits while one that others measure may come back. None if nothing is left to do."""
        with self._changed:
            while (step := self._next()) is None:
                if self._stopped or self._plan.over() or not self._under_way:
                    return None
                self._changed.wait()
            self._under_way.append(step)
            return step

    def done(self, step: Step) -> None:
        """A step is measured."""
        with self._changed:
            self._under_way.remove(step)
            self._changed.notify_all()

    def give_back(self, step: Step) -> None:
        """A machine was lost: others measure what is missing of its step."""
        with self._changed:
            self._under_way.remove(step)
            rest = [
                Step(rounds=[index], cells=cells)
                for index in step.rounds
                if (cells := [cell for cell in step.cells if (index, cell) not in self._seen])
            ]
            self._returned += rest
            self._changed.notify_all()

    def stop(self) -> None:
        """No more steps are given out."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def note(self, observation: Observation) -> None:
        """Takes note of an observation, once: every machine prepares all cells, and a resumed one brings its past."""
        with self._changed:
            key = observation.round, observation.cell
            if key not in self._seen:
                self._seen.add(key)
                self._plan.note(observation)

    def unfinished(self) -> bool:
        """Whether a step was given back that nobody has taken since."""
        with self._changed:
            return bool(self._returned)

    def over(self) -> bool:
        """Whether to stop in the middle of a step."""
        with self._changed:
            return self._stopped or self._plan.over()

    def seconds_left(self) -> float | None:
        """The expected seconds of one machine that measured all that is left."""
        with self._changed:
            return self._plan.seconds_left()

    def outcome(self) -> str:
        """Why there is nothing left to do, in words."""
        with self._changed:
            return self._plan.outcome()

    def _next(self) -> Step | None:
        """A step that can begin now."""
        if self._stopped or self._plan.over():
            return None
        if self._returned:
            return self._returned.pop()
        while not self._asked and not (self._waits and self._under_way):
            self._waits = False
            step = next(self._steps, None)
            if step is None:
                self._asked = True
            elif step.cells:
                return step
            else:
                self._waits = True
        return None


class Share:
    """The plan of one machine: the steps that it takes from the shared one."""

    def __init__(self, shared: SharedPlan) -> None:
        """Takes nothing yet."""
        self._shared = shared
        self._step: Step | None = None

    def steps(self) -> Iterator[Step]:
        """One at a time, while there are any."""
        while (step := self._shared.take()) is not None:
            self._step = step
            yield step
            self._step = None
            self._shared.done(step)

    def end(self) -> None:
        """Gives back a step that this machine has not finished."""
        if self._step is not None:
            self._shared.give_back(self._step)
            self._step = None

    def note(self, observation: Observation) -> None:
        """Takes note of an observation."""
        self._shared.note(observation)

    def over(self) -> bool:
        """Whether to stop in the middle of a step."""
        return self._shared.over()

    def seconds_left(self) -> float | None:
        """Those of the shared plan."""
        return self._shared.seconds_left()

    def outcome(self) -> str:
        """That of the shared plan."""
        return self._shared.outcome()
