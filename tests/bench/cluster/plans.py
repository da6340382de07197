"""A plan that is a list of steps, and counts what happens to it."""

from collections.abc import Iterator, Sequence

from fwdrev.bench import Observation
from fwdrev.bench.records.plan import Step

__all__ = ["Listed"]


class Listed:
    """Gives out these steps; `asked`: how many; `noted`: the observations; `ended`: whether it is over."""

    def __init__(self, steps: Sequence[Step]) -> None:
        """Nothing is asked for yet."""
        self._steps = steps
        self.asked = 0
        self.noted: list[Observation] = []
        self.ended = False

    def steps(self) -> Iterator[Step]:
        """The steps in order."""
        for step in self._steps:
            self.asked += 1
            yield step

    def note(self, observation: Observation) -> None:
        """Keeps it."""
        self.noted.append(observation)

    def over(self) -> bool:
        """Whether somebody has ended it."""
        return self.ended

    def seconds_left(self) -> float | None:
        """One second for each step."""
        return float(len(self._steps) - self.asked)

    def outcome(self) -> str:
        """Nothing to tell."""
        return "all steps are done"
