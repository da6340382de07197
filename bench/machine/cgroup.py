"""Control groups: what those that this process is in, one inside the other, leave it of memory and of processors.

The tightest counts, wherever it is on the way from the group of the process to the root: a container that sees the
whole machine under /sys/fs/cgroup, a service, a batch job. Versions 1 and 2, and both at once. What cannot be read does
not limit.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import TypeVar

_MOST = 2**60
"""Bytes, or processors: version 1 says 2⁶³, less a page, for "no limit"."""

_UNIFIED, _USUAL = "", "sys/fs/cgroup"
"""The controllers of version 2 in /proc/self/cgroup, and where hierarchies are mounted by default."""

N = TypeVar("N", int, float)


def memory_left(root: Path = Path("/")) -> int | None:
    """Bytes that may still be taken before the tightest limit is reached; None without one.

    Pages of files that the kernel would drop first are not counted as taken, as Docker and Kubernetes have it.
    """
    return _tightest(root, "memory", _memory_left)


def cpu_quota(root: Path = Path("/")) -> float | None:
    """How many processors' time may be used, such as 0.5; None without a limit."""
    return _tightest(root, "cpu", _cpu_quota)


def _memory_left(group: Path) -> Iterator[int]:
    stat = text_of(group / "memory.stat").split()
    kinds = dict(zip(stat[::2], stat[1::2], strict=False))
    for limits, usage, idle in (
        (("memory.max", "memory.high"), "memory.current", "inactive_file"),
        (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file"),
    ):
        limit = min((each for name in limits for each in _numbers(group / name)[:1]), default=_MOST)
        if limit < _MOST:
            dropped = int(kinds.get(idle, "0"))
            yield max(0, limit - sum(max(0, each - dropped) for each in _numbers(group / usage)[:1]))


def _cpu_quota(group: Path) -> Iterator[float]:
    """Microseconds of each period; "max" or -1 for as many as there are."""
    second = _numbers(group / "cpu.max")
    first = _numbers(group / "cpu.cfs_quota_us") + _numbers(group / "cpu.cfs_period_us")
    for found in (second, first):
        match found:
            case [quota, period] if quota > 0 < period:
                yield quota / period


def _tightest(root: Path, controller: str, limits: Callable[[Path], Iterator[N]]) -> N | None:
    return min((limit for group in _groups(root, controller) for limit in limits(group)), default=None)


def _groups(root: Path, controller: str) -> Iterator[Path]:
    """The folder of each group that this process is in, from its own to that which is mounted."""
    paths = _paths(root, controller)
    usual = ((_UNIFIED, ""), (_UNIFIED, "unified"), (controller, controller), (controller, ""))
    by_default = [(root / _USUAL / folder, PurePosixPath("/"), names) for names, folder in usual]
    for place, top, names in _mounts(root, controller) or by_default:
        path = paths.get(names, PurePosixPath("/"))
        # a container's mount may be of its own group, which the path still names; nothing above a mount is seen
        below = path.relative_to(top if path.is_relative_to(top) else "/")
        parts = [part for part in below.parts if part != ".."]
        yield from (place.joinpath(*parts[:length]) for length in range(len(parts), -1, -1))


def _paths(root: Path, controller: str) -> dict[str, PurePosixPath]:
    """By hierarchy: `controller`, or `_UNIFIED`; from lines `id:controllers:path`."""
    paths: dict[str, PurePosixPath] = {}
    for line in text_of(root / "proc/self/cgroup").splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        if path.startswith("/") and (names == _UNIFIED or controller in names.split(",")):
            paths[names and controller] = PurePosixPath(path)
    return paths


def _mounts(root: Path, controller: str) -> list[tuple[Path, PurePosixPath, str]]:
    """Where the hierarchies are mounted, and what part of each: from lines `… top place … - type source options`."""
    mounts: list[tuple[Path, PurePosixPath, str]] = []
    for line in text_of(root / "proc/self/mountinfo").splitlines():
        before, _, after = line.partition(" - ")
        (_, _, _, top, place), (kind, _, options) = [*before.split(), *"....."][:5], [*after.split(), *"..."][:3]
        if kind == "cgroup2" or (kind == "cgroup" and controller in options.split(",")):
            names = _UNIFIED if kind == "cgroup2" else controller
            mounts.append((root / _plain(place).lstrip("/"), PurePosixPath(_plain(top)), names))
    return mounts


def _plain(place: str) -> str:
    """The place, in which spaces and the like are written as octal numbers."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), place)


def _numbers(path: Path) -> list[int]:
    """The numbers in a file, unless it begins with "max"."""
    words = text_of(path).split()
    return [int(word) for word in words if re.fullmatch(r"-?[0-9]{1,19}", word)] if words[:1] != ["max"] else []


def text_of(path: Path) -> str:
    """The text of a system's file, empty where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):  # a path from a file may hold anything, such as a null
        return ""
