"""The processors that a process may use, and pinning to some of them, also where the system refuses it."""

import os
from collections.abc import Sequence
from contextlib import suppress
from threading import Thread


def available_cpus() -> list[int]:
    """The processors that this process may use; an empty list if unknown."""
    with suppress(OSError, AttributeError):  # refused, as by a sandbox; not there, as on macOS
        return sorted(os.sched_getaffinity(0))
    return []


def usable_cpus() -> int:
    """The number of processors that this process may use; if unknown, the number of the machine's processors."""
    return len(available_cpus()) or os.cpu_count() or 1


def pin(cpus: Sequence[int]) -> bool:
    """Pins this thread, and everything it starts, to these processors; returns whether that worked.

    Containers and sandboxes may refuse, even for processors that they list; then nothing changes.
    """
    if not cpus or not hasattr(os, "sched_setaffinity"):
        return False
    with suppress(OSError):
        os.sched_setaffinity(0, cpus)
        return os.sched_getaffinity(0) == set(cpus)
    return False


def pinned_cpus(threads: int) -> list[int]:
    """The processors to measure on with that many threads; an empty list where pinning is impossible.

    It takes the last ones, since the first ones serve interrupts.
    """
    cpus, held = available_cpus()[-threads:], list[bool]()
    attempt = Thread(target=lambda: held.append(pin(cpus)))  # a new thread, since it stays pinned
    with suppress(RuntimeError):  # no thread could be started
        attempt.start()
        attempt.join()
    return cpus if held == [True] else []
