"""Names for the arrays that go through the engines; the shapes are checked while the tests run, never while timing."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

__all__ = ["AnyArray", "Matrix", "Vector"]

Matrix = Shaped[np.ndarray, "rows columns"]
"""A NumPy matrix of floats (of counting numbers, where a test counts operations)."""

Vector = Shaped[np.ndarray, " size"]
"""A NumPy vector of the same."""

AnyArray = Any
"""An array of NumPy or of JAX: what the array API standard calls an array. It has no type of its own yet."""
