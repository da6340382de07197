"""Loss layers: they end a chain with a single number, so that its Jacobian is a gradient."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Order, Vector
from fwdrev.modes.core.layer import Layer, Linearization
from fwdrev.modes.core.linear_map import Full
from fwdrev.modes.core.structured_map import Zero


@dataclass(frozen=True, slots=True, eq=False)
class _Loss(Layer):
    """Maps the state to one number, shape (1,), given a fixed target of the state's size, (n,)."""

    target: AnyArray

    @property
    def n_in(self) -> int:
        """The size of the target."""
        return int(self.target.shape[0])

    @property
    def n_out(self) -> int:
        """Always 1: a scalar loss."""
        return 1

    def slope(self, x: Vector, out: Vector) -> None:
        """Write the gradient with respect to x, (n,), into `out`."""
        raise NotImplementedError

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> "_LossLinearization":
        """A workspace of one row."""
        return _LossLinearization(self, dtype)


class _LossLinearization(Linearization):
    __slots__ = ("_layer", "_row")

    def __init__(self, layer: _Loss, dtype: np.dtype[Any]) -> None:
        self._layer = layer
        self._row = np.empty((1, layer.n_in), dtype)
        self.J_x = Full(self._row)
        self.J_theta = Zero(1, 0, dtype)

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        self._layer.slope(x, self._row[0])
        y: Vector = np.asarray(self._layer.value(x, theta), self._row.dtype)
        return y


class SquaredError(_Loss):
    """½ ‖x - t‖², t the target; its gradient is x - t."""

    __slots__ = ()

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """½ ‖x - t‖², shape (1,)."""
        e = x - self.target
        return 0.5 * (e @ e).reshape(1)

    def slope(self, x: Vector, out: Vector) -> None:
        """x - t."""
        np.subtract(x, self.target, out)


class SoftmaxCrossEntropy(_Loss):
    """-Σ t_i log softmax(x)_i, the target t a distribution; its gradient is softmax(x) Σt - t."""

    __slots__ = ()

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """log Σ exp(x_i) Σt - t·x, shape (1,), shifted by the largest x_i so that nothing overflows."""
        xp = x.__array_namespace__()
        top = xp.max(x)
        log_sum = xp.log(xp.sum(xp.exp(x - top))) + top
        return (log_sum * xp.sum(self.target) - self.target @ x).reshape(1)

    def slope(self, x: Vector, out: Vector) -> None:
        """softmax(x) Σt - t."""
        np.exp(x - x.max(), out)
        np.multiply(out, self.target.sum() / out.sum(), out)
        np.subtract(out, self.target, out)
