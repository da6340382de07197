"""The facts about a measuring machine: its noise, its memory, and the settings that change measurements.

    settings({"JAX_DISABLE_JIT": "1", "HOME": "/home/me"})      # {"JAX_DISABLE_JIT": "1"}

It only ever reads the variables named here, since others may hold secrets; of a path it shows only the last part, and
not even that for a user's folder.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fwdrev.modes.core.data import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """The governors of all processors, without repeats, and whether turbo is on; empty and None if unknown."""

    governors: tuple[str, ...]
    turbo: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """The smallest step seen of the clock and the cost of a reading, in seconds."""

    resolution: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Blas:
    """The BLAS: name and version, the threads that workers tell it to use, and settings of the caller's environment."""

    name: str
    threads: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Xla:
    """JAX: its version and devices, or why it cannot be used."""

    version: str
    devices: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PyperfSays:
    """The output of the stock `pyperf system show`, or why there is none."""

    advices: tuple[str, ...]
    warnings: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """All facts; `load` is the average of the last minute, None if unknown.

    `quota`: the number of processors whose time may be used, None without a limit; `settings`: those of the environment
    that change measurements; `overridden`: those that workers set themselves.
    """

    processor: str
    cores: int
    available: int
    load: float | None
    frequency: Frequency
    timer: Timer
    blas: Blas
    xla: Xla
    pyperf: PyperfSays
    quota: float | None = None
    settings: dict[str, str] = field(default_factory=dict)
    overridden: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseRound:
    """One process of a noise measurement: seconds per call of the two arms, block by block, and its wall time."""

    a: tuple[float, ...]
    b: tuple[float, ...]
    pinned: bool
    seconds: float


def total_bytes() -> int | None:
    """The memory of the machine in bytes, free or not; None if unknown."""
    with suppress(OSError, ValueError, AttributeError):
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
        return pages * size if pages > 0 < size else None
    return None


_SAME_MEMORY = 0.05
"""The fraction by which the memory of equal machines may differ: firmware and kernel keep some of it."""


def differences(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Each fact in which two fingerprints differ, by name: the name, the value then, the value now.

    Machines without any difference are of one type.
    """
    before, here = _flat(then), _flat(json.loads(json.dumps(now)))
    for key in sorted(here.keys() | before.keys()):
        one, other = before.get(key), here.get(key)
        if one != other and not (key == "memory_bytes" and _nearly(one, other)):
            yield key, one, other


def _nearly(one: Json, other: Json) -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return numbers and abs(one - other) <= _SAME_MEMORY * max(one, other)


def _flat(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and settings beside the other facts."""
    flat: dict[str, Any] = {}
    for key, value in facts.items():
        flat |= value if isinstance(value, dict) else {key: value}
    return flat


DISTORTING: dict[str, str] = {
    "JAX_DISABLE_JIT": "JAX runs operation by operation, without compiling: its engines take many times longer",
    "JAX_DEBUG_NANS": "JAX looks for NaN in every result, which takes time in every call",
    "JAX_DEBUG_INFS": "JAX looks for infinities in every result, which takes time in every call",
    "JAX_ENABLE_CHECKS": "JAX checks its own programs, which takes time in every call",
    "JAX_CHECK_TRACER_LEAKS": "JAX looks for leaked tracers and keeps no programs: it compiles again and again",
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "XLA leaves out most of what makes programs fast",
    "CUDA_LAUNCH_BLOCKING": "every kernel is waited for",
    "COVERAGE_PROCESS_START": "coverage traces every line of Python in every process",
    "PYTHONTRACEMALLOC": "Python notes where every piece of memory comes from",
    "PYTHONDEVMODE": "Python checks itself, which takes time everywhere",
    "MALLOC_PERTURB_": "all memory is written to when it is taken and given back",
    "MALLOC_CHECK_": "memory is checked each time that it is taken or given back",
    "LD_AUDIT": "every call into a library is watched",
}
"""Debugging settings: times measured with them say nothing about programs in use."""

EFFECTS: dict[str, str] = DISTORTING | {
    "XLA_FLAGS": "options of XLA, which decide what it compiles",
    "XLA_PYTHON_CLIENT_ALLOCATOR": "how memory of a GPU is taken",
    "LIBTPU_INIT_ARGS": "options of the compiler for TPUs",
    "JAX_DEFAULT_MATMUL_PRECISION": "how exactly, and how fast, matrices are multiplied",
    "JAX_NUMPY_DTYPE_PROMOTION": "in which precision mixed arguments are computed",
    "JAX_DEFAULT_DTYPE_BITS": "in which precision numbers are made",
    "JAX_DEFAULT_DEVICE": "where JAX computes",
    "JAX_NUM_CPU_DEVICES": "into how many devices JAX parts the processor",
    "JAX_CPU_ENABLE_ASYNC_DISPATCH": "whether a call waits for the one before",
    "JAX_EXEC_TIME_OPTIMIZATION_EFFORT": "how hard XLA tries",
    "JAX_MEMORY_FITTING_LEVEL": "what XLA gives up to fit into memory",
    "JAX_OPTIMIZATION_LEVEL": "how hard XLA tries",
    "JAX_LOG_COMPILES": "a line is written for each program that is compiled",
    "NVIDIA_TF32_OVERRIDE": "how exactly, and how fast, a GPU multiplies matrices",
    "CUDA_VISIBLE_DEVICES": "which GPUs are seen",
    "NPY_DISABLE_CPU_FEATURES": "which instructions NumPy does without",
    "NPY_ENABLE_CPU_FEATURES": "which instructions NumPy insists on",
    "NUMPY_MADVISE_HUGEPAGE": "whether NumPy asks for large pages",
    "OPENBLAS_CORETYPE": "for which processor OpenBLAS takes its kernels",
    "OPENBLAS_THREAD_TIMEOUT": "how long threads of OpenBLAS wait for work",
    "MKL_CBWR": "whether MKL trades speed for the same bits everywhere",
    "MKL_DEBUG_CPU_TYPE": "for which processor MKL takes its kernels",
    "MKL_DYNAMIC": "whether MKL chooses its threads",
    "MKL_ENABLE_INSTRUCTIONS": "which instructions MKL may use",
    "BLIS_ARCH_TYPE": "for which processor BLIS takes its kernels",
    "OMP_DYNAMIC": "whether OpenMP chooses its threads",
    "OMP_PLACES": "where threads run",
    "OMP_PROC_BIND": "whether threads stay where they are",
    "OMP_SCHEDULE": "how loops are shared between threads",
    "OMP_THREAD_LIMIT": "how many threads there may be",
    "OMP_WAIT_POLICY": "whether idle threads keep a processor busy",
    "GOMP_CPU_AFFINITY": "where threads run",
    "GOMP_SPINCOUNT": "whether idle threads keep a processor busy",
    "KMP_AFFINITY": "where threads run",
    "KMP_BLOCKTIME": "how long idle threads keep a processor busy",
    "PYTHONMALLOC": "how Python takes memory; `debug` checks it each time",
    "PYTHONOPTIMIZE": "Python leaves out assertions, in all code",
    "PYTHON_GIL": "whether Python's threads run at once",
    "PYTHON_JIT": "whether Python compiles",
    "PYTHONPERFSUPPORT": "Python writes down where its code lies",
    "GLIBC_TUNABLES": "how the C library takes memory and chooses its code",
    "LD_PRELOAD": "libraries that come before all others, such as another allocator",
    "MALLOC_ARENA_MAX": "how memory is shared between threads",
    "MALLOC_MMAP_MAX_": "whether large pieces of memory are fresh each time",
    "MALLOC_MMAP_THRESHOLD_": "from which size on memory is fresh each time",
    "MALLOC_TOP_PAD_": "how much memory is taken at a time",
    "MALLOC_TRIM_THRESHOLD_": "when memory is given back",
    "MALLOC_CONF": "options of jemalloc",
}
"""All recorded settings, by variable; runs under different settings are not comparable."""

OVERRIDDEN: dict[str, str] = {
    "JAX_ENABLE_X64": "sweep, check and calibrate compute in float64 whatever it says; a function of your own heeds it",
    "JAX_PLATFORMS": "sweep, check and calibrate choose the device by --device; a function of your own heeds it",
    "JAX_PLATFORM_NAME": "where JAX computes, if JAX_PLATFORMS does not say; sweep, check and calibrate do",
}
"""Settings that workers set themselves, so that the caller's values change nothing."""

_OFF = frozenset({"", "0", "false", "f", "no", "n", "off"})
"""The values that leave a switch off."""

_SWITCHES = frozenset({*DISTORTING, "JAX_LOG_COMPILES", "PYTHONOPTIMIZE"})

_LONGEST = 200
"""The most letters shown of a value."""


def settings(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings that have a value, sorted by name."""
    return {
        name: _told(name, environment[name])
        for name in sorted(EFFECTS)
        if name in environment and not _is_off(name, environment[name])
    }


def _is_off(name: str, value: str) -> bool:
    return value.strip().lower() in _OFF if name in _SWITCHES else not value.strip()


def _told(name: str, value: str) -> str:
    """A value in one line, without the user's folders."""
    words = re.split(r"[\s:]+" if name.startswith("LD_") else r"\s+", value.strip())
    if name.startswith("LD_"):
        words = [word.rpartition("/")[2] for word in words]
    elif name == "COVERAGE_PROCESS_START":
        words = ["…"]
    text = " ".join(re.sub(r"[^=,;\s]*[/\\][^,;\s]*", "…", word) for word in words)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
