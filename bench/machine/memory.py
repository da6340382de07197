"""Memory: the machine's free memory, a limit for this process, and the peak of a call.

Unknown figures are None; limits and resident sizes come from Linux's /proc.
"""

import contextlib
import gc
import resource
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fwdrev.bench.machine.cgroup import memory_left, text_of
from fwdrev.bench.records.observation import Memory

_PROC = Path("/proc")
_RESET_PEAK = "5"
"""Written to /proc/self/clear_refs, this resets the peak of the resident size to its present value."""


def available_bytes() -> int | None:
    """The bytes that can be allocated now without swapping, within the limits of containers."""
    free, left = _fields(_PROC / "meminfo").get("MemAvailable"), memory_left()
    return min((each for each in (free, left) if each is not None), default=None)


@contextlib.contextmanager
def limited(extra: int | None) -> Iterator[None]:
    """Limit this process to `extra` bytes beyond its present mappings; None removes the limit.

    Mapped memory counts, used or not, as with `ulimit -v`.
    """
    mapped = _fields(_PROC / "self" / "status").get("VmSize")
    if extra is None or mapped is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    most = min(mapped + extra, *(each for each in (soft, hard) if each != resource.RLIM_INFINITY), sys.maxsize)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def peak_of(call: Callable[[], object], *, traced: bool) -> Memory:
    """Measures the peak of one call; `traced`: with tracemalloc, which slows Python down."""
    before: int | None = None
    with contextlib.suppress(OSError):  # the system may not allow the reset
        (_PROC / "self" / "clear_refs").write_text(_RESET_PEAK)
        before = _fields(_PROC / "self" / "status").get("VmRSS")
    with contextlib.ExitStack() as tracing:
        if traced:
            tracemalloc.start()
            tracing.callback(tracemalloc.stop)
        result = call()
        allocated = tracemalloc.get_traced_memory()[1] if traced else None
    peak = _fields(_PROC / "self" / "status").get("VmHWM")
    del result
    return Memory(allocated=allocated, resident=None if before is None or peak is None else max(0, peak - before))


def peak_on(device: Any, call: Callable[[], object]) -> int | None:  # noqa: ANN401 - JAX's device, with its statistics
    """The peak of one call in a device's memory, in bytes beyond those held before; None if the device does not count.

    Its statistics have the peak since the process began only. So an array fills up what is held now to that peak,
    while the call runs: whatever the call allocates is then beyond. Each call raises the peak by what it takes; when
    that is half of the device's memory, the answer is None.
    """
    import jax.numpy as jnp

    def counted(name: str) -> int | None:
        return (device.memory_stats() or {}).get(name)

    gc.collect()  # arrays of earlier calls
    held, peak = counted("bytes_in_use"), counted("peak_bytes_in_use")
    if held is None or peak is None or peak > (counted("bytes_limit") or sys.maxsize) / 2:
        return None
    filling = jnp.zeros(max(0, peak - held), jnp.uint8, device=device).block_until_ready()
    result = call()
    found = counted("peak_bytes_in_use")
    del result, filling
    return None if found is None else max(0, found - peak)


def _fields(path: Path) -> dict[str, int]:
    """Reads the lines `Name:  123 kB` of a file in /proc, in bytes."""
    parts = (line.split() for line in text_of(path).splitlines() if line.endswith(" kB"))
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in parts}
