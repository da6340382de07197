"""Activations: an elementwise function together with its derivative, on its own or behind the product of a layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Namespace, Order, Vector
from fwdrev.modes.core.layer import Layer, Linearization
from fwdrev.modes.core.linear_map import Diagonal
from fwdrev.modes.core.structured_map import Zero
from fwdrev.modes.errors import unknown


@dataclass(frozen=True, slots=True, kw_only=True)
class Activation:
    """y = σ(z), elementwise. `slope` writes σ'(z) into its last argument, given z and y = σ(z)."""

    name: str
    function: Callable[[Namespace, AnyArray], AnyArray]
    slope: Callable[[Vector, Vector, Vector], object]


def _tanh_slope(_z: Vector, y: Vector, out: Vector) -> None:
    """1 - y²."""
    np.multiply(y, y, out)
    np.subtract(1, out, out)


def _sigmoid(xp: Namespace, z: AnyArray) -> AnyArray:
    """1 / (1 + e^{-z}), by tanh so that no z overflows."""
    return 0.5 * (1 + xp.tanh(0.5 * z))


def _sigmoid_slope(_z: Vector, y: Vector, out: Vector) -> None:
    """Given y, y (1 - y)."""
    np.subtract(1, y, out)
    np.multiply(y, out, out)


def _softplus_slope(z: Vector, _y: Vector, out: Vector) -> None:
    """Writes the sigmoid of z, which is the slope of softplus."""
    out[...] = _sigmoid(np, z)


ACTIVATIONS: Mapping[str, Activation] = MappingProxyType(
    {
        a.name: a
        for a in (
            Activation(name="tanh", function=lambda xp, z: xp.tanh(z), slope=_tanh_slope),
            Activation(name="sigmoid", function=_sigmoid, slope=_sigmoid_slope),
            Activation(
                name="softplus", function=lambda xp, z: xp.logaddexp(z, xp.zeros_like(z)), slope=_softplus_slope
            ),
            Activation(name="sin", function=lambda xp, z: xp.sin(z), slope=lambda z, _y, out: np.cos(z, out)),
        )
    }
)


def activation(name: str) -> Activation:
    """The activation of that name; raises InputError that lists the known names otherwise."""
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise unknown("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]


@dataclass(frozen=True, slots=True)
class Activate(Layer):
    """x^{k+1} = σ(x^k) with n entries and no parameters; J_x is diagonal."""

    n: int
    sigma: Activation

    @property
    def n_in(self) -> int:
        """n, the size of the state."""
        return self.n

    @property
    def n_out(self) -> int:
        """n, the size of the state."""
        return self.n

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """σ(x)."""
        return self.sigma.function(x.__array_namespace__(), x)

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> "_ActivateLinearization":
        """A workspace of n slopes."""
        return _ActivateLinearization(self, dtype)


class _ActivateLinearization(Linearization):
    __slots__ = ("_layer", "_slopes")

    def __init__(self, layer: Activate, dtype: np.dtype[Any]) -> None:
        self._layer = layer
        self._slopes = np.empty(layer.n, dtype)
        self.J_x = Diagonal(self._slopes)
        self.J_theta = Zero(layer.n, 0, dtype)

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        sigma = self._layer.sigma
        y: Vector = sigma.function(np, x)
        sigma.slope(x, y, self._slopes)
        return y
