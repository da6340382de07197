"""Sizes of what a jaxpr computes with: variables, literals, and tokens, which have no shape."""

import math
from typing import Any

__all__ = ["bytes_of", "shape_of", "size_of"]


def shape_of(variable: Any) -> tuple[int, ...]:  # noqa: ANN401 - a variable or a literal; a token has no shape
    """Of an array."""
    return tuple(getattr(variable.aval, "shape", ()))


def size_of(variable: Any) -> int:  # noqa: ANN401
    """How many numbers it holds."""
    return math.prod(shape_of(variable))


def bytes_of(variable: Any) -> int:  # noqa: ANN401
    """Of its memory; 0 where its dtype does not tell."""
    return size_of(variable) * int(getattr(getattr(variable.aval, "dtype", None), "itemsize", 0))
