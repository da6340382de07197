"""The Jacobians of a layer by JAX: push is jax.jvp of its value, pull is jax.vjp, vmapped over seeds and compiled."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Matrix, Vector
from fwdrev.modes.core.cost import Cost
from fwdrev.modes.core.jax_compile import Arrays, arrays_of, precision, with_arrays
from fwdrev.modes.core.layer import Layer, Linearization
from fwdrev.modes.core.linear_map import LinearMap

Value = Callable[..., AnyArray]
"""(the layer's arrays, x, θ) -> x^{k+1}."""


class JaxLinearization(Linearization):
    """The linearization, by JAX, of a layer that has only a value."""

    __slots__ = ("_dtype", "_program")

    J_x: "_JaxMap"
    J_theta: "_JaxMap"

    def __init__(self, layer: Layer, dtype: np.dtype[Any]) -> None:
        """Puts the layer's arrays on the device."""

        def value(arrays: Arrays, x: AnyArray, theta: AnyArray) -> AnyArray:
            return with_arrays(layer, arrays).value(x, theta)

        with precision(dtype):
            arrays = jax.device_put(arrays_of(layer))
        point = arrays, np.zeros(layer.n_in, dtype), np.zeros(layer.n_params, dtype)
        self._dtype = dtype
        self._program = jax.jit(value)
        self.J_x = _JaxMap(value, 1, point, (layer.n_out, layer.n_in), dtype)
        self.J_theta = _JaxMap(value, 2, point, (layer.n_out, layer.n_params), dtype)

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        """Computes the value; the Jacobians are computed when pushed or pulled."""
        self.J_x.point = self.J_theta.point = point = (self.J_x.point[0], x, theta)
        with precision(self._dtype):
            return np.asarray(self._program(*point))


class _JaxMap(LinearMap):
    """jax.jvp and jax.vjp with respect to one argument (1 is x, 2 is θ), vmapped over tangents and cotangents."""

    __slots__ = ("_dtype", "_known", "_pull", "_push", "point")

    def __init__(
        self,
        value: Value,
        argument: int,
        point: tuple[Arrays, Vector, Vector],
        shape: tuple[int, int],
        dtype: np.dtype[Any],
    ) -> None:
        def split(point: tuple[AnyArray, ...]) -> tuple[Callable[[AnyArray], AnyArray], AnyArray]:
            before, after = point[:argument], point[argument + 1 :]
            return lambda here: value(*before, here, *after), point[argument]

        def push(*given: AnyArray) -> AnyArray:
            (f, here), V = split(given[:-1]), given[-1]
            return jax.vmap(lambda v: jax.jvp(f, (here,), (v,))[1], in_axes=1, out_axes=1)(V)

        def pull(*given: AnyArray) -> AnyArray:
            (f, here), U = split(given[:-1]), given[-1]
            return jax.vmap(lambda u: jax.vjp(f, here)[1](u)[0])(U)

        self.n_out, self.n_in = shape
        self._dtype = dtype
        self._push, self._pull = jax.jit(push), jax.jit(pull)
        self.point = point
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
        """Pushes or pulls the identity, whichever takes fewer seeds."""
        if self.n_in <= self.n_out:
            return self.push(np.eye(self.n_in, dtype=self._dtype), out)
        return self.pull(np.eye(self.n_out, dtype=self._dtype), out)

    def push_cost(self, q: int) -> Cost:
        """q times XLA's figure for one tangent, value included; a black box has no exact count."""
        return self._one(self._push, (self.n_in, 1), (self.n_out, 1)) * q

    def pull_cost(self, r: int) -> Cost:
        """r times XLA's figure for one cotangent, value included."""
        return self._one(self._pull, (1, self.n_out), (1, self.n_in)) * r

    def dense_cost(self) -> Cost:
        """The cost of the push or the pull."""
        return self.push_cost(self.n_in) if self.n_in <= self.n_out else self.pull_cost(self.n_out)

    def _one(self, program: jax.stages.Wrapped, shape: tuple[int, int], result: tuple[int, int]) -> Cost:
        if 0 in shape:
            return Cost()
        if shape not in self._known:
            with precision(self._dtype):
                facts = program.lower(*self.point, np.zeros(shape, self._dtype)).cost_analysis() or {}
            flops, moved = max(facts.get("flops", 0), 0), max(facts.get("bytes accessed", 0), 0)
            self._known[shape] = Cost.other(*result, int(flops / 2), int(moved / self._dtype.itemsize))
        return self._known[shape]
