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

__all__ = ["calibrate", "timed_blocks"]

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
        seconds[name] = min(_timed(call, 1) for _ in repeat(None, _PROBES))
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
    another arm begins with calls that are not counted (see `_warm_up`).
    """
    values: dict[str, list[float]] = {name: [] for name in arms}
    with _no_collection():
        order, last = list(arms), None
        for block in range(blocks):
            order = _shuffled(order, rng) if block % 2 == 0 else order[::-1]
            for name in order:
                if name != last:
                    at(name)
                    _timed(arms[name], _warm_up(loops[name]))
                    last = name
                values[name].append(_timed(arms[name], loops[name]) / loops[name])
    return values


def _warm_up(loops: int) -> int:
    """Calls before a block, so that it does not pay for the arm before it: one, and an eighth of the block.

    The first call after another arm can take a hundred times as long: JAX frees the large arrays of a call during the
    next one, whoever makes it. The few calls after that still have to fill the caches.
    """
    return 1 + loops // 8


def _timed(call: Call, loops: int) -> float:
    start = perf_counter()
    for _ in repeat(None, loops):
        call()
    return float(perf_counter() - start)


def _shuffled(order: Sequence[str], rng: Random) -> list[str]:
    return rng.sample(order, len(order))


@contextmanager
def _no_collection() -> Iterator[None]:
    """The garbage collector would hit whichever arm is running."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
