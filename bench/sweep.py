"""The sweep: prepare every cell, then measure the whole plane round by round, in random order.

    for observation in sweep(spec, executor):
        journal.append(observation)

A round visits every cell once, so that an interrupted sweep has measured the whole plane as often as it could.
"""

from collections.abc import Iterator
from random import Random

from fwdrev.bench.cell import Cell, Observation, Status
from fwdrev.bench.executor import Executor
from fwdrev.bench.spec import SweepSpec

__all__ = ["sweep", "visits"]


def visits(spec: SweepSpec) -> int:
    """How many observations a sweep ends with, if nothing crashes."""
    return len(spec.cells) * (spec.rounds + 1)


def sweep(spec: SweepSpec, executor: Executor) -> Iterator[Observation]:
    """Every observation as soon as it exists.

    Calls per block are fixed by the first round that times a cell; an arm that was wrong, failed or crashed is not run
    in that cell again.
    """
    loops: dict[Cell, dict[str, int]] = {}
    skip: dict[Cell, list[str]] = {}
    rng = Random(spec.seed)

    def noted(observation: Observation) -> Observation:
        for name, arm in observation.arms.items():
            if arm.status is not Status.MEASURED:
                skip.setdefault(observation.cell, []).append(name)
            elif arm.loops:
                loops.setdefault(observation.cell, {})[name] = arm.loops
        return observation

    cells = rng.sample(spec.cells, len(spec.cells))
    yield from map(noted, executor.prepare(cells))
    for index in range(spec.rounds):
        order = [cell for cell in rng.sample(cells, len(cells)) if len(skip.get(cell, ())) < len(spec.engines)]
        yield from map(noted, executor.round(index, order, loops, skip))
