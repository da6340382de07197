"""Layers: one step `x^{k+1} = L^k(x^k, θ^k)` of a chain, and its two Jacobians at a point.

A layer defines its value once, for NumPy and JAX alike (the array API is what they share), and a *linearization*: a
workspace that is moved from point to point and holds the linear maps J_x and J_θ there. Engines make one linearization
per layer when they are prepared, so that a call allocates next to nothing.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Order, Vector
from fwdrev.modes.core.linear_map import LinearMap


class Linearization(ABC):
    """A layer at a point. `J_x` and `J_theta` are valid until the next `move_to`."""

    __slots__ = ("J_theta", "J_x")

    J_x: LinearMap
    J_theta: LinearMap

    @abstractmethod
    def move_to(self, x: Vector, theta: Vector) -> Vector:
        """Move to the point (x, θ), of shapes (n_in,) and (n_params,); returns the layer's value there, (n_out,)."""


class Layer(ABC):
    """One step of a chain. Derive from this class to add your own layer.

    A layer is a frozen dataclass. Its fields that are NumPy arrays are its constants: the JAX engines hand them to the
    compiled program as arguments, by `dataclasses.replace`, so `value` may find JAX arrays in them.
    """

    @property
    @abstractmethod
    def n_in(self) -> int:
        """The size of x^k."""

    @property
    @abstractmethod
    def n_out(self) -> int:
        """The size of x^{k+1}."""

    @property
    def n_params(self) -> int:
        """The size p_k of θ^k; 0 unless a layer says otherwise."""
        return 0

    @abstractmethod
    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """x^{k+1}, (n_out,), in the array library that `x` comes from."""

    @abstractmethod
    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> Linearization:
        """A workspace for this layer in that precision; call `move_to` before its maps are used."""

    def linearize(self, x: Vector, theta: Vector) -> tuple[Vector, LinearMap, LinearMap]:
        """The value, J_x and J_θ at (x, θ)."""
        here = self.linearization(x.dtype)
        return here.move_to(x, theta), here.J_x, here.J_theta
