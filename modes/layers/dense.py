"""`Dense`: the layer `W x + b` of a network, with weights and bias as its parameters."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Order, Vector
from fwdrev.modes.core.layer import Layer, Linearization
from fwdrev.modes.core.linear_map import Full
from fwdrev.modes.core.structured_map import Outer


@dataclass(frozen=True, slots=True)
class Dense(Layer):
    """x^{k+1} = W x^k + b, where θ^k = (W by rows, b).

    J_x = W, and J_θ = ( I ⊗ xᵀ │ I ) is kept as that product, never formed: one turn of the D recursion takes
    r·n_out·n_in multiply–adds for it, not n_out times as many.
    """

    inputs: int
    outputs: int

    @property
    def n_in(self) -> int:
        """The number of columns of W."""
        return self.inputs

    @property
    def n_out(self) -> int:
        """The number of rows of W."""
        return self.outputs

    @property
    def n_params(self) -> int:
        """The number of entries of W and b."""
        return self.outputs * (self.inputs + 1)

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """W x + b."""
        weights = self.outputs * self.inputs
        return theta[:weights].reshape(self.outputs, self.inputs) @ x + theta[weights:]

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> "_DenseLinearization":
        """A workspace that refers to x and θ and holds no memory of its own."""
        return _DenseLinearization(self, dtype)


class _DenseLinearization(Linearization):
    __slots__ = ("_shape", "_weights")

    J_x: Full
    J_theta: Outer

    def __init__(self, layer: Dense, dtype: np.dtype[Any]) -> None:
        self._shape = (layer.outputs, layer.inputs)
        self._weights = layer.outputs * layer.inputs
        self.J_x = Full(np.broadcast_to(np.zeros((), dtype), self._shape))
        self.J_theta = Outer(np.broadcast_to(np.zeros((), dtype), layer.inputs), layer.outputs)

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        W = theta[: self._weights].reshape(self._shape)
        self.J_x.M = W
        self.J_theta.x = x
        y: Vector = W.dot(x)
        y += theta[self._weights :]
        return y
