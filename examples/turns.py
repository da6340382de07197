"""Times calls in turns, for the examples in this folder; `fwdrev sweep` measures with more care."""

from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

TURNS = 7


def medians(calls: Sequence[Callable[[], object]]) -> list[float]:
    """The median seconds of each call; calls take turns, so that a slow machine slows all of them."""
    for call in calls:
        call()  # the first may compile
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(TURNS):
        for times, call in zip(taken, calls, strict=True):
            began = perf_counter()
            call()
            times.append(perf_counter() - began)
    return [median(times) for times in taken]
