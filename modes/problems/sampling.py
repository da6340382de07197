"""The random vectors and matrices that problems are made of."""

from collections.abc import Iterable

import numpy as np

from fwdrev.modes.core.arrays import Matrix, Vector

Rng = np.random.Generator

Precision = np.dtype[np.floating]
"""The dtype of problems: float32 or float64."""


def vector(rng: Rng, size: int, dtype: Precision) -> Vector:
    """A normal vector of variance 1."""
    return rng.standard_normal(size).astype(dtype)


def matrix(rng: Rng, rows: int, columns: int, dtype: Precision) -> Matrix:
    """A normal matrix of variance 1 / columns, so that products of many keep their size."""
    made: Matrix = (rng.standard_normal((rows, columns)) / np.sqrt(max(columns, 1))).astype(dtype)
    return made


def weights(rng: Rng, layers: Iterable[tuple[int, int]], dtype: Precision) -> Vector:
    """The parameters of layers, each with variance 1 / (inputs + 1), so that all values are of order one.

    `layers`: for each, its number of parameters, and the number of terms in one of its outputs.
    """
    return np.concatenate([vector(rng, params, dtype) / dtype.type(np.sqrt(inputs + 1)) for params, inputs in layers])
