"""Paired timing: short blocks of every arm, one after the other, in an order that favours none.

Drift (heat, neighbours, frequency) moves all arms of a block alike, so ratios stay good where absolute times do not.
The clock is the one that pyperf uses, without importing pyperf in each round.
"""

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import repeat
from random import Random
from time import perf_counter

from fwdrev.bench.records.callables import warm_up
from fwdrev.bench.records.trials import loops_of

Call = Callable[[], object]

_PROBES = 3
"""The number of calls to estimate an arm's duration; the shortest counts, since delays only add."""


def calibrate(
    arms: Mapping[str, Call], block_seconds: float, at: Callable[[str], None] = lambda _: None
) -> dict[str, int]:
    """Calls per block for each arm, so that a block takes about `block_seconds`; at least one."""
    seconds: dict[str, float] = {}
    for name, call in arms.items():
        at(name)
        seconds[name] = min(timed(call, 1) for _ in repeat(None, _PROBES))
    return loops_of(seconds, block_seconds)


def timed_blocks(
    arms: Mapping[str, Call],
    loops: Mapping[str, int],
    blocks: int,
    rng: Random,
    at: Callable[[str], None] = lambda _: None,
) -> dict[str, list[float]]:
    """Seconds per call of each arm in each of `blocks` blocks; calls `at` with the name of each arm before it runs.

    In each pair of blocks, the arms run in a new random order and then in the opposite one (ABBA). A block that follows
    another arm begins with uncounted calls (see `warm_up`).
    """
    values: dict[str, list[float]] = {name: [] for name in arms}
    with no_collection():
        order, last = list(arms), None
        for block in range(blocks):
            order = rng.sample(order, len(order)) if block % 2 == 0 else order[::-1]
            for name in order:
                if name != last:
                    at(name)
                    timed(arms[name], warm_up(loops[name]))
                    last = name
                values[name].append(timed(arms[name], loops[name]) / loops[name])
    return values


def timed(call: Call, loops: int) -> float:
    """Seconds of `loops` calls together."""
    start = perf_counter()
    for _ in repeat(None, loops):
        call()
    return float(perf_counter() - start)


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep the garbage collector off during the block, since it would hit whichever arm is running."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
