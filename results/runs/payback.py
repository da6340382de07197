"""Payback: after how many Jacobians an engine that takes longer to prepare has made up for it."""

import numpy as np
import pandas as pd

from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.estimate import log_means


def payback(blocks: Blocks, prepared: pd.DataFrame, engine: str, against: str) -> pd.Series:
    """Seconds by which `engine` takes longer to prepare than `against` ÷ seconds that each call saves; by (n, m).

    `prepared` has the columns n, m, engine and prepare_seconds. NaN wherever it is not known that a call saves time:
    where the interval of the paired ratio is not wholly below 1, or from a single round. At least 1.
    """
    cells = pd.MultiIndex.from_tuples([(c.n, c.m) for c in blocks.cells], names=["n", "m"])
    if not {engine, against} <= set(blocks.engines):
        return pd.Series(np.nan, index=cells)
    of = {name: prepared[prepared["engine"] == name].set_index(["n", "m"]) for name in (engine, against)}
    once = {name: table["prepare_seconds"].reindex(cells).to_numpy(float) for name, table in of.items()}
    ratio, _, high = log_means(blocks.log_ratios(engine, against))
    each, _, _ = log_means(blocks.medians[:, :, blocks.engines.index(against)])
    with np.errstate(invalid="ignore", divide="ignore"):
        calls = (once[engine] - once[against]) / (each * (1 - ratio))
        return pd.Series(np.where(high < 1, np.maximum(calls, 1), np.nan), index=cells)
