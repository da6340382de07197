"""A user's JAX function at a point, as a function of one vector.

    found = flat_function(f, (x,))
    found.n, found.m                             # numbers in all inputs, and in all outputs
    found.value(found.x)                         # the outputs as one vector
    found.products(jax.jacfwd(f)(x), v, u)       # J · v and u · J of that Jacobian

What cannot be differentiated, or not be measured, is refused with one line that says what to change.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.modes.core.jacobians import Function, curried, selected
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.arguments import as_arrays, device_of, first_sample, numbers_of, static_of, wide_axes
from fwdrev.modes.functions.checks import batch_of, checked_inputs, checked_numbers, without_aux
from fwdrev.modes.functions.jacobian_products import products_of
from fwdrev.modes.functions.outputs import Question, called, looked, traced_outputs

__all__ = ["FlatFunction", "Function", "check_stages", "coarsest", "flat_function"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FlatFunction:
    """A function and the arguments at which its Jacobian is asked for; n inputs, m outputs.

    `value`, compiled, takes a vector like `x` (n,), all inputs in one, to all outputs in one (m,); the inputs are the
    numbers of the arguments `argnums`. Arguments `static` are no arrays and held. With `batch` the arguments of which
    `axes` is 0 have a leading axis of that length; then `x`, n and m are those of one sample, the first. `precision` is
    the coarsest dtype among inputs and outputs, `framework` "jax" or "torch". `call_seconds` and `compile_seconds` are
    what the value took, `counted_seconds` what its counts let expect of a call, `equations` how many operations it has;
    0 where that is not known.
    """

    name: str
    function: Function
    args: tuple[Any, ...]
    argnums: int | tuple[int, ...]
    has_aux: bool = False
    static: tuple[int, ...] = ()
    axes: tuple[int | None, ...] = ()
    batch: int | None
    x: Vector
    m: int
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

    def products(self, J: Any, v: Vector, u: Vector) -> Vector:  # noqa: ANN401 - a pytree
        """J · v (m,), then u · J (n,), for what a program of the Jacobian returns; of the first sample in a batch."""
        return products_of(J[0] if self.has_aux else J, v, u, self.shapes, batched=self.batch is not None)


def flat_function(
    function: Function,
    args: tuple[Any, ...],
    *,
    name: str = "f",
    argnums: Any = None,  # noqa: ANN401 - checked here
    has_aux: bool = False,
    vmap: bool = False,
    run: bool = True,
) -> FlatFunction:
    """Look at a function at a point; costs three calls and a compilation, or a trace unless `run`.

    `argnums` and `has_aux` are as in jax.jacobian; None: with respect to all arguments. `vmap`: the function takes one
    sample, and all arrays of `args` have a leading axis of samples. What only shows when the function runs, NaN and
    whether two calls agree, is not looked at unless `run`. Raises InputError.
    """
    wanted = checked_numbers(argnums, len(args))
    numbers = numbers_of(wanted)
    checked_inputs(args, numbers)
    static = static_of(args, numbers)
    args = tuple(arg if i in static else as_arrays(arg, every=i in numbers) for i, arg in enumerate(args))
    axes = wide_axes(args, static, numbers) if vmap else ()
    wide = [arg for arg, axis in zip(args, axes, strict=False) if axis is not None]
    batch = batch_of([np.shape(leaf) for leaf in jax.tree.leaves(wide)]) if vmap else None
    sample = first_sample(args, axes)
    x, unravel = ravel_pytree(selected(wanted, sample))
    device, devices = device_of(jax.tree.leaves(selected(wanted, args)))
    at = curried(function, wanted, sample, {})

    def of_vector(v: AnyArray) -> AnyArray:
        return ravel_pytree(without_aux(at(unravel(v)), name, has_aux=has_aux))[0]

    look = called if run else looked
    seen = look(Question(function, sample, static, name, has_aux), of_vector, x)
    shapes = seen.sizes, tuple(int(leaf.size) for leaf in jax.tree.leaves(selected(wanted, sample)))

    def value(v: AnyArray) -> AnyArray:
        return seen.value(jax.device_put(jnp.asarray(v, x.dtype), device))

    return FlatFunction(
        name=name,
        function=function,
        args=args,
        argnums=wanted,
        has_aux=has_aux,
        static=static,
        axes=axes,
        batch=batch,
        x=np.asarray(x),
        m=sum(seen.sizes),
        value=value,
        shapes=shapes,
        device=devices,
        precision=coarsest([*(leaf.dtype for leaf in jax.tree.leaves(selected(wanted, args))), *seen.dtypes]),
        call_seconds=seen.call_seconds,
        compile_seconds=seen.compile_seconds,
        counted_seconds=seen.counted_seconds,
        equations=seen.equations,
    )


def check_stages(found: FlatFunction, composed: Function) -> None:
    """Refuse stages that return more or fewer numbers than the function; the rest shows in their Jacobians."""
    if found.framework != "jax" or found.batch is not None:
        return
    asked = Question(composed, found.args, found.static, "the function of the stages", found.has_aux)
    m = sum(traced_outputs(asked)[0])
    if m != found.m:
        msg = f"the stages return {m} numbers and {found.name} {found.m}: give stages that make up the function"
        raise InputError(msg)


def coarsest(dtypes: Sequence[Any]) -> str:
    """The name of the dtype with the largest rounding errors."""
    return str(max(map(jnp.dtype, dtypes), key=_epsilon))


def _epsilon(dtype: Any) -> float:  # noqa: ANN401 - a NumPy dtype
    return float(jnp.finfo(dtype).eps)  # type: ignore[no-untyped-call] # of JAX
