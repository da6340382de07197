"""Types of the arrays that engines take and return; shapes are checked in tests, never while timing."""

from typing import Any, Literal

import numpy as np
from jaxtyping import Shaped

Matrix = Shaped[np.ndarray, "_ _"]
"""A NumPy matrix of floats (of counting numbers, where a test counts operations) of any shape."""

Vector = Shaped[np.ndarray, " _"]
"""A NumPy vector of floats (or of counting numbers)."""

Order = Literal["C", "F"]
"""Memory order: by rows (C) or by columns (F)."""

Namespace = Any
"""The functions of NumPy or of JAX: what `x.__array_namespace__()` returns."""

AnyArray = Any
"""An array of NumPy or of JAX: what the array API standard calls an array. It has no type of its own yet."""


def order(rows: int, columns: int) -> Order:
    """How to store a matrix: a tall one by columns, since a loop over each of its short rows costs more than it does.

    All that is written into one matrix should be stored in its order (measured: up to twice as fast).
    """
    return "F" if rows > columns else "C"


def empty(rows: int, columns: int, dtype: np.dtype[Any], stored: Order, memory: Vector | None = None) -> Matrix:
    """An uninitialised matrix stored in that order, at the front of `memory` if given."""
    if memory is None:
        return np.empty((rows, columns), dtype, order=stored)
    return memory[: rows * columns].reshape(rows, columns, order=stored)
