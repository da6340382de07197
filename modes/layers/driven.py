"""`Driven`: the layer `tanh(A x + B θ + c)`, whose sizes (state, parameters, output) are all free."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Order, Vector
from fwdrev.modes.core.layer import Layer, Linearization
from fwdrev.modes.core.linear_map import Diagonal, Scaled
from fwdrev.modes.errors import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Driven(Layer):
    """x^{k+1} = tanh(A x^k + B θ^k + c).

    A is (n_out, n_in), B is (n_out, p), c is (n_out,); J_x = diag(d) A and J_θ = diag(d) B with d = 1 - (x^{k+1})².
    """

    A: AnyArray
    B: AnyArray
    c: AnyArray

    def __post_init__(self) -> None:
        """Raises InputError unless A, B and c have the same number of rows."""
        rows = (self.A.shape[0], self.B.shape[0], self.c.shape[0])
        if len(set(rows)) > 1:
            msg = f"Driven: A, B and c have {rows} rows; give all three the same number (the layer's outputs)"
            raise InputError(msg)

    @property
    def n_in(self) -> int:
        """The number of columns of A."""
        return int(self.A.shape[1])

    @property
    def n_out(self) -> int:
        """The number of rows of A."""
        return int(self.A.shape[0])

    @property
    def n_params(self) -> int:
        """The number of columns of B."""
        return int(self.B.shape[1])

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """tanh(A x + B θ + c)."""
        return x.__array_namespace__().tanh(self.A @ x + self.B @ theta + self.c)

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> "_DrivenLinearization":
        """A workspace of n_out slopes, shared by J_x and J_θ."""
        return _DrivenLinearization(self, dtype, order)


class _DrivenLinearization(Linearization):
    """Keeps ( A │ B │ c ) and (x, θ, 1) side by side, so that the argument of tanh is a single product.

    The maps hold their own copies of A and B: inside the wide matrix, their rows would lie too far apart.
    """

    __slots__ = ("_d", "_ones", "_theta", "_v", "_weights", "_x")

    def __init__(self, layer: Driven, dtype: np.dtype[Any], order: Order) -> None:
        n, p = layer.n_in, layer.n_params
        self._weights = np.asarray(np.column_stack([layer.A, layer.B, layer.c]), dtype, order=order)
        self._v = np.ones(n + p + 1, dtype)
        self._x, self._theta = self._v[:n], self._v[n : n + p]
        self._d = np.empty(layer.n_out, dtype)
        self._ones = np.ones(layer.n_out, dtype)
        S = Diagonal(self._d)
        self.J_x = Scaled(S, np.asarray(layer.A, dtype, order=order))
        self.J_theta = Scaled(S, np.asarray(layer.B, dtype, order=order))

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        d = self._d
        self._x[:] = x
        self._theta[:] = theta
        y: Vector = self._weights.dot(self._v)
        np.tanh(y, y)
        np.multiply(y, y, d)
        np.subtract(self._ones, d, d)  # an array of ones: NumPy takes as long to convert the number 1 as to subtract
        return y
