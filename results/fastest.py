"""Which of a few ways to the same result is the fastest: timed in paired blocks, within a third of a second or so."""

import statistics
from collections.abc import Callable, Mapping
from random import Random

from fwdrev.bench.timing import calibrate, timed_blocks

__all__ = ["fastest", "median_seconds"]

_BLOCKS = 6
"""Of each arm: three pairs in opposite orders, which a single disturbance does not turn round."""

_BLOCK_SECONDS = 0.02
"""Of two arms, their probes and their uncounted calls included, 0.3 s."""

_SLOW = 0.1
"""Seconds of the slowest arm's call from which on two blocks have to do: then noise is small beside a call."""


def median_seconds(arms: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """The typical seconds of a call of each; a call that takes long is made six times."""
    loops = calibrate(arms, _BLOCK_SECONDS)
    first = timed_blocks(arms, loops, 2, Random(0))
    if max(map(max, first.values())) < _SLOW:
        more = timed_blocks(arms, loops, _BLOCKS - 2, Random(1))
        first = {name: [*values, *more[name]] for name, values in first.items()}
    return {name: statistics.median(values) for name, values in first.items()}


def fastest(seconds: Mapping[str, float]) -> str:
    """The name of the shortest."""
    return min(seconds, key=seconds.__getitem__)
