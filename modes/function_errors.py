"""Why JAX cannot trace a user's function, and what to write instead: one line for each way to go wrong."""

import sys
import sysconfig
import traceback
from pathlib import Path

import jax

__all__ = ["failed", "untraceable"]

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
"""The first that fits is told: the later ones are more general."""

_INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))


def untraceable(name: str, error: Exception) -> str:
    """Why JAX cannot trace the function of that name, given what tracing it raised."""
    for kind, advice in _ADVICE:
        if isinstance(error, kind):
            return f"{name} {advice}{_place(error)}"
    return f"{name} cannot be traced by JAX: {_said(error)}{_place(error)}"


def failed(name: str, error: Exception) -> str:
    """That calling it raised something of its own."""
    advice = "give it inputs that it takes"
    if "torch" in sys.modules and "Tensor" in str(error):
        advice += ": tensors (--torch) for a function of PyTorch, arrays for one of JAX"
    return f"{name} fails at the given point: {_said(error)}{_place(error)}; {advice}"


def _said(error: Exception) -> str:
    """The first paragraph of what it says: JAX goes on for a page."""
    text = str(error).strip().split("\n\n")[0]
    return f"{type(error).__name__}: {' '.join(text.split())}"


def _place(error: Exception) -> str:
    """The last line of code in the traceback that belongs to nobody's library."""
    own = str(Path(__file__).parent)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = str(Path(frame.filename).resolve())
        if not path.startswith((own, *_INSTALLED)) and Path(path).is_file():
            return f" ({Path(path).name}, line {frame.lineno})"
    return ""
