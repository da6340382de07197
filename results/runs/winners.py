"""Winners: the fastest engine in each cell, and its lead over the second.

winners(timed_blocks(run))                                     # among all measured engines
winners(timed_blocks(run), ["forward", "reverse", "bracketed"])
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from fwdrev.results.stats.blocks import Blocks, block_median
from fwdrev.results.stats.estimate import log_means


def winners(blocks: Blocks, engines: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per cell: n, m, engine (the fastest), next (the second), point, low, high (time of the next ÷ fastest).

    `next` and the ratio are missing where only one engine was measured; low and high are NaN for a single round. An
    interval that holds 1 means that the two cannot be told apart. Engines without values are left out.
    """
    chosen = [i for i, name in enumerate(blocks.engines) if engines is None or name in engines]
    names = np.array([blocks.engines[i] for i in chosen], dtype=object)
    if not chosen:
        return pd.DataFrame(columns=["n", "m", "engine", "next", "point", "low", "high"])
    logs = blocks.logs[:, :, chosen]
    seconds, _, _ = log_means(blocks.medians[:, :, chosen])
    reached = ~np.isnan(seconds).all(axis=1)
    ranked = np.argsort(seconds[reached], axis=1)  # unmeasured engines sort last
    first, second = ranked[:, 0], ranked[:, min(1, len(chosen) - 1)]
    each = np.arange(reached.sum())
    logs = logs[:, reached]
    point, low, high = log_means(block_median(logs[:, each, second] - logs[:, each, first]))
    alone = (first == second) | np.isnan(seconds[reached][each, second])
    table = pd.DataFrame(
        [(c.n, c.m) for c, there in zip(blocks.cells, reached, strict=True) if there], columns=["n", "m"]
    )
    table["engine"], table["next"] = names[first], names[second]
    table.loc[alone, "next"] = None
    for name, values in (("point", point), ("low", low), ("high", high)):
        table[name] = np.where(alone, np.nan, values)
    return table
