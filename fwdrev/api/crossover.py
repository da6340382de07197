"""The crossover of a run: `fwdrev.crossover`.

found = fwdrev.crossover("runs/today")          # forward and reverse; or pair="jax-jvp,jax-vjp"
found.in_m[64].size                             # m* at n = 64: Estimate(point=55.1, low=52.5, high=58.3, …)
found.law                                       # m* = c · n^α, with intervals
"""

import os
from pathlib import Path

from fwdrev.bench.records.parsing import engine_pair
from fwdrev.results.runs.cells import log_ratios
from fwdrev.results.runs.engine_pairs import default_pair
from fwdrev.results.runs.run import Run, load
from fwdrev.results.stats.crossover import Crossover, crossover as find
from fwdrev.results.stats.estimate import LEVEL


def crossover(
    run: Run | str | os.PathLike[str], pair: str | tuple[str, str] | None = None, *, level: float = LEVEL
) -> Crossover:
    """Where two engines of a run, or of the folder of one, take the same time: the record behind `fwdrev crossover`.

    It has m* at each n, n* at each m, and the law through them, with intervals at `level`. The default pair is forward
    and reverse, or the first forward and reverse engine of one library in a run without these. Raises InputError for a
    folder that is no run and for unknown engines, NothingMeasuredError where no cell has times of both.
    """
    found = run if isinstance(run, Run) else load(Path(run))
    engines = found.spec.engines
    text = pair if isinstance(pair, str) else ",".join(pair or default_pair(engines))
    return find(log_ratios(found, engine_pair(text, engines)), level)
