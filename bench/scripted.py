"""The scripted executor: times come from a formula, so that the crossover is known in advance.

It makes tests of the whole pipeline exact and instant, and simulations of its statistics possible.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import Random

from fwdrev.bench.cell import PREPARING, ArmResult, Cell, Observation, Status

__all__ = ["ScriptedExecutor"]

Formula = Callable[[str, Cell], float]
"""Seconds per call of an engine in a cell."""


class ScriptedExecutor:
    """Answers with `seconds(engine, cell)`, times lognormal noise.

    `noise` is the standard deviation of the logarithm of each value, `shift` that of a factor that each engine has for
    a whole round: values of one round are not independent, just as those of one process are not.
    """

    def __init__(
        self,
        engines: Sequence[str],
        seconds: Formula,
        *,
        blocks: int = 5,
        noise: float = 0.0,
        shift: float = 0.0,
        seed: int = 0,
    ) -> None:
        """The same seed gives the same observations."""
        self._engines = engines
        self._seconds = seconds
        self._blocks = blocks
        self._noise = noise
        self._shift = shift
        self._rng = Random(seed)

    def prepare(self, cells: Sequence[Cell]) -> Iterator[Observation]:
        """Every arm is right everywhere."""
        for cell in cells:
            arms = {name: ArmResult(status=Status.MEASURED, prepare_seconds=0.0, error=0.0) for name in self._engines}
            yield Observation(round=PREPARING, cell=cell, arms=arms)

    def round(
        self,
        index: int,
        cells: Sequence[Cell],
        loops: Mapping[Cell, Mapping[str, int]],
        skip: Mapping[Cell, Sequence[str]],
    ) -> Iterator[Observation]:
        """One factor for each engine, and new noise for each value."""
        shifts = {name: self._rng.gauss(0, self._shift) for name in self._engines}
        for cell in cells:
            arms = {
                name: ArmResult(status=Status.MEASURED, loops=1, values=self._values(name, cell, shifts[name]))
                for name in self._engines
                if name not in skip.get(cell, ())
            }
            yield Observation(round=index, cell=cell, arms=arms)

    def _values(self, name: str, cell: Cell, shift: float) -> tuple[float, ...]:
        seconds = self._seconds(name, cell)
        return tuple(seconds * math.exp(shift + self._rng.gauss(0, self._noise)) for _ in range(self._blocks))
