"""The random vectors and matrices that problems are made of."""

from collections.abc import Iterable

import numpy as np

from fwdrev.modes.core.arrays import Matrix, Vector

Rng = np.random.Generator

Precision = np.dtype[np.floating]
"""float32 or float64."""


def vector(rng: Rng, size: int, dtype: Precision) -> Vector:
    """Of variance 1."""
    return rng.standard_normal(size).astype(dtype)


def matrix(rng: Rng, rows: int, columns: int, dtype: Precision) -> Matrix:
    """Of variance 1 / columns, so that products of many keep their size."""
    made: Matrix = (rng.standard_normal((rows, columns)) / np.sqrt(max(columns, 1))).astype(dtype)
    return made


def weights(rng: Rng, layers: Iterable[tuple[int, int]], dtype: Precision) -> Vector:
    """The parameters of layers, each of variance 1 / (inputs + 1), so that the values of all are of order one.

    `layers`: how many parameters each has, and how many numbers one of its outputs is a sum of.
    """
    return np.concatenate([vector(rng, params, dtype) / dtype.type(np.sqrt(inputs + 1)) for params, inputs in layers])
