"""What a line of code can call a function: a name that stands for that very object where the code goes."""

import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any, cast

from fwdrev.modes.errors import Raised, attempt

_BETWEEN = frozenset({"fwdrev", "jaxtyping", "beartype"})
"""Packages between the caller and us; some check types."""


def caller() -> FrameType:
    """The frame from which our function was called."""
    frame = cast("FrameType", inspect.currentframe())  # CPython has one
    while frame.f_back is not None and _package(frame) in _BETWEEN:
        frame = frame.f_back
    return frame


def _package(frame: FrameType) -> str:
    if "<@beartype" in frame.f_code.co_filename:
        return "beartype"
    return str(frame.f_globals.get("__name__")).split(".")[0]


class Names:
    """The names that a frame sees, and those of the modules that functions come from."""

    def __init__(self, frame: FrameType) -> None:
        """Variables of the frame come before those of its module."""
        self._seen: list[Mapping[str, Any]] = [dict(frame.f_locals), frame.f_globals]

    def of(self, function: object, otherwise: str) -> str:
        """A name of that function, dotted if it is in something that has a name; `otherwise` where there is none.

        Its own `__name__` is not asked for more than a hint: jax.grad(E), a wrapper and a method of another object all
        have that of something else.
        """
        if not callable(function):
            return otherwise
        return next(self._candidates(function), otherwise)

    def title(self, function: object) -> str:
        """That name, or for a function without one the place where it is written: `lambda (model.py, line 3)`."""
        known = self.of(function, "")
        code = getattr(function, "__code__", None)
        if known or not isinstance(code, CodeType):
            return known or "f"
        return f"{code.co_name.strip('<>')} ({Path(code.co_filename).name}, line {code.co_firstlineno})"

    def _candidates(self, function: object) -> Iterator[str]:
        """The best first; each of them stands for the function."""
        own = str(getattr(function, "__name__", ""))
        for names in self._seen:
            if _is(names.get(own), function):
                yield own
        for names in self._seen:
            yield from (name for name, value in _public(names) if value is function)
        owner = getattr(function, "__self__", None)
        for names in self._seen:
            for name, value in _public(names):
                if (value is owner or isinstance(value, ModuleType)) and _is(_reached(value, own), function):
                    yield f"{name}.{own}"
        home = sys.modules.get(str(getattr(function, "__module__", "")))
        path = str(getattr(function, "__qualname__", ""))
        for names in self._seen:
            if _is(_path(names, path), function):
                yield path
        if home is not None and _is(_path(vars(home), path), function):
            yield path


def _is(value: object, function: object) -> bool:
    """Whether they are the same; a bound method is a new object each time."""
    if value is function:
        return True
    owner = getattr(function, "__self__", None)
    same = owner is not None and getattr(value, "__self__", None) is owner
    return same and getattr(value, "__func__", None) is getattr(function, "__func__", function)


def _public(names: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, value) for name, value in names.items() if not name.startswith("_") and name.isidentifier())


def _path(names: Mapping[str, Any], path: str) -> object:
    """What a dotted path stands for."""
    first, *rest = path.split(".")
    value = names.get(first)
    for part in rest:
        value = _reached(value, part)
    return value


def _reached(value: object, name: str) -> object:
    """An attribute, or None; a module is not asked to load one, and a user's object may raise anything."""
    found = attempt(lambda: vars(value).get(name) if isinstance(value, ModuleType) else getattr(value, name, None))
    return None if isinstance(found, Raised) else found
