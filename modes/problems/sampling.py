"""The random vectors and matrices that problems are made of."""

import numpy as np

from fwdrev.modes.core.arrays import Matrix, Vector

__all__ = ["Rng", "matrix", "vector"]

Rng = np.random.Generator


def vector(rng: Rng, size: int, dtype: np.dtype[np.floating]) -> Vector:
    """Of variance 1."""
    return rng.standard_normal(size).astype(dtype)


def matrix(rng: Rng, rows: int, columns: int, dtype: np.dtype[np.floating]) -> Matrix:
    """Of variance 1 / columns, so that products of many keep their size."""
    made: Matrix = (rng.standard_normal((rows, columns)) / np.sqrt(max(columns, 1))).astype(dtype)
    return made
