"""Compiles a chain as a JAX program, for the engines and for the check before timing.

The program takes the chain's constants (the array fields of its layers) as arguments: written into the program they
would be compiled anew with every seed, and slowly.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from itertools import groupby
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import ProgramCost
from fwdrev.modes.core.engine import Direction, Jacobian
from fwdrev.modes.core.layer import Layer
from fwdrev.modes.core.scan import scan

Arrays = dict[str, AnyArray]
"""The array fields of a layer, by name."""

Constants = list[Arrays]

Traceable = Callable[[Chain, AnyArray, AnyArray], AnyArray]
"""(chain, x, θ) -> J, where the chain's constants, x and θ may be JAX's tracers."""

_LOOPED = 8
"""The fewest equal layers in a row that become a loop; fewer compile in a second at most, and XLA can fuse them."""


def differentiated(direction: Direction, wrt: Wrt) -> Traceable:
    """The Jacobian of the chain's value by jax.jacfwd or jax.jacrev."""
    transform = jax.jacfwd if direction is Direction.FORWARD else jax.jacrev

    def jacobian(chain: Chain, x: AnyArray, theta: AnyArray) -> AnyArray:
        f, v = in_one_argument(chain, wrt, x, theta)
        return transform(f)(v)

    return jacobian


def in_one_argument(
    chain: Chain, wrt: Wrt, x: AnyArray, theta: AnyArray
) -> tuple[Callable[[AnyArray], AnyArray], AnyArray]:
    """The chain's value as a function of what its Jacobian is taken with respect to, and that: x, θ, or both in one."""
    n_x = chain.n_in
    if wrt is Wrt.THETA:
        return lambda theta: value_of(chain, x, theta), theta
    if wrt is Wrt.X:
        return lambda x: value_of(chain, x, theta), x
    return lambda v: value_of(chain, v[:n_x], v[n_x:]), jnp.concatenate([x, theta])


def value_of(chain: Chain, x: AnyArray, theta: AnyArray) -> AnyArray:
    """f(x, θ) as in `Chain.value`, except that many equal layers in a row become a loop in the program."""
    for run in _runs(chain.layers):
        layer, cuts = chain.layers[run.start], chain.cuts[run.start : run.stop]
        if len(run) < _LOOPED:
            for cut in cuts:
                x = layer.value(x, theta[cut])
        else:
            rows = theta[cuts[0].start : cuts[-1].stop].reshape(len(run), layer.n_params)
            x = _looped(layer, x, rows)
    return x


def _looped(layer: Layer, x: AnyArray, rows: AnyArray) -> AnyArray:
    """Applies the layer once for each row of parameters; the loop keeps the precision of x."""

    def step(x: AnyArray, theta: AnyArray) -> AnyArray:
        return layer.value(x, theta).astype(x.dtype)

    return scan(jnp, step, x, rows)


def _runs(layers: tuple[Layer, ...]) -> Iterator[range]:
    """Runs of one and the same layer; a layer with constants is never grouped with another."""
    first = 0
    for _, same in groupby(layers, key=id):
        run = range(first, first + len(list(same)))
        yield run
        first = run.stop


def compile_jacobian(chain: Chain, traced: Traceable, placed: jax.sharding.Sharding | None = None) -> Jacobian:
    """The Jacobian as a program compiled for this chain; each call waits for its result.

    `placed`: where the chain's constants lie, by default on the first device. It is computed in the chain's precision,
    whatever that of x and θ. Raises InputError when x or θ do not have the chain's shapes. Costs one trace and one
    compilation.
    """
    with precision(chain.dtype):
        program, constants = _program(chain, traced, placed)
        program(constants, *_point(chain)).block_until_ready()

    def jacobian(x: AnyArray, theta: AnyArray) -> jax.Array:
        if not (isinstance(x, jax.Array) and isinstance(theta, jax.Array)):
            x, theta = chain.point(x, theta)
        chain.check(x, theta)
        with precision(chain.dtype):
            if x.dtype != chain.dtype or theta.dtype != chain.dtype:  # arrays of another precision, or integers
                x, theta = x.astype(chain.dtype), theta.astype(chain.dtype)
            J: jax.Array = program(constants, x, theta).block_until_ready()
        return J

    return jacobian


def compiled_cost(chain: Chain, traced: Traceable, placed: jax.sharding.Sharding | None = None) -> ProgramCost:
    """XLA's figures for that program on one device; it writes 0 or -1 for unknown ones (jax issues 18954, 20184)."""
    with precision(chain.dtype):
        program, constants = _program(chain, traced, placed)
        compiled = program.lower(constants, *_point(chain)).compile()
    counts, memory = compiled.cost_analysis() or {}, compiled.memory_analysis()
    parts = ("argument_size_in_bytes", "output_size_in_bytes", "temp_size_in_bytes")
    peak = sum(getattr(memory, part, 0) for part in parts) - getattr(memory, "alias_size_in_bytes", 0)
    known = {"flops": counts.get("flops", 0), "bytes_accessed": counts.get("bytes accessed", 0), "peak_bytes": peak}
    return ProgramCost(**{name: int(value) for name, value in known.items() if value > 0})


def _program(chain: Chain, traced: Traceable, placed: jax.sharding.Sharding | None) -> tuple[Any, Constants]:
    """The jitted function of (constants, x, θ), and the constants on the device."""
    function, constants = pure_function(chain, traced)
    return jax.jit(function), jax.device_put(constants, placed)


def _point(chain: Chain) -> tuple[AnyArray, AnyArray]:
    """An arbitrary x and θ of the right shapes."""
    return np.zeros(chain.n_in, chain.dtype), np.zeros(chain.n_params, chain.dtype)


def pure_function(
    chain: Chain, traced: Traceable = value_of
) -> tuple[Callable[[Constants, AnyArray, AnyArray], AnyArray], Constants]:
    """The function that `traced` makes of the chain (f by default), taking (constants, x, θ); and the constants."""

    def function(constants: Constants, x: AnyArray, theta: AnyArray) -> AnyArray:
        layers = tuple(with_arrays(layer, arrays) for layer, arrays in zip(chain.layers, constants, strict=True))
        # already JAX arrays, unless JAX_DISABLE_JIT leaves them as they are
        return traced(replace(chain, layers=layers), jnp.asarray(x), jnp.asarray(theta))

    return function, [arrays_of(layer) for layer in chain.layers]


def arrays_of(layer: Layer) -> Arrays:
    """The constants of a layer that a compiled program takes as arguments."""
    values = {f.name: getattr(layer, f.name) for f in fields(layer)}  # type: ignore[arg-type]
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def with_arrays(layer: Layer, arrays: Arrays) -> Layer:
    """The layer with its constants replaced by these, which may be JAX tracers."""
    # mypy cannot know that a Layer is a dataclass: a base class cannot say so of those derived from it
    made: Layer = replace(layer, **arrays) if arrays else layer  # type: ignore[type-var]
    return made


def precision(dtype: np.dtype[Any]) -> AbstractContextManager[Any]:
    """Let JAX compute in float64 where the chain does, then restore the user's own setting."""
    wide = dtype.itemsize == np.dtype(np.float64).itemsize
    return jax.enable_x64(True) if wide and not jax.config.jax_enable_x64 else nullcontext()  # type: ignore[attr-defined]  # noqa: FBT003
