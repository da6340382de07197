"""A user's JAX function at a point, as a function of one vector.

    found = probe_function(f, (x,))
    found.n, found.m                             # numbers in all inputs, and in all outputs
    found.value(found.x)                         # the outputs as one vector
    found.products(jax.jacfwd(f)(x), v, u)       # J · v and u · J of that Jacobian

Refuses what cannot be differentiated or measured in one line that says what to change.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.modes.core.data import Json, Pytree
from fwdrev.modes.core.jacobians import Function, curried, numbers_of, selected
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.arguments import (
    as_arrays,
    batch_of,
    check_array,
    checked_inputs,
    checked_numbers,
    device_of,
    first_sample,
    static_of,
    wide_axes,
)
from fwdrev.modes.functions.checks import check_compiled, checked_outputs, checked_repeats, without_aux
from fwdrev.modes.functions.jacobian_products import products_of
from fwdrev.modes.functions.program import jitted, traced, without
from fwdrev.modes.functions.trace_errors import explained, failed, untraceable
from fwdrev.modes.jaxpr.cost import cost_of_jaxpr
from fwdrev.modes.jaxpr.programs import operations

_REPEATABLE = 0.5
"""Calls longer than this, in seconds, are not repeated to spare the budget, unless the compiled one differs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionProbe:
    """A function and the arguments at which to differentiate it; n inputs, m outputs.

    `value`, compiled, takes a vector like `x` (n,), all inputs in one, to all outputs in one (m,); the inputs are the
    numbers of the arguments `argnums`. Arguments `static` are no arrays and held. With `batch` the arguments of which
    `axes` is 0 have a leading axis of that length; then `x`, n and m are those of one sample, the first. `shapes` has
    the sizes of the outputs and of the inputs, array by array. `precision` is the coarsest dtype among inputs and
    outputs, `framework` "jax" or "torch". `call_seconds` and `compile_seconds` are what the value took,
    `counted_seconds` what its counts let expect of a call, `equations` how many operations it has; 0 where that is not
    known.
    """

    name: str
    function: Function
    args: tuple[Pytree, ...]
    argnums: int | tuple[int, ...]
    has_aux: bool = False
    static: tuple[int, ...] = ()
    axes: tuple[int | None, ...] = ()
    batch: int | None
    x: Vector
    value: Callable[[AnyArray], AnyArray]
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    device: str
    precision: str
    framework: str = "jax"
    call_seconds: float = 0.0
    compile_seconds: float = 0.0
    counted_seconds: float = 0.0
    equations: int = 0

    @property
    def n(self) -> int:
        """The inputs."""
        return self.x.size

    @property
    def m(self) -> int:
        """The outputs."""
        return sum(self.shapes[0])

    @property
    def passes(self) -> dict[str, int]:
        """The number of passes that each mode needs for the whole Jacobian."""
        return {"forward": self.n, "reverse": self.m}

    def products(self, J: Pytree, v: Vector, u: Vector) -> Vector:
        """J · v (m,), then u · J (n,), from the result of a Jacobian's program; for the first sample of a batch."""
        return products_of(J[0] if self.has_aux else J, v, u, self.shapes, batched=self.batch is not None)


def probe_function(
    function: Function,
    args: tuple[Pytree, ...],
    *,
    name: str = "f",
    argnums: Json = None,
    has_aux: bool = False,
    vmap: bool = False,
    run: bool = True,
) -> FunctionProbe:
    """Look at a function at a point; costs three calls and a compilation, or a trace unless `run`.

    `argnums` and `has_aux` are as in jax.jacobian; None: with respect to all arguments. `vmap`: the function takes one
    sample, and all arrays of `args` have a leading axis of samples. What only shows when the function runs, NaN and
    whether two calls agree, is not looked at unless `run`. Raises InputError.
    """
    wanted = checked_numbers(argnums, len(args))
    numbers = numbers_of(wanted, args)
    checked_inputs(args, numbers, check_array)
    static = static_of(args, numbers)
    args = tuple(arg if i in static else as_arrays(arg, every=i in numbers) for i, arg in enumerate(args))
    axes = wide_axes(args, static, numbers) if vmap else ()
    batch = batch_of(args, axes) if vmap else None
    sample = first_sample(args, axes)
    inputs = jax.tree.leaves(selected(wanted, sample))
    x, unravel = ravel_pytree(selected(wanted, sample))
    device, device_name = device_of(jax.tree.leaves(selected(wanted, args)))
    asked = _Question(function, sample, static, name, has_aux)
    at = curried(function, wanted, sample, {})

    def of_vector(v: AnyArray) -> AnyArray:
        return ravel_pytree(without_aux(at(unravel(v)), name, has_aux=has_aux))[0]

    began = perf_counter()
    outputs = asked.called() if run else asked.traced()
    shapes = checked_outputs(outputs, name), tuple(int(leaf.size) for leaf in inputs)
    found = FunctionProbe(
        name=name,
        function=function,
        args=args,
        argnums=wanted,
        has_aux=has_aux,
        static=static,
        axes=axes,
        batch=batch,
        x=np.asarray(x),
        value=jax.jit(of_vector),
        shapes=shapes,
        device=device_name,
        precision=coarsest(map(jnp.result_type, [*inputs, *jax.tree.leaves(outputs)])),
    )
    if run:
        found = _run(found, asked, of_vector, x, outputs, repeat=perf_counter() - began < _REPEATABLE)
    value = found.value
    return replace(found, value=lambda v: value(jax.device_put(jnp.asarray(v, x.dtype), device)))


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """A function together with its arguments."""

    function: Function
    args: tuple[Pytree, ...]
    static: tuple[int, ...]
    name: str
    has_aux: bool

    def called(self) -> Pytree:
        """Calls the function; returns its outputs."""
        return explained(lambda: self._outputs(self.args), self.name, failed)

    def traced(self) -> Pytree:
        """The shapes and dtypes of its outputs, as JAX sees them."""

        def of_arrays(*arrays: Pytree) -> Pytree:
            rest = iter(arrays)
            return self._outputs(arg if i in self.static else next(rest) for i, arg in enumerate(self.args))

        arrays = without(self.args, self.static)
        return explained(lambda: jax.eval_shape(of_arrays, *arrays), self.name, untraceable)

    def _outputs(self, args: Iterable[Pytree]) -> Pytree:
        return without_aux(self.function(*args), self.name, has_aux=self.has_aux)


def _run(
    found: FunctionProbe, asked: _Question, of_vector: Function, x: AnyArray, first: Pytree, *, repeat: bool
) -> FunctionProbe:
    """Check that two calls agree, if a repeat is affordable, and a compiled one, which is timed."""
    if repeat:
        checked_repeats(first, asked.called(), asked.name)
    began = perf_counter()
    value = explained(lambda: jitted(of_vector, (x,)), asked.name, untraceable)
    compiled = explained(lambda: np.asarray(value(x)), asked.name, untraceable)
    done = perf_counter()
    try:
        check_compiled(compiled, np.asarray(ravel_pytree(first)[0]), asked.name)
    except InputError:
        if not repeat:
            checked_repeats(first, asked.called(), asked.name)
        raise
    jax.block_until_ready(value(x))  # type: ignore[no-untyped-call] # of JAX
    took = perf_counter() - done
    program, _ = traced(of_vector, (x,))
    return replace(
        found,
        value=value,
        call_seconds=took,
        compile_seconds=max(0.0, done - began - took),
        counted_seconds=cost_of_jaxpr(program).seconds,
        equations=operations(program),
    )


def check_stages(found: FunctionProbe, composed: Function) -> None:
    """Refuse stages that return more or fewer numbers than the function; the rest shows in their Jacobians."""
    if found.framework != "jax" or found.batch is not None:
        return
    name = "the function of the stages"
    m = sum(checked_outputs(_Question(composed, found.args, found.static, name, found.has_aux).traced(), name))
    if m != found.m:
        msg = f"the stages return {m} numbers and {found.name} {found.m}: give stages that make up the function"
        raise InputError(msg)


def coarsest(dtypes: Iterable[np.dtype[Any]]) -> str:
    """The name of the dtype with the largest rounding errors."""
    return str(max(map(jnp.dtype, dtypes), key=lambda dtype: float(jnp.finfo(dtype).eps)))  # type: ignore[no-untyped-call]
