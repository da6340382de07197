"""Checks, before anything is timed, that both sides of an arm compute the same, and the right thing.

Each side reports J · v for the same random v, and central difference quotients of the function's own value in the same
direction, for two steps. A quotient needs no second derivative program and no fwdrev of any revision. A result may have
fewer digits than the cell's type, and where one side's has a NaN or an infinity, so has the other's.
"""

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from fwdrev.bench.workers.reference_check import TOLERANCE
from fwdrev.modes.core.arrays import Vector

_QUOTIENT = {"float64": 1e-3, "float32": 5e-2}
"""The tolerance, relative in the norm, between a correct Jacobian and a difference quotient, with a wide margin."""

_TOLERANCE = {**TOLERANCE, "float16": 2e-2, "bfloat16": 0.1, "complex64": TOLERANCE["float32"]}
"""The relative tolerance of results by type: for short types, twenty times the last digit."""

_ALL_THE_SAME = " (--allow-different-results times it all the same)"


def wrong(answer: Mapping[str, Any], dtype: str) -> str | None:
    """The reason why a side's Jacobian cannot be right, or None; near a kink, one of the two steps may be off."""
    product = _vector(answer["product"])
    errors = [_apart(product, _vector(text)) for text in answer["quotients"]]
    if not errors or min(errors) <= max(_QUOTIENT[dtype], _tolerance(answer, dtype)):
        return None
    return f"its Jacobian differs from difference quotients by {min(errors):.1e}, relatively"


def disagreement(
    base: Mapping[str, Any], head: Mapping[str, Any], dtype: str, tolerance: float | None = None
) -> tuple[str | None, float | None]:
    """The reason why head cannot be compared with base, or None; and their difference if `tolerance` is given.

    `tolerance`: relative; infinite allows any difference; None: the type's own, with equal inputs required.
    """
    if tolerance is None and base.get("inputs") != head.get("inputs"):
        return f"its inputs are not base's: the point has changed{_ALL_THE_SAME}", None
    error = _apart(_vector(head["product"]), _vector(base["product"]))
    why = None if tolerance == np.inf else _difference(base, head, error, _tolerance(base, dtype), tolerance)
    return (None if why is None else f"{why}{_ALL_THE_SAME}"), (None if tolerance is None else error)


def _difference(
    base: Mapping[str, Any], head: Mapping[str, Any], error: float, rounding: float, tolerance: float | None
) -> str | None:
    """The first difference between the results."""
    sizes = [_vector(answer["product"]).size for answer in (base, head)]
    if sizes[0] != sizes[1]:
        return f"it returns {sizes[1]} numbers, base returns {sizes[0]}"
    kinds = [str(answer.get("kind")) for answer in (base, head)]
    if kinds[0] != kinds[1] and tolerance is None:
        return f"it returns {kinds[1]}, base returns {kinds[0]}"
    allowed = rounding if tolerance is None else tolerance
    if error <= allowed:
        return None
    if error == np.inf:
        return "its results are not finite where base's are, or the other way round"
    return f"its results differ from base's by {error:.1e}, relatively; allowed are {allowed:.0e}"


def _tolerance(answer: Mapping[str, Any], dtype: str) -> float:
    """The tolerance of the cell's type, or of the result's type if that has fewer digits."""
    return max(_TOLERANCE.get(str(answer.get("kind")), 0.0), TOLERANCE[dtype])


def _vector(text: str) -> Vector:
    return np.frombuffer(base64.b64decode(text), "<f8")


def _apart(given: Vector, expected: Vector) -> float:
    """The difference relative to the norm, where both are finite; infinite if shapes, NaNs or infinities differ."""
    if given.shape != expected.shape:
        return np.inf
    finite = np.isfinite(expected)
    if not np.array_equal(given[~finite], expected[~finite], equal_nan=True) or not np.isfinite(given[finite]).all():
        return np.inf
    largest = float(np.max(np.abs(expected[finite]), initial=0)) or 1.0  # squares may overflow
    one, other = given[finite] / largest, expected[finite] / largest
    return float(np.linalg.norm(one - other)) / (float(np.linalg.norm(other)) or 1.0)
