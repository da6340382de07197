"""How a chain becomes a compiled JAX program, for the engines and for the check before timing.

The program takes the chain's constants (the array fields of its layers) as arguments: written into the program they
would be compiled anew with every seed, and slowly.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.arrays import AnyArray
from fwdrev.modes.chain import Chain, Wrt
from fwdrev.modes.cost import Cost, EngineCost, ProgramCost
from fwdrev.modes.interface import Jacobian
from fwdrev.modes.layer import Layer
from fwdrev.modes.linear_map import LinearMap

__all__ = ["batch_cost", "compile_jacobian", "compiled_cost", "one_pass", "precision", "pure_function"]

Constants = list[dict[str, AnyArray]]
Transform = Callable[[Callable[[AnyArray], AnyArray]], Callable[[AnyArray], AnyArray]]


def compile_jacobian(chain: Chain, wrt: Wrt, transform: Transform) -> Jacobian:
    """The Jacobian by `transform` (jax.jacfwd, jax.jacrev), compiled for this chain; each call waits for its result.

    Raises InputError when x or θ do not have the chain's shapes. Costs one trace and one compilation.
    """
    with precision(chain.dtype):
        program, constants = _program(chain, wrt, transform)
        program(constants, *_point(chain)).block_until_ready()

    def jacobian(x: AnyArray, theta: AnyArray) -> jax.Array:
        if not (isinstance(x, jax.Array) and isinstance(theta, jax.Array)):
            x, theta = chain.point(x, theta)
        chain.check(x, theta)
        with precision(chain.dtype):
            J: jax.Array = program(constants, x, theta).block_until_ready()
        return J

    return jacobian


def compiled_cost(chain: Chain, wrt: Wrt, transform: Transform) -> ProgramCost:
    """What XLA reports of that program; it writes 0 or -1 for what it does not know (jax issues 18954, 20184)."""
    with precision(chain.dtype):
        program, constants = _program(chain, wrt, transform)
        compiled = program.lower(constants, *_point(chain)).compile()
    counts, memory = compiled.cost_analysis() or {}, compiled.memory_analysis()
    parts = ("argument_size_in_bytes", "output_size_in_bytes", "temp_size_in_bytes")
    peak = sum(getattr(memory, part, 0) for part in parts) - getattr(memory, "alias_size_in_bytes", 0)
    known = {"flops": counts.get("flops", 0), "bytes_accessed": counts.get("bytes accessed", 0), "peak_bytes": peak}
    return ProgramCost(**{name: int(value) for name, value in known.items() if value > 0})


def _program(chain: Chain, wrt: Wrt, transform: Transform) -> tuple[Any, Constants]:
    """The jitted function of (constants, x, θ), and the constants on the device."""
    value, constants = pure_function(chain)
    n_x = chain.n_in

    def program(constants: Constants, x: AnyArray, theta: AnyArray) -> AnyArray:
        if wrt is Wrt.THETA:
            return transform(lambda theta: value(constants, x, theta))(theta)
        if wrt is Wrt.X:
            return transform(lambda x: value(constants, x, theta))(x)
        return transform(lambda v: value(constants, v[:n_x], v[n_x:]))(jnp.concatenate([x, theta]))

    return jax.jit(program), jax.device_put(constants)


def _point(chain: Chain) -> tuple[AnyArray, AnyArray]:
    """Any x and θ of the right shapes."""
    return np.zeros(chain.n_in, chain.dtype), np.zeros(chain.n_params, chain.dtype)


def pure_function(chain: Chain) -> tuple[Callable[[Constants, AnyArray, AnyArray], AnyArray], Constants]:
    """f as a function of (constants, x, θ), and the constants."""
    constants: Constants = [_arrays_of(layer) for layer in chain.layers]

    def value(constants: Constants, x: AnyArray, theta: AnyArray) -> AnyArray:
        pairs = zip(chain.layers, constants, strict=True)
        # mypy cannot know that a Layer is a dataclass: a base class cannot say so of those derived from it
        layers = tuple(replace(layer, **arrays) for layer, arrays in pairs)  # type: ignore[type-var]
        return replace(chain, layers=layers).value(x, theta)

    return value, constants


def _arrays_of(layer: Layer) -> dict[str, AnyArray]:
    values = {f.name: getattr(layer, f.name) for f in fields(layer)}  # type: ignore[arg-type]
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray)}


def precision(dtype: np.dtype[Any]) -> AbstractContextManager[Any]:
    """Let JAX compute in float64 where the chain does, whatever the user's own setting is, and leave that setting."""
    wide = dtype.itemsize == np.dtype(np.float64).itemsize
    return jax.enable_x64(True) if wide and not jax.config.jax_enable_x64 else nullcontext()  # type: ignore[attr-defined]  # noqa: FBT003


def one_pass(chain: Chain, wrt: Wrt, cost: Callable[[LinearMap], Cost]) -> Cost:
    """The cost of one tangent or cotangent going through every map of the chain that it has to go through."""
    total = Cost()
    for k, layer in enumerate(chain.linearizations()):
        if k > 0 or wrt.has_x:
            total += cost(layer.J_x)
        if wrt.has_theta:
            total += cost(layer.J_theta)
    return total


def batch_cost(chain: Chain, wrt: Wrt, passes: int, single: Cost) -> EngineCost:
    """The cost of all `passes` at once, each as dear as a `single` one; peak: the result and the widest layer."""
    widest = max(max(layer.n_in, layer.n_out) for layer in chain.layers)
    total, itemsize = single * passes, chain.dtype.itemsize
    return EngineCost(
        multiply_adds=total.multiply_adds,
        passes=passes,
        bytes_moved=total.moved * itemsize,
        peak_bytes=(passes * widest + chain.n_out * chain.n_columns(wrt)) * itemsize,
    )
