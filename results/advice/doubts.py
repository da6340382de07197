"""Whether Jacobians agree, and with the function's differences: how to compute one matters little if it is wrong."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from fwdrev.bench.records.trials import Facts
from fwdrev.modes.core.arrays import Vector

_AGREE = {"float16": 0.2, "bfloat16": 0.2, "float32": 1e-2, "float64": 1e-6}
"""How far products of two Jacobians may differ, relatively: a matrix product on a GPU keeps ten bits of float32."""

_FAR = 0.5
"""Of the largest entry: differences are no better than that where a function is strongly curved or jumps."""


def doubt(facts: Facts, products: Sequence[float]) -> str | None:
    """What is odd about J · v, the first m of the products; None where nothing is.

    Differences that are not finite, or not there, say nothing.
    """
    pushed, expected = np.array(products[: facts.m]), np.array(facts.quotient)
    if not np.isfinite(pushed).all():
        return "the Jacobian has NaN or infinity in it at this point: is it the point that you meant?"
    if expected.shape != pushed.shape or not np.isfinite(expected).all():
        return None
    if not pushed.any() and not expected.any():
        return "the Jacobian is zero at this point: does the function depend on its arguments?"
    if np.max(np.abs(pushed - expected)) <= _FAR * np.max(np.abs(expected)):
        return None
    return (
        "differences of the function do not confirm this Jacobian: look at what has rules of its own (custom_jvp, "
        "custom_vjp, autograd.Function), what cuts derivatives off (stop_gradient, detach, item), and for jumps"
    )


def wrong_arms(facts: Facts, products: Mapping[str, Sequence[float]]) -> dict[str, str]:
    """The arms whose Jacobian differs from that of the one which differences confirm best, and why they are wrong.

    `products` are J · v, then u · J. Where differences are not finite, the first arm is believed.
    """
    vectors = {name: np.array(values) for name, values in products.items()}
    if len(vectors) <= 1:
        return {}
    expected = np.array(facts.quotient)
    believed = min(vectors, key=lambda name: _apart(vectors[name][: facts.m], expected))
    allowed = _AGREE.get(facts.precision or facts.dtype, _AGREE["float16"])
    confirmed = ", which differences confirm" if expected.size and np.isfinite(expected).all() else ""
    reason = (
        f"its Jacobian is not that of {believed}{confirmed}: look at the function's own rules "
        "(custom_jvp, custom_vjp), and for NaN"
    )
    return {name: reason for name, values in vectors.items() if not _apart(values, vectors[believed]) <= allowed}


def _apart(one: Vector, other: Vector) -> float:
    """The largest difference, relative to the largest entry; infinite where NaN or infinity are in different places."""
    if one.shape != other.shape or (np.isfinite(one) != np.isfinite(other)).any():
        return math.inf
    known = np.isfinite(one)
    scale = float(np.max(np.abs(other[known]), initial=0)) or 1.0
    return float(np.max(np.abs(one[known] - other[known]), initial=0)) / scale
