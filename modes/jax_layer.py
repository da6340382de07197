"""`JaxLayer`: any function that JAX can trace, as a layer; push is jax.jvp, pull is jax.vjp.

A black-box function is a chain of one such layer: then `forward` is n pushes and `reverse` is m pulls.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from fwdrev.modes.arrays import AnyArray, Matrix, Order, Vector
from fwdrev.modes.cost import Cost
from fwdrev.modes.errors import InputError
from fwdrev.modes.jax_program import precision
from fwdrev.modes.layer import Layer, Linearization
from fwdrev.modes.linear_map import LinearMap

__all__ = ["JaxLayer"]

Function = Callable[[AnyArray, AnyArray], AnyArray]


@dataclass(frozen=True)
class JaxLayer(Layer):
    """x^{k+1} = function(x, θ) for vectors of `inputs` and of `params` entries; the function returns a vector."""

    function: Function
    inputs: int
    params: int = 0

    @property
    def n_in(self) -> int:
        """The entries of x."""
        return self.inputs

    @property
    def n_params(self) -> int:
        """The entries of θ."""
        return self.params

    @cached_property
    def n_out(self) -> int:
        """The entries of the function's value, found by tracing it; raises InputError if that is no vector."""
        shapes = (np.empty(size, np.float32) for size in (self.inputs, self.params))
        out = jax.eval_shape(self.function, *shapes)
        if not isinstance(out, jax.ShapeDtypeStruct) or len(out.shape) != 1:
            msg = f"the function of a JaxLayer returns {out}: let it return one vector"
            raise InputError(msg)
        return int(out.shape[0])

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """function(x, θ)."""
        return self.function(x, theta)

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> Linearization:
        """Compiles on first use."""
        return _JaxLinearization(self, dtype)


class _JaxLinearization(Linearization):
    __slots__ = ("_dtype", "_value", "at")

    J_x: "_JaxMap"
    J_theta: "_JaxMap"

    def __init__(self, layer: JaxLayer, dtype: np.dtype[Any]) -> None:
        f = layer.function
        self._dtype = dtype
        self._value = jax.jit(f)
        self.J_x = _JaxMap(lambda x, theta: (lambda y: f(y, theta), x), layer, layer.inputs, dtype)
        self.J_theta = _JaxMap(lambda x, theta: (lambda y: f(x, y), theta), layer, layer.params, dtype)

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        self.J_x.point = self.J_theta.point = (x, theta)
        with precision(self._dtype):
            return np.asarray(self._value(x, theta))


class _JaxMap(LinearMap):
    """jax.jvp and jax.vjp with respect to one argument, vmapped over tangents and cotangents."""

    __slots__ = ("_dtype", "_known", "_pull", "_push", "point")

    def __init__(
        self,
        split: Callable[[AnyArray, AnyArray], tuple[Callable[[AnyArray], AnyArray], AnyArray]],
        layer: JaxLayer,
        n_in: int,
        dtype: np.dtype[Any],
    ) -> None:
        def push(x: AnyArray, theta: AnyArray, V: AnyArray) -> AnyArray:
            g, here = split(x, theta)
            return jax.vmap(lambda v: jax.jvp(g, (here,), (v,))[1], in_axes=1, out_axes=1)(V)

        def pull(x: AnyArray, theta: AnyArray, U: AnyArray) -> AnyArray:
            g, here = split(x, theta)
            return jax.vmap(lambda u: jax.vjp(g, here)[1](u)[0])(U)

        self.n_out, self.n_in = layer.n_out, n_in
        self._dtype = dtype
        self._push, self._pull = jax.jit(push), jax.jit(pull)
        self.point = (np.zeros(layer.inputs, dtype), np.zeros(layer.params, dtype))
        self._known: dict[tuple[int, int], Cost] = {}

    def _applied(self, program: Callable[..., AnyArray], seeds: Matrix, out: Matrix | None) -> Matrix:
        with precision(self._dtype):
            result = np.array(program(*self.point, seeds))
        if out is None:
            return result
        out[...] = result
        return out

    def push(self, V: Matrix, out: Matrix | None = None) -> Matrix:
        """jax.jvp for each column."""
        if V.shape[1] == 0:  # vmap refuses an empty batch
            return np.empty((self.n_out, 0), self._dtype) if out is None else out
        return self._applied(self._push, V, out)

    def pull(self, U: Matrix, out: Matrix | None = None) -> Matrix:
        """jax.vjp for each row."""
        return self._applied(self._pull, U, out)

    def dense(self, out: Matrix | None = None) -> Matrix:
        """The identity, pushed or pulled, whichever has fewer seeds."""
        if self.n_in <= self.n_out:
            return self.push(np.eye(self.n_in, dtype=self._dtype), out)
        return self.pull(np.eye(self.n_out, dtype=self._dtype), out)

    def push_cost(self, q: int) -> Cost:
        """Q times what XLA's analysis says of one tangent, the value included; a black box has no exact count."""
        return self._one(self._push, (self.n_in, 1), (self.n_out, 1)) * q

    def pull_cost(self, r: int) -> Cost:
        """R times what XLA's analysis says of one cotangent, the value included."""
        return self._one(self._pull, (1, self.n_out), (1, self.n_in)) * r

    def dense_cost(self) -> Cost:
        """That of the push or the pull."""
        return self.push_cost(self.n_in) if self.n_in <= self.n_out else self.pull_cost(self.n_out)

    def _one(self, program: Any, shape: tuple[int, int], result: tuple[int, int]) -> Cost:  # noqa: ANN401 - jitted
        if 0 in shape:
            return Cost()
        if shape not in self._known:
            with precision(self._dtype):
                facts = program.lower(*self.point, np.zeros(shape, self._dtype)).cost_analysis() or {}
            flops, moved = max(facts.get("flops", 0), 0), max(facts.get("bytes accessed", 0), 0)
            self._known[shape] = Cost.other(*result, int(flops / 2), int(moved / self._dtype.itemsize))
        return self._known[shape]
