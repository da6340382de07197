"""What is known of a machine that measures: its facts, and rounds of its noise."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Blas", "Frequency", "Machine", "NoiseRound", "PyperfSays", "Timer", "Xla"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frequency:
    """The governors of all processors, each once, and whether turbo is on; empty and None where it cannot be seen."""

    governors: tuple[str, ...]
    turbo: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """Seconds: the smallest step of the clock that was seen, and what a reading costs."""

    resolution: float
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Blas:
    """Its name and version, the threads that a worker tells it to use, and settings of the caller's environment."""

    name: str
    threads: int
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Xla:
    """JAX's version and devices, or the problem with it."""

    version: str
    devices: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PyperfSays:
    """What the stock `pyperf system show` says, or why it says nothing."""

    advices: tuple[str, ...]
    warnings: tuple[str, ...]
    problem: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """All of it; `load` is the average of the last minute, None where the system does not say.

    `quota`: of how many processors the time may be used, None without a limit; `settings`: those of the environment
    that change what is measured; `overridden`: those that workers set themselves.
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
    """One process: seconds per call of the two arms, block by block, and the seconds from its start to its end."""

    a: tuple[float, ...]
    b: tuple[float, ...]
    pinned: bool
    seconds: float
