"""The ledger: which arm a worker runs and the time each has used, kept where it outlives the worker.

When a worker with several arms dies or hangs, we must know which arm it ran. The worker notes that in a
small file that both processes map: a microsecond without a system call between timed blocks, and it survives a SIGKILL.
A side of a comparison has no ledger: each question to it is about one arm.
"""

import mmap
import struct
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter

_HEAD = struct.Struct("=id")
"""The index of the running arm, or -1, and the clock when it began."""

_USED = struct.Struct("=d")
"""The seconds that an arm has used in this cell."""


class Ledger:
    """A file with one entry for each arm; its clock is the machine's."""

    def __init__(self, path: Path, arms: Sequence[str]) -> None:
        """Opens or makes the file; no arm is running yet."""
        self._arms = list(arms)
        size = _HEAD.size + _USED.size * len(self._arms)
        if not path.exists():
            # write every byte: on a full disk, a hole in a mapped file would end the process by SIGBUS
            path.write_bytes(_HEAD.pack(-1, 0.0) + bytes(size - _HEAD.size))
        with path.open("r+b") as stream:
            self._map = mmap.mmap(stream.fileno(), size)

    def close(self) -> None:
        """Close the mapping; the file stays."""
        self._map.close()

    def clear(self) -> None:
        """Start a new cell."""
        self._map[:] = _HEAD.pack(-1, 0.0) + bytes(len(self._map) - _HEAD.size)

    def enter(self, arm: str | None) -> None:
        """Note that this arm runs from now on, or none."""
        now = perf_counter()
        index, since = _HEAD.unpack_from(self._map)
        if index >= 0:
            _USED.pack_into(self._map, self._at(index), self._used(index) + now - since)
        _HEAD.pack_into(self._map, 0, -1 if arm is None else self._arms.index(arm), now)

    @property
    def running(self) -> str | None:
        """The arm that ran last."""
        index, _ = _HEAD.unpack_from(self._map)
        return self._arms[index] if index >= 0 else None

    @property
    def longest(self) -> str | None:
        """The arm that has used most of the cell's time so far; None if no arm has run."""
        index, since = _HEAD.unpack_from(self._map)
        used = [self._used(i) + (perf_counter() - since if i == index else 0.0) for i in range(len(self._arms))]
        most = max(used, default=0.0)
        return self._arms[used.index(most)] if most > 0 else None

    def _used(self, index: int) -> float:
        (seconds,) = _USED.unpack_from(self._map, self._at(index))
        return float(seconds)

    def _at(self, index: int) -> int:
        return _HEAD.size + _USED.size * index
