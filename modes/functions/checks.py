"""What a user's function may be given and may return: refused in one line that says what to change."""

import operator
from collections.abc import Sequence
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.modes.errors import InputError

__all__ = [
    "batch_of",
    "check_compiled",
    "check_floating",
    "checked_inputs",
    "checked_numbers",
    "checked_outputs",
    "checked_repeats",
    "where",
    "without_aux",
]

_REPEATED = {2: 1e-1, 4: 1e-5, 8: 1e-12}
"""By bytes of a number: how far two calls may differ, relatively. A GPU may add in another order."""

_COMPILED = {2: 1.0, 4: 5e-2, 8: 1e-4}
"""The same between a call that is compiled and one that is not: XLA reorders sums, and a long recursion lets
rounding errors grow."""

_KEYED = "random numbers on a key of jax.random that is the same each time"

_LEAVE_OUT = ", or leave the argument out of argnums (--argnums)"

_NUMBERS = (jax.Array, np.ndarray, np.generic, float, int, complex)


def checked_numbers(argnums: Any, count: int) -> int | tuple[int, ...]:  # noqa: ANN401 - whatever the user gave
    """The arguments to differentiate, of so many, counted from 0; None: all of them. Raises InputError."""
    if argnums is None:
        return 0 if count == 1 else tuple(range(count))
    one = isinstance(argnums, SupportsIndex)
    try:
        numbers = [operator.index(number) for number in ([argnums] if one else argnums)]
    except TypeError:
        msg = f"argnums={argnums!r}: give the number of an argument, or a tuple of them, counted from 0"
        raise InputError(msg) from None
    if not numbers or not all(-count <= number < count for number in numbers):
        msg = f"argnums={argnums!r}: the function is given {count} arguments; give numbers from 0 to {count - 1}"
        raise InputError(msg)
    found = tuple(number % count for number in numbers)
    if len(set(found)) < len(found):
        msg = f"argnums={argnums!r} names an argument twice: give each number once"
        raise InputError(msg)
    return found[0] if one else found


def checked_inputs(args: Sequence[Any], numbers: Sequence[int]) -> None:
    """Those arguments have finite floating-point numbers only, and no argument is traced; raises InputError."""
    wanted = set(numbers)
    total = 0
    for path, leaf in jax.tree_util.tree_leaves_with_path(tuple(args)):
        place = where("argument", path)
        if isinstance(leaf, jax.core.Tracer):
            msg = f"{place} is traced: under jit, vmap or grad there is no time to be taken; ask outside of them"
            raise InputError(msg)
        if path[0].idx not in wanted:
            continue
        if not isinstance(leaf, _NUMBERS):
            msg = f"{place} is of type {type(leaf).__name__}: give arrays of floating-point numbers{_LEAVE_OUT}"
            raise InputError(msg)
        check_floating(place, leaf, _LEAVE_OUT, "give")
        if not np.all(np.isfinite(np.asarray(leaf, dtype=float))):
            msg = f"{place} has NaN or infinity in it: give a point at which all numbers are finite"
            raise InputError(msg)
        total += np.size(leaf)
    if not total:
        msg = "the arguments have no numbers in them: give arrays with at least one"
        raise InputError(msg)


def check_floating(place: str, leaf: Any, otherwise: str, verb: str) -> None:  # noqa: ANN401 - an array or a number
    """That its numbers are real, and fine enough for a derivative to be checked; raises InputError."""
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


def batch_of(shapes: Sequence[tuple[int, ...]]) -> int:
    """The length of the axis that all arrays share."""
    lengths = {shape[0] if shape else None for shape in shapes}
    if len(lengths) == 1 and (length := lengths.pop()):
        return int(length)
    told = ", ".join(map(str, shapes))
    msg = f"vmap: the inputs have shapes {told}; all of them need the same leading axis, of at least one sample"
    raise InputError(msg)


def without_aux(outputs: Any, name: str, *, has_aux: bool) -> Any:  # noqa: ANN401 - what the user's code returns
    """What is differentiated of the outputs; raises InputError unless they are a pair where one is announced."""
    if not has_aux:
        return outputs
    if not isinstance(outputs, tuple) or len(outputs) != 2:  # noqa: PLR2004 - a pair
        msg = f"{name} returns a {type(outputs).__name__}, no pair: with has_aux it has to return (outputs, aux)"
        raise InputError(msg)
    return outputs[0]


def checked_outputs(outputs: Any, name: str) -> tuple[int, ...]:  # noqa: ANN401 - what the user's code returns
    """The sizes of the arrays of a pytree, all of which are finite floating-point numbers."""
    for path, leaf in jax.tree_util.tree_leaves_with_path(outputs):
        place = where(f"the output of {name}", path, whole=not path)
        traced = isinstance(leaf, jax.ShapeDtypeStruct)
        if not traced and not isinstance(leaf, _NUMBERS):
            msg = f"{place} is of type {type(leaf).__name__}: return arrays only"
            raise InputError(msg)
        check_floating(place, leaf, ", and anything else with has_aux (--has-aux)", "return")
        if not traced and not np.all(np.isfinite(np.asarray(leaf, dtype=float))):
            msg = f"{place} is NaN or infinite at the given point: give a point at which the function is defined"
            raise InputError(msg)
    sizes = tuple(int(np.size(leaf)) for leaf in jax.tree.leaves(outputs))
    if not sum(sizes):
        msg = f"{name} returns no numbers: return at least one"
        raise InputError(msg)
    return sizes


def checked_repeats(first: Any, second: Any, name: str, keyed: str = _KEYED) -> None:  # noqa: ANN401 - pytrees
    """Refuse a function of which two calls at the same point differ; `keyed`: what its random numbers should do."""
    same = bool(jax.tree.structure(first) == jax.tree.structure(second))  # type: ignore[operator] # of a PyTreeDef
    if same and not _differ(ravel_pytree(first)[0], ravel_pytree(second)[0], _REPEATED):
        return
    msg = (
        f"two calls of {name} at the same point differ: it is random or has side effects; let it depend on its "
        f"arguments only, and {keyed}"
    )
    raise InputError(msg)


def check_compiled(compiled: Vector, first: AnyArray, name: str) -> None:
    """Refuse a function that returns something else when it is compiled."""
    if _differ(compiled, first, _COMPILED):
        msg = (
            f"{name} returns something else under jax.jit than without: it reads or changes something besides its "
            "arguments, or is unstable at this point; let it depend on its arguments only"
        )
        raise InputError(msg)


def _differ(one: AnyArray, other: AnyArray, tolerances: dict[int, float]) -> bool:
    a, b = (np.asarray(values, dtype=float) for values in (one, other))
    if a.shape != b.shape:
        return True
    allowed = tolerances[min(8, np.asarray(other).dtype.itemsize)]
    return not bool(np.max(np.abs(a - b), initial=0.0) <= allowed * np.max(np.abs(b), initial=0.0))  # NaN differs


def where(what: str, path: Any, *, whole: bool = False) -> str:  # noqa: ANN401 - JAX's keys
    """`argument 0['w']`: an argument has its number, an output its place in what is returned."""
    if whole:
        return what
    if what == "argument":
        return f"argument {path[0].idx}{jax.tree_util.keystr(path[1:])}"
    return f"{what}{jax.tree_util.keystr(path)}"
