"""Whether the two sides of an arm compute the same, and what is right: asked before anything is timed.

Each side tells J · v for the same random v, and central difference quotients of the function's own value in the same
direction, for two steps. A quotient needs no second derivative program and no fwdrev of any revision.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from fwdrev.bench.check import TOLERANCE
from fwdrev.modes.arrays import Vector

__all__ = ["disagreement", "wrong"]

_QUOTIENT = {"float64": 1e-3, "float32": 5e-2}
"""Relative, in the norm: what a difference quotient says of a Jacobian that is right, with a wide margin."""


def wrong(answer: Mapping[str, Any], dtype: str) -> str | None:
    """Why the Jacobian of one side cannot be right, or None; near a kink one of the two steps may be off."""
    product = _vector(answer["product"])
    errors = [_apart(product, _vector(text)) for text in answer["quotients"]]
    if not errors or min(errors) <= _QUOTIENT[dtype]:
        return None
    return f"its Jacobian differs from difference quotients by {min(errors):.1e}, relatively"


def disagreement(base: Mapping[str, Any], head: Mapping[str, Any], dtype: str) -> str | None:
    """Why the results of the two sides are not the same, or None."""
    one, other = _vector(base["product"]), _vector(head["product"])
    if one.shape != other.shape:
        return f"the sides differ: base has {one.size} rows, head has {other.size}"
    error = _apart(other, one)
    return None if error <= TOLERANCE[dtype] else f"the sides differ by {error:.1e}, relatively"


def _vector(text: str) -> Vector:
    return np.frombuffer(base64.b64decode(text), "<f8")


def _apart(given: Vector, expected: Vector) -> float:
    """Infinite for another shape, or NaN."""
    if given.shape != expected.shape:
        return np.inf
    scale = float(np.linalg.norm(expected)) or 1.0
    error = float(np.linalg.norm(given - expected)) / scale
    return error if np.isfinite(error) else np.inf
