"""The timed blocks of a run as one array."""

from collections import defaultdict
from itertools import chain

import numpy as np

from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks


def timed_blocks(run: Run) -> Blocks:
    """All timed blocks; an empty run has no rounds, cells or engines."""
    timed = [o for o in run.observations if any(arm.values for arm in o.arms.values())]
    rounds, cells = sorted({o.round for o in timed}), sorted({o.cell for o in timed})
    found = {name for o in timed for name, arm in o.arms.items() if arm.values}
    engines = [name for name in run.spec.engines if name in found]
    row, column, layer = ({key: i for i, key in enumerate(keys)} for keys in (rounds, cells, engines))
    places, values = defaultdict[int, list[int]](list), defaultdict[int, list[tuple[float, ...]]](list)
    for o in timed:
        visit = (row[o.round] * len(cells) + column[o.cell]) * len(engines)
        for name, arm in o.arms.items():
            if arm.values:
                places[len(arm.values)].append(visit + layer[name])
                values[len(arm.values)].append(arm.values)
    logs = np.full((len(rounds) * len(cells) * len(engines), max(values, default=0)), np.nan)
    for count, arms in values.items():  # all arms with that many blocks at once, which are usually all arms
        seconds = np.fromiter(chain.from_iterable(arms), dtype=float, count=count * len(arms))
        logs[places[count], :count] = np.log(seconds).reshape(-1, count)
    machines = sorted({o.machine or "" for o in timed})
    owners = np.full((len(rounds), len(cells)), -1)
    for o in timed:
        owners[row[o.round], column[o.cell]] = machines.index(o.machine or "")
    several = len(machines) > 1
    return Blocks(
        rounds=tuple(rounds),
        cells=tuple(cells),
        engines=tuple(engines),
        logs=logs.reshape(len(rounds), len(cells), len(engines), logs.shape[1]),
        machines=tuple(machines) if several else (),
        owners=owners if several else None,
    )
