"""Paired timing: short blocks of every arm, one after the other, in an order that favours none.

Drift (heat, neighbours, frequency) moves all arms of a block alike, so ratios stay good where absolute times do not.
The clock is pyperf's, taken from where pyperf takes it: each round would import pyperf for nothing else.
"""

import gc
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from random import Random
from time import perf_counter

__all__ = ["calibrate", "loops_of", "no_collection", "timed", "timed_blocks", "warm_up"]

Call = Callable[[], object]

_PROBES = 3
"""Calls from which an arm's duration is guessed; the shortest counts, since delays only add."""

_ALIKE = 2.0
"""Arms whose durations differ by no more than this factor share one loop count: unequal counts bias the ratio of arms
that are nearly equal (nanobench saw 1.2 %)."""


def calibrate(
    arms: Mapping[str, Call], block_seconds: float, at: Callable[[str], None] = lambda _: None
) -> dict[str, int]:
    """Calls per block for each arm, so that a block takes about `block_seconds`; at least one."""
    seconds: dict[str, float] = {}
    for name, call in arms.items():
        at(name)
        seconds[name] = min(timed(call, 1) for _ in repeat(None, _PROBES))
    return loops_of(seconds, block_seconds)


def loops_of(seconds: Mapping[str, float], block_seconds: float) -> dict[str, int]:
    """The same where it is known how many seconds a call of each arm takes."""
    loops: dict[str, int] = {}
    slowest = math.inf
    for name in sorted(seconds, key=seconds.__getitem__, reverse=True):
        if seconds[name] * _ALIKE < slowest:
            slowest = max(seconds[name], 1e-9)
            count = max(1, round(block_seconds / slowest))
        loops[name] = count
    return loops


def timed_blocks(
    arms: Mapping[str, Call],
    loops: Mapping[str, int],
    blocks: int,
    rng: Random,
    at: Callable[[str], None] = lambda _: None,
) -> dict[str, list[float]]:
    """Seconds per call of each arm in each of `blocks` blocks; `at` is told which arm comes next.

    In each pair of blocks the arms come in a new random order and then in the opposite one (ABBA). A block that follows
    another arm begins with calls that are not counted (see `warm_up`).
    """
    values: dict[str, list[float]] = {name: [] for name in arms}
    with no_collection():
        order, last = list(arms), None
        for block in range(blocks):
            order = _shuffled(order, rng) if block % 2 == 0 else order[::-1]
            for name in order:
                if name != last:
                    at(name)
                    timed(arms[name], warm_up(loops[name]))
                    last = name
                values[name].append(timed(arms[name], loops[name]) / loops[name])
    return values


def warm_up(loops: int) -> int:
    """Calls before a block, so that it does not pay for the arm before it: one, and an eighth of the block.

    The first call after another arm can take a hundred times as long: JAX frees the large arrays of a call during the
    next one, whoever makes it. The few calls after that still have to fill the caches.
    """
    return 1 + loops // 8


def timed(call: Call, loops: int) -> float:
    """Seconds that so many calls take together."""
    start = perf_counter()
    for _ in repeat(None, loops):
        call()
    return float(perf_counter() - start)


def _shuffled(order: Sequence[str], rng: Random) -> list[str]:
    return rng.sample(order, len(order))


@contextmanager
def no_collection() -> Iterator[None]:
    """The garbage collector would hit whichever arm is running; who had switched it off finds it so."""
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()
