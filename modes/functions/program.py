"""Programs of JAX for timing: jitted, with large arrays that the function closes over passed as arguments.

    program = jitted(jax.jacfwd(f), (x, "linear"), static=(1,))
    program(x, "linear")

XLA evaluates constant expressions while it compiles, which can take minutes where constants are large.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jax.extend.core import ClosedJaxpr

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Function

_LARGE = 1 << 16
"""The size in bytes from which a constant is passed as an argument."""


@dataclass(frozen=True, slots=True, eq=False)
class Hoisted:
    """A jitted function with its first argument, a list of arrays, bound; used like the jitted function itself."""

    run: Any
    held: Sequence[Any]
    static: Sequence[int]

    def __call__(self, *args: Pytree) -> Pytree:
        """Calls the function."""
        return self.run(self.held, *without(args, self.static))

    def lower(self, *args: Pytree) -> jax.stages.Lowered:
        """Lowers the function for these arguments."""
        lowered: jax.stages.Lowered = self.run.lower(self.held, *without(args, self.static))
        return lowered


def without(args: Sequence[Any], static: Sequence[int]) -> list[Any]:
    """The arguments that the program takes as arrays."""
    return [arg for number, arg in enumerate(args) if number not in static]


def traced(function: Function, args: Sequence[Any], static: Sequence[int] = ()) -> tuple[ClosedJaxpr, Any]:
    """The program of a function, and the pytree of the shapes that it returns."""
    made: Callable[..., tuple[ClosedJaxpr, Any]] = jax.make_jaxpr(function, tuple(static), return_shape=True)
    return made(*args)


def jitted(function: Function, args: Sequence[Any], static: Sequence[int] = ()) -> Function:
    """`jax.jit(function)`, except that large arrays that it closes over are arguments; costs a trace.

    Before JAX 0.10 those of NumPy stay inside of the program, where XLA may take long to fold them.
    """
    closed, shapes = traced(function, args, static)
    if not any(getattr(const, "nbytes", 0) >= _LARGE for const in closed.consts):
        made: Function = jax.jit(function, static_argnums=tuple(static))
        return made
    tree = jax.tree.structure(shapes)

    def of_arrays(held: Sequence[AnyArray], *given: Pytree) -> Pytree:
        return jax.tree.unflatten(tree, jax.core.eval_jaxpr(closed.jaxpr, held, *jax.tree.leaves(given)))

    held = [const if isinstance(const, jax.Array) else jax.numpy.asarray(np.asarray(const)) for const in closed.consts]
    return Hoisted(jax.jit(of_arrays), held, tuple(static))
