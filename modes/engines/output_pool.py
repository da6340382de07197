"""The memory of results, used again as soon as the caller has let go of it.

The fresh pages of a 32 MB result cost as much as its arithmetic. So the pool keeps two results and hands out the one
that nobody else refers to any more (views count: they refer to the array). If somebody refers to both, a new array
takes the place of the older. A result that is still in use is never overwritten.
"""

import sys
from collections.abc import Callable
from typing import Generic, TypeVar

from fwdrev.modes.core.arrays import Matrix

__all__ = ["ResultPool"]

Rooms = TypeVar("Rooms")

# Without the global interpreter lock a reference count is not exact, so nothing is used twice there.
_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class ResultPool(Generic[Rooms]):
    """Hands out an array with the `rooms` that `furnish` cuts from it: views to write the parts into."""

    __slots__ = ("_allocate", "_furnish", "_idle", "_slots")

    def __init__(self, allocate: Callable[[], Matrix], furnish: Callable[[Matrix], Rooms]) -> None:
        """`allocate` returns an array that owns its memory, since views refer to the owner; nothing is called yet."""
        self._allocate = allocate
        self._furnish = furnish
        self._slots: list[tuple[Matrix, Rooms]] = []
        self._idle = 0

    def take(self) -> tuple[Matrix, Rooms]:
        """An array that nobody else refers to, contents undefined, and its rooms."""
        for slot in self._slots:
            if sys.getrefcount(slot[0]) == self._idle and _COUNTS_ARE_EXACT:
                return slot
        J = self._allocate()
        slot = (J, self._furnish(J))
        del J
        self._idle = sys.getrefcount(slot[0])
        self._slots = [*self._slots[-1:], slot]
        return slot
