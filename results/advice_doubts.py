"""Whether a Jacobian is what the function's differences show: how to compute it matters little if it is wrong."""

from collections.abc import Sequence

import numpy as np

from fwdrev.bench.trials import Facts

__all__ = ["doubt"]

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
