"""Calls a user's function and its Jacobian's programs: compiles them, waits for them, times a few calls."""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np
from pyperf import perf_counter

from fwdrev.modes.core.arrays import Vector
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Function
from fwdrev.modes.functions.probe import FunctionProbe
from fwdrev.modes.functions.torch_function import torch_idle

_PROBES, _PROBE_SECONDS, _PROBING_SECONDS = 3, 1e-3, 0.3
"""The blocks to estimate a duration, the seconds of each, and of all."""

SLOW = 2.0
"""A first call from this many seconds on is not repeated for timing."""

_STEP = {2: 1e-1, 4: 1e-2, 8: 1e-5}
"""The steps of difference quotients, by bytes of a number. They only need to tell right derivatives from wrong ones."""

Call = Callable[[], object]


def compiled_in(program: Function, args: tuple[Any, ...]) -> tuple[float | None, int | None]:
    """Seconds to compile, and the bytes of `_memory`; None if it is not compiled."""
    if not hasattr(program, "lower"):
        return None, None
    start = perf_counter()
    compiled = program.lower(*args).compile()
    return perf_counter() - start, _memory(compiled)


def idle(found: FunctionProbe) -> Call:
    """Seconds of a call that computes almost nothing."""
    if found.framework == "torch":
        return torch_idle(found)
    return partial(ready, jax.jit(lambda x: x + 1), (np.float32(0),))


def ready(program: Function, args: tuple[Any, ...]) -> Pytree:
    """Waits for JAX, which returns before it is done."""
    return jax.block_until_ready(program(*args))  # type: ignore[no-untyped-call] # of JAX


def probed(call: Call, first: float | None = None) -> float:
    """Seconds per call: the best of a few blocks, since delays only add. Does not repeat slow calls.

    `first`: the seconds of an earlier first call, if any.
    """
    if first is None:
        call()
    elif first > SLOW:
        return first
    began = perf_counter()
    best = _timed(call, 1)
    loops = max(1, round(_PROBE_SECONDS / best))
    for _ in range(_PROBES):
        if perf_counter() - began > _PROBING_SECONDS:
            break
        best = min(best, _timed(call, loops) / loops)
    return best


def _timed(call: Call, loops: int) -> float:
    start = perf_counter()
    for _ in range(loops):
        call()
    return max(float(perf_counter() - start), 1e-9)


def _memory(compiled: jax.stages.Compiled) -> int | None:
    """The bytes of temporary arrays and of the result; None if the compiler does not report them."""
    stats = compiled.memory_analysis()
    held, result = (getattr(stats, f"{part}_size_in_bytes", None) for part in ("temp", "output"))
    return None if held is None or result is None else int(held + result)


def quotient(found: FunctionProbe, v: Vector) -> Vector:
    """J · v by central differences."""
    direction = v.astype(found.x.dtype)
    scale = max(1.0, float(np.max(np.abs(found.x)))) / float(np.max(np.abs(v)))
    h = found.x.dtype.type(_STEP[min(8, found.x.dtype.itemsize)] * scale)
    up, down = (np.asarray(found.value(found.x + step * direction)) for step in (h, -h))
    return np.asarray((up.astype(float) - down.astype(float)) / (2 * float(h)))
