"""The answer in sentences: which engine is faster where, by how much, and how certain that is."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from fwdrev.results.stats.crossover import Crossover
from fwdrev.results.stats.estimate import LEVEL, log_means
from fwdrev.results.stats.log_ratios import LogRatios
from fwdrev.results.text.quantities import number_text
from fwdrev.results.text.summary import ends_text, percent, size_text

_LEVEL = percent(LEVEL)

_SEEN = 1.01
"""The smallest factor visible with three digits."""


def pair_words(ratios: LogRatios, found: Crossover) -> list[str]:
    """Sentences about a pair: where the two cross, how many cells each wins, and where it leads by most."""
    if ratios.grid.empty:  # all shared cells lie beside the grid
        return [*_where(found)]
    return [*_where(found), _cells(ratios), *_extremes(ratios)]


def winner_words(table: pd.DataFrame) -> list[str]:
    """A sentence for each engine that is the fastest somewhere, from `winners`; most cells first."""
    sentences = []
    for name in table["engine"].value_counts().index:
        won = table[table["engine"] == name]
        beaten = won.dropna(subset="point")
        by = ""
        if len(beaten):
            most = beaten.loc[beaten["point"].idxmax()]
            by = f", by {_times(most['point'])} at most (over {most['next']}, {_at((most['n'], most['m']))})"
        tied = len(beaten) - int((beaten["low"] > 1).sum())  # also true for a single round, which has no interval
        known = f"; in {tied} of them it cannot be told from the next" if tied else ""
        sentences.append(f"{name} is the fastest in {len(won)} of {len(table)} cells{by}{known}.")
    return sentences


def _where(found: Crossover) -> Iterable[str]:
    """The law, or the cheaper engine at each size if there is no law."""
    if found.law is not None:
        cheaper = [crossing.cheaper for crossing in found.in_m.values() if crossing.size is not None]
        one, other = found.pair  # below the law: the engine that is faster there at most sizes
        below, above = (one, other) if 2 * cheaper.count(one) > len(cheaper) else (other, one)
        c, alpha = found.law.c, found.law.alpha
        sure = ""
        if c.low is not None and alpha.low is not None:
            sure = f" ({_LEVEL} intervals: factor {ends_text(c)}, exponent {ends_text(alpha)})"
        line = f"m ≈ {number_text(c.point)} · n^{number_text(alpha.point)}"
        yield f"Below {line} outputs {below} is faster, above it {above}{sure}."
    for n, crossing in found.in_m.items():
        if crossing.size is None:
            yield f"At n = {n} {crossing.cheaper} is faster at every m that was measured."
        elif found.law is None:
            yield f"At n = {n} the two break even at m = {size_text(crossing)}."


def _cells(ratios: LogRatios) -> str:
    one, other = ratios.pair
    point, low, high = log_means(ratios.grid.to_numpy())
    known = ~np.isnan(low)
    if not known.any():
        return f"{one} was faster in {(point < 1).sum()} of {point.size} cells; from one round there is no interval."
    wins, losses = int((high[known] < 1).sum()), int((low[known] > 1).sum())
    undecided = f"; in {known.sum() - wins - losses} the {_LEVEL} interval holds equal times"
    return f"Of {known.sum()} cells {one} is faster in {wins}, {other} in {losses}{undecided}."


def _extremes(ratios: LogRatios) -> Iterable[str]:
    """The cell in which each of the two leads by most, if it leads anywhere."""
    grid = ratios.grid
    point, low, high = log_means(grid.to_numpy())
    for name, i, wins in ((ratios.pair[0], int(point.argmin()), -1), (ratios.pair[1], int(point.argmax()), 1)):
        ends = sorted(float(end) ** wins for end in (low[i], high[i]))
        times = float(point[i]) ** wins
        if times > 1:
            sure = "" if np.isnan(low[i]) else f" ({number_text(ends[0])} … {number_text(ends[1])})"
            yield f"{name} wins by most at {_at(grid.columns[i])}: {_times(times)}{sure}."


def _times(factor: float) -> str:
    return f"{number_text(factor)} times" if factor >= _SEEN else "less than 1 %"


def _at(sizes: Iterable[object]) -> str:
    return "n = {}, m = {}".format(*sizes)
