"""The scripted executor: times come from a formula, so that the crossover is known in advance.

It makes tests of the whole pipeline exact and instant, and simulations of its statistics possible.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from fwdrev.bench.records.observation import PREPARING, WEIGHING, ArmResult, Cell, Memory, Observation, Status
from fwdrev.bench.records.skips import Skips

__all__ = ["ScriptedExecutor"]

Formula = Callable[[str, Cell], float]
"""The seconds per call of an engine in a cell."""


class ScriptedExecutor:
    """An executor that answers with `seconds(engine, cell)`, times noise.

    `noise` is the scale of the logarithm of each value, `shift` that of a factor per engine and round: values of one
    round are correlated, as values of one process are. Both are normal, or follow
    Student's t with `tails` degrees of freedom. `drift`: the log slow-down of everything in the course of
    `visits` observations, block by block.
    """

    def __init__(
        self,
        engines: Sequence[str],
        seconds: Formula,
        *,
        blocks: int = 5,
        noise: float = 0.0,
        shift: float = 0.0,
        tails: int | None = None,
        drift: float = 0.0,
        visits: int = 1,
        seed: int = 0,
    ) -> None:
        """The same seed gives the same observations."""
        self._engines = engines
        self._seconds = seconds
        self._blocks = blocks
        self._noise = noise
        self._shift = shift
        self._tails = tails
        self._drift = drift / visits
        self._visits = 0
        self._rng = Random(seed)

    def prepare(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Reports every arm as correct in every cell."""
        for cell in cells:
            arms = {name: ArmResult(status=Status.MEASURED, prepare_seconds=0.0, error=0.0) for name in self._engines}
            yield Observation(round=PREPARING, cell=cell, arms=arms)

    def measure_memory(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Reports the memory of one Jacobian for every arm."""
        for cell in cells:
            memory = Memory(allocated=8 * cell.n * cell.m, resident=0)
            arms = {name: ArmResult(status=Status.MEASURED, memory=memory) for name in self._engines}
            yield Observation(round=WEIGHING, cell=cell, arms=arms)

    def rounds(
        self, indices: Sequence[int], cells: Sequence[Cell], loops: Mapping[Cell, Mapping[str, int]], skips: Skips
    ) -> Iterator[Observation]:
        """Draws one factor for each engine in a round, and new noise for each value."""
        for index in indices:
            shifts = {name: self._shift * self._draw() for name in self._engines}
            for cell in cells:
                arms = skips.barred(cell) | {
                    name: ArmResult(status=Status.MEASURED, loops=1, values=self._values(name, cell, shifts[name]))
                    for name in skips.open(cell)
                }
                yield Observation(round=index, cell=cell, arms=arms)
                self._visits += 1

    def _values(self, name: str, cell: Cell, shift: float) -> tuple[float, ...]:
        """The values of a visit, with each block slower than the one before by the drift."""
        seconds = self._seconds(name, cell)
        noises = [math.exp(shift + self._noise * self._draw()) for _ in range(self._blocks)]
        slower = [1 + self._drift * (self._visits + block / self._blocks) for block in range(self._blocks)]
        return tuple(seconds * noise * slow for noise, slow in zip(noises, slower, strict=True))

    def _draw(self) -> float:
        """Draws from the standard normal distribution, or from Student's t."""
        normal = self._rng.gauss(0, 1)
        if self._tails is None:
            return normal
        return normal / math.sqrt(self._rng.gammavariate(self._tails / 2, 2) / self._tails)
