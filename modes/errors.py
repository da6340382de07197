"""The exceptions of fwdrev, in one tree: catch `FwdrevError` for all of them.

Every message says what was given, what is allowed and what to do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeVar

_LONGEST = 100
"""The most letters of a given value that a message shows."""


class FwdrevError(Exception):
    """The base of all errors that fwdrev raises."""


class InputError(FwdrevError, ValueError):
    """A value, a file or an option that cannot be used as given."""


class UnavailableError(FwdrevError, ImportError):
    """An engine that needs a package which is not installed."""


class NothingMeasuredError(FwdrevError):
    """A run without a single usable measurement for what was asked."""


class SurroundingsError(FwdrevError):
    """Measuring lacks disk space, a process or a file; the engine is not at fault."""


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Raised:
    """The error that a call raised instead of returning."""

    error: Exception


def attempt(call: Callable[[], T]) -> T | Raised:
    """Returns the result of `call`, or the error that it raised.

    For code that is not ours: a user's function, another package's engine, or a library that traces them may raise
    anything, and no such error may end the measurement of the others.
    """
    try:
        return call()
    except Exception as error:  # noqa: BLE001 - see above
        return Raised(error)


def unknown(kind: str, given: object, known: Iterable[str]) -> InputError:
    """The error for a name that is not in a closed list; it names the list and the nearest match."""
    names = sorted(known)
    near = get_close_matches(str(given), names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return InputError(f"unknown {kind} {shown(given)}: known are {', '.join(names)}{hint}")


def shown(given: object) -> str:
    """A given value as text for a message, shortened; Python refuses to write numbers of thousands of digits."""
    try:
        text = repr(given)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
