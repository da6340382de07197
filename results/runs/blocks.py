"""The timed blocks of a run as one array."""

import numpy as np

from fwdrev.bench.records.observation import Cell
from fwdrev.results.runs.observations import Observations
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks


def timed_blocks(run: Run) -> Blocks:
    """All timed blocks; an empty run has no rounds, cells or engines.

    Costs time and memory in proportion to the values, and makes no object of an observation.
    """
    timed = Observations.of(run.observations).timed
    engines = [name for name in run.spec.engines if name in timed.engines]
    rounds, row = np.unique(timed.round, return_inverse=True)
    pairs, column = np.unique(np.stack([timed.n, timed.m]), axis=1, return_inverse=True)
    cells, counts = [Cell(n, m) for n, m in pairs.T.tolist()], np.diff(timed.start)
    layer = np.array([engines.index(name) for name in timed.engines], dtype=np.int64)[timed.engine]
    places = (row * len(cells) + column)[timed.row] * len(engines) + layer
    logs = np.full((len(rounds) * len(cells) * len(engines), counts.max(initial=0)), np.nan)
    for count in np.unique(counts).tolist():  # all arms with that many blocks at once, which are usually all arms
        here = np.flatnonzero(counts == count)
        logs[places[here], :count] = np.log(timed.values[timed.start[here, None] + np.arange(count)])
    named = ("", *timed.machines)  # the first is this machine alone, -1
    machines = sorted({named[machine + 1] for machine in np.unique(timed.machine).tolist()})
    owners = np.full((len(rounds), len(cells)), -1)
    position = np.array([machines.index(name) if name in machines else -1 for name in named])
    owners[row, column] = position[timed.machine + 1]
    several = len(machines) > 1
    return Blocks(
        rounds=tuple(rounds.tolist()),
        cells=tuple(cells),
        engines=tuple(engines),
        logs=logs.reshape(len(rounds), len(cells), len(engines), logs.shape[1]),
        machines=tuple(machines) if several else (),
        owners=owners if several else None,
    )
