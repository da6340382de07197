"""Reuses the memory of result arrays once the caller no longer refers to them.

Fresh pages for a 32 MB result cost as much as its arithmetic. So the pool keeps two results and hands out one
that nothing else refers to (a view counts as a reference). If both are in use, a new array replaces
the older one. The pool never overwrites a result in use.
"""

import sys
from collections.abc import Callable
from typing import Generic, TypeVar

from fwdrev.modes.core.arrays import Matrix

Views = TypeVar("Views")

# Without the global interpreter lock, reference counts are not exact, so the pool reuses nothing there.
_COUNTS_ARE_EXACT = sys.implementation.name == "cpython" and getattr(sys, "_is_gil_enabled", lambda: True)()


class OutputPool(Generic[Views]):
    """Hands out an array together with the views that `make_views` cuts from it, to write the parts into."""

    __slots__ = ("_allocate", "_idle", "_make_views", "_slots")

    def __init__(self, allocate: Callable[[], Matrix], make_views: Callable[[Matrix], Views]) -> None:
        """`allocate` must return an array that owns its memory, since views refer to the owner; it is called later."""
        self._allocate = allocate
        self._make_views = make_views
        self._slots: list[tuple[Matrix, Views]] = []
        self._idle = 0

    def take(self) -> tuple[Matrix, Views]:
        """Returns an array that nothing else refers to, with undefined contents, and its views."""
        for slot in self._slots:
            if sys.getrefcount(slot[0]) == self._idle and _COUNTS_ARE_EXACT:
                return slot
        J = self._allocate()
        slot = (J, self._make_views(J))
        del J
        self._idle = sys.getrefcount(slot[0])
        self._slots = [*self._slots[-1:], slot]
        return slot
