"""Chains: `x^{k+1} = L^k(x^k, θ^k)` for k = 1..l, `f(x, θ) = x^{l+1}`; the function to differentiate.

θ is one flat vector that holds θ^1, θ^2, … one after the other.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from itertools import accumulate, pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from fwdrev.modes.core.arrays import AnyArray, Matrix, Order, Vector
from fwdrev.modes.core.layer import Layer, Linearization
from fwdrev.modes.core.linear_map import LinearMap
from fwdrev.modes.errors import InputError, unknown

_FLOAT64: np.dtype[Any] = np.dtype(np.float64)


class Wrt(StrEnum):
    """The variables to differentiate with respect to."""

    THETA = "theta"
    X = "x"
    BOTH = "both"

    @classmethod
    def _missing_(cls, value: object) -> "Wrt":
        raise unknown("wrt", str(value), [w.value for w in cls])

    @property
    def has_x(self) -> bool:
        """Whether J_x f is asked for; its n_1 columns come first."""
        return self is not Wrt.THETA

    @property
    def has_theta(self) -> bool:
        """Whether J_θ f is asked for; its P columns come last."""
        return self is not Wrt.X


@dataclass(frozen=True)
class Chain:
    """Layers one after the other, computed in one precision; the output of a layer is the input of the next.

    The same layer may occur many times, with its own parameters each time: (step,) * 500.
    """

    layers: tuple[Layer, ...]
    dtype: np.dtype[Any] = _FLOAT64

    def __post_init__(self) -> None:
        """Raises InputError unless the sizes of neighbours fit."""
        object.__setattr__(self, "layers", tuple(self.layers))
        object.__setattr__(self, "dtype", float_dtype(self.dtype))
        if not self.layers:
            raise InputError("a chain of 0 layers: give it at least one")
        for k, (one, other) in enumerate(pairwise(self.layers), start=1):
            if one.n_out != other.n_in:
                msg = f"layer {k} gives {one.n_out} numbers, layer {k + 1} takes {other.n_in}: make the two equal"
                raise InputError(msg)

    @property
    def n_in(self) -> int:
        """n_1, the size of x."""
        return self.layers[0].n_in

    @property
    def n_out(self) -> int:
        """m, the size of f."""
        return self.layers[-1].n_out

    @cached_property
    def n_params(self) -> int:
        """P, the size of θ."""
        return sum(layer.n_params for layer in self.layers)

    @cached_property
    def cuts(self) -> tuple[slice, ...]:
        """The slice of θ that holds each θ^k."""
        ends = accumulate((layer.n_params for layer in self.layers), initial=0)
        return tuple(slice(a, b) for a, b in pairwise(ends))

    def n_columns(self, wrt: Wrt) -> int:
        """N, the columns of the Jacobian: n_1, P, or n_1 + P."""
        return wrt.has_x * self.n_in + wrt.has_theta * self.n_params

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """f(x, θ), shape (m,), in the array library that x and θ come from."""
        for layer, cut in zip(self.layers, self.cuts, strict=True):
            x = layer.value(x, theta[cut])
        return x

    def linearizations(self, orders: Iterable[Order] = repeat("C")) -> list[Linearization]:
        """Makes a new workspace for each layer, with its constants stored in the given order."""
        return [layer.linearization(self.dtype, order) for layer, order in zip(self.layers, orders, strict=False)]

    def linearize(self, x: AnyArray, theta: AnyArray) -> tuple[list[LinearMap], list[LinearMap]]:
        """J_x L^k and J_θ L^k of all layers at this point."""
        x, theta = self.point(x, theta)
        maps: tuple[list[LinearMap], list[LinearMap]] = [], []
        for layer, cut in zip(self.layers, self.cuts, strict=True):
            x, J_x, J_theta = layer.linearize(x, theta[cut])
            maps[0].append(J_x)
            maps[1].append(J_theta)
        return maps

    def jacobians(self, x: AnyArray, theta: AnyArray) -> tuple[list[Matrix], list[Matrix]]:
        """J_x L^k and J_θ L^k of all layers, written out as matrices."""
        J_x, J_theta = self.linearize(x, theta)
        return [J.dense() for J in J_x], [J.dense() for J in J_theta]

    def point(self, x: AnyArray, theta: AnyArray) -> tuple[Vector, Vector]:
        """x and θ as NumPy vectors of the chain's precision; raises InputError when their shapes do not fit."""
        x, theta = np.asarray(x, self.dtype), np.asarray(theta, self.dtype)
        if x.shape != self._x_shape or theta.shape != self._theta_shape:
            self.check(x, theta)
        return x, theta

    def check(self, x: AnyArray, theta: AnyArray) -> None:
        """Raise InputError unless x and θ have the chain's shapes."""
        if x.shape != self._x_shape or theta.shape != self._theta_shape:
            msg = f"x has shape {x.shape} and theta {theta.shape}: give {self._x_shape} and {self._theta_shape}"
            raise InputError(msg)

    @cached_property
    def _x_shape(self) -> tuple[int]:
        return (self.n_in,)

    @cached_property
    def _theta_shape(self) -> tuple[int]:
        return (self.n_params,)


def float_dtype(given: DTypeLike) -> np.dtype[Any]:
    """A precision that the engines can compute in."""
    try:
        dtype: np.dtype[Any] = np.dtype(given)
    except (TypeError, ValueError, SyntaxError):  # of NumPy's language for types
        raise unknown("dtype", str(given), ["float32", "float64"]) from None
    if dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise unknown("dtype", str(given), ["float32", "float64"])
    return dtype
