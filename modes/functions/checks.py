"""Checks what a user's function returns, and refuses the rest in one line that says what to change."""

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.errors import InputError

_REPEATED = {2: 1e-1, 4: 1e-5, 8: 1e-12}
"""The relative difference allowed between two calls, by bytes of a number. A GPU may add in another order."""

_COMPILED = {2: 1.0, 4: 5e-2, 8: 1e-4}
"""The relative difference allowed between a compiled call and a plain one: XLA reorders sums, and a long recursion lets
rounding errors grow."""

_KEYED = "random numbers on a key of jax.random that is the same each time"

NUMBERS = (jax.Array, np.ndarray, np.generic, float, int, complex)
"""The types that JAX accepts as an array or a number."""


def check_floating(place: str, leaf: AnyArray, otherwise: str, verb: str) -> None:
    """Check that its numbers are real, and fine enough to check a derivative; raises InputError."""
    dtype = leaf.dtype if hasattr(leaf, "dtype") else np.dtype(type(leaf))
    if jnp.issubdtype(dtype, jnp.floating) and dtype.itemsize > 1:
        return
    if jnp.issubdtype(dtype, jnp.floating):
        msg = f"{place} is {dtype}, which is too coarse to check a derivative: {verb} float16, bfloat16 or wider"
    elif jnp.issubdtype(dtype, jnp.complexfloating):
        msg = f"{place} is {dtype}: complex derivatives are not measured; split it into real and imaginary parts"
    else:
        msg = f"{place} is {dtype}, which has no derivative: {verb} real floating-point numbers{otherwise}"
    raise InputError(msg)


def without_aux(outputs: Pytree, name: str, *, has_aux: bool) -> Pytree:
    """The differentiable part of the outputs; raises InputError where `has_aux` announces a pair and there is none."""
    if not has_aux:
        return outputs
    match outputs:
        case tuple((value, _)):
            return value
    msg = f"{name} returns a {type(outputs).__name__}, no pair: with has_aux it has to return (outputs, aux)"
    raise InputError(msg)


def checked_outputs(outputs: Pytree, name: str) -> tuple[int, ...]:
    """The sizes of the arrays of a pytree; raises InputError unless all are finite floating-point numbers."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(outputs):
        place = f"the output of {name}{jax.tree_util.keystr(path)}"
        traced = isinstance(leaf, jax.ShapeDtypeStruct)
        if not traced and not isinstance(leaf, NUMBERS):
            raise InputError(f"{place} is of type {type(leaf).__name__}: return arrays only")
        check_floating(place, leaf, ", and anything else with has_aux (--has-aux)", "return")
        if not traced and not np.all(np.isfinite(np.asarray(leaf, dtype=float))):
            msg = f"{place} is NaN or infinite at the given point: give a point at which the function is defined"
            raise InputError(msg)
    sizes = tuple(int(np.size(leaf)) for leaf in jax.tree.leaves(outputs))
    if not sum(sizes):
        raise InputError(f"{name} returns no numbers: return at least one")
    return sizes


def checked_repeats(first: Pytree, second: Pytree, name: str, keyed: str = _KEYED) -> None:
    """Refuse a function whose two calls at the same point differ; `keyed`: the advice for random numbers."""
    same = bool(jax.tree.structure(first) == jax.tree.structure(second))  # type: ignore[operator] # of a PyTreeDef
    if same and not _differ(ravel_pytree(first)[0], ravel_pytree(second)[0], _REPEATED):
        return
    raise InputError(
        f"two calls of {name} at the same point differ: it is random or has side effects; let it depend on its "
        f"arguments only, and {keyed}"
    )


def check_compiled(compiled: Vector, first: AnyArray, name: str) -> None:
    """Refuse a function that returns something else once compiled."""
    if _differ(compiled, first, _COMPILED):
        raise InputError(
            f"{name} returns something else under jax.jit than without: it reads or changes something besides its "
            "arguments, or is unstable at this point; let it depend on its arguments only"
        )


def _differ(one: AnyArray, other: AnyArray, tolerances: dict[int, float]) -> bool:
    a, b = (np.asarray(values, dtype=float) for values in (one, other))
    if a.shape != b.shape:
        return True
    allowed = tolerances[min(8, np.asarray(other).dtype.itemsize)]
    return not bool(np.max(np.abs(a - b), initial=0.0) <= allowed * np.max(np.abs(b), initial=0.0))  # NaN differs
