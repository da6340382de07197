"""The processors that a process may use, and how it is held on some of them; also where that is refused."""

import os
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread


def available_cpus() -> list[int]:
    """The processors that this process may use; an empty list where the system cannot say."""
    with suppress(OSError, AttributeError):  # refused, as by a sandbox; not there, as on macOS
        return sorted(os.sched_getaffinity(0))
    return []


def usable_cpus() -> int:
    """How many processors this process may use; where the system cannot say, how many there are."""
    return len(available_cpus()) or os.cpu_count() or 1


def pin(cpus: Sequence[int]) -> bool:
    """Whether this thread, and what it starts, stays on these processors from now on.

    Containers and sandboxes may refuse that, also for processors that they list: then it goes on as it is.
    """
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return False
    with suppress(OSError):
        os.sched_setaffinity(0, cpus)
        return os.sched_getaffinity(0) == set(cpus)
    return False


def pinned_cpus(threads: int) -> list[int]:
    """The processors to measure on, for so many threads; an empty list where a process cannot be pinned to them.

    They are the last ones, since the first ones serve interrupts.
    """
    cpus, held = available_cpus()[-threads:], list[bool]()
    attempt = Thread(target=lambda: held.append(pin(cpus)))  # of its own, since it stays pinned
    with suppress(RuntimeError):  # no thread can be had
        attempt.start()
        attempt.join()
    return cpus if held == [True] else []
