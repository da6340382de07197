"""Explains why JAX cannot trace a user's function, and what to write instead: one line for each cause."""

import sys
import sysconfig
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import jax

from fwdrev.modes.errors import InputError, Raised, attempt

T = TypeVar("T")

_ADVICE: tuple[tuple[type[Exception], str], ...] = (
    (
        jax.errors.TracerBoolConversionError,
        "branches on a value (if, while, and, or, assert): use jax.numpy.where, lax.cond or lax.while_loop instead",
    ),
    (
        jax.errors.TracerArrayConversionError,
        "hands a traced value to NumPy: use jax.numpy (import jax.numpy as jnp) instead of numpy",
    ),
    (
        jax.errors.NonConcreteBooleanIndexError,
        "selects entries by a mask, so that a shape depends on values: use jax.numpy.where instead",
    ),
    (
        jax.errors.UnexpectedTracerError,
        "keeps a traced value from one call for another (a global, an attribute): return it instead",
    ),
    (
        jax.errors.ConcretizationTypeError,
        "makes a Python number of a traced value (float(), int(), item(), range(), math): use jax.numpy instead",
    ),
)
"""The first match wins: later entries are more general."""

_INSTALLED = tuple({Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "purelib", "platlib")})

_OURS = tuple({(Path(__file__).parents[1] / name).resolve() for name in (".", "modes", "bench", "results", "plots")})
"""The folders of our own code, some of which are links in a checkout."""


def explained(call: Callable[[], T], name: str, explain: Callable[[str, Exception], str]) -> T:
    """Calls the user's code and returns its result; turns its errors into one InputError, worded by `explain`."""
    found = attempt(call)
    if not isinstance(found, Raised):
        return found
    if isinstance(found.error, InputError):
        raise found.error
    raise InputError(explain(name, found.error)) from None


def untraceable(name: str, error: Exception) -> str:
    """The reason why JAX cannot trace the function of that name, given the error of tracing it."""
    for kind, advice in _ADVICE:
        if isinstance(error, kind):
            return f"{name} {advice}{users_line(error)}"
    return f"{name} cannot be traced by JAX: {said(error)}{users_line(error)}"


def failed(name: str, error: Exception) -> str:
    """The message for a function that itself raises at the given point."""
    if isinstance(error, jax.errors.UnexpectedTracerError):
        return untraceable(name, error)
    advice = "give it inputs that it takes"
    if "torch" in sys.modules and "Tensor" in str(error):
        advice += ": tensors (--torch) for a function of PyTorch, arrays for one of JAX"
    return f"{name} fails at the given point: {said(error)}{users_line(error)}; {advice}"


def said(error: Exception) -> str:
    """The type of an error and the first paragraph of its text: JAX goes on for a page."""
    text = str(error).strip().split("\n\n")[0]
    return f"{type(error).__name__}: {' '.join(text.split())}"


def users_line(error: Exception) -> str:
    """` (model.py, line 3)`: the last line in the traceback that is neither a library's nor ours, if there is one."""
    if isinstance(error, SyntaxError) and error.filename and _is_users(error.filename):
        return f" ({Path(error.filename).name}, line {error.lineno})"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if _is_users(frame.filename):
            return f" ({Path(frame.filename).name}, line {frame.lineno})"
    return ""


def _is_users(file: str) -> bool:
    path = Path(file).resolve()
    return path.is_file() and not any(path.is_relative_to(folder) for folder in (*_OURS, *_INSTALLED))
