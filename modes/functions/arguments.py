"""The arguments of a user's function: which to differentiate, which to hold, which have an axis of samples.

Refuses unusable arguments in one line that says what to change.
"""

import math
import operator
from collections.abc import Callable, Collection, Sequence
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.core.data import Json, Pytree
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.checks import NUMBERS, check_floating
from fwdrev.modes.functions.jacobian_products import array_of

_LEAVE_OUT = ", or leave the argument out of argnums (--argnums)"


def checked_numbers(argnums: Json, count: int) -> int | tuple[int, ...]:
    """The indices of the arguments to differentiate; None means all `count` of them. Raises InputError."""
    if argnums is None:
        return 0 if count == 1 else tuple(range(count))
    try:
        numbers = (
            [operator.index(argnums)] if isinstance(argnums, SupportsIndex) else list(map(operator.index, argnums))
        )
    except TypeError:
        msg = f"argnums={argnums!r}: give the number of an argument, or a tuple of them, counted from 0"
        raise InputError(msg) from None
    if not numbers or not all(-count <= number < count for number in numbers):
        msg = f"argnums={argnums!r}: the function is given {count} arguments; give numbers from 0 to {count - 1}"
        raise InputError(msg)
    found = tuple(number % count for number in numbers)
    if len(set(found)) < len(found):
        raise InputError(f"argnums={argnums!r} names an argument twice: give each number once")
    return found[0] if isinstance(argnums, SupportsIndex) else found


def checked_inputs(
    args: Sequence[Pytree], numbers: Collection[int], check: Callable[[str, Any], None], kind: str = "arrays"
) -> None:
    """Check that these arguments hold finite, differentiable numbers and that none is traced; raises InputError."""
    total = 0
    for path, leaf in jax.tree_util.tree_leaves_with_path(tuple(args)):
        place = place_of(path)
        if isinstance(leaf, jax.core.Tracer):
            msg = f"{place} is traced: under jit, vmap or grad there is no time to be taken; ask outside of them"
            raise InputError(msg)
        if path[0].idx not in numbers:
            continue
        check(place, leaf)
        if not np.all(np.isfinite(np.asarray(array_of(leaf), dtype=float))):
            raise InputError(f"{place} has NaN or infinity in it: give a point at which all numbers are finite")
        total += math.prod(np.shape(leaf))
    if not total:
        raise InputError(f"the arguments have no numbers in them: give {kind} with at least one")


def check_array(place: str, leaf: Pytree) -> None:
    """Check that JAX can differentiate with respect to this leaf; raises InputError."""
    if not isinstance(leaf, NUMBERS):
        raise InputError(f"{place} is of type {type(leaf).__name__}: give arrays of floating-point numbers{_LEAVE_OUT}")
    check_floating(place, leaf, _LEAVE_OUT, "give")


def place_of(path: tuple[Any, ...]) -> str:
    """The name of a path through the tuple of all arguments, such as `argument 0['w']`."""
    return f"argument {path[0].idx}{jax.tree_util.keystr(path[1:])}"


def static_of(args: Sequence[Pytree], numbers: Collection[int]) -> tuple[int, ...]:
    """The arguments to hold unchanged: whole numbers, strings, anything that contains no arrays."""
    static = tuple(i for i, arg in enumerate(args) if i not in numbers and not _is_of_arrays(arg))
    for i in static:
        try:
            hash(args[i])
        except TypeError:
            raise InputError(
                f"argument {i} is a {type(args[i]).__name__} with more than arrays in it, which jax.jit cannot take: "
                "bind it by functools.partial"
            ) from None
    return static


def _is_of_arrays(arg: Pytree) -> bool:
    """Whether jax.jit can take it as arrays; a whole number may be a size, so it stays static."""
    if isinstance(arg, (bool, int, np.bool_, np.integer)):
        return False
    return all(map(_is_number, jax.tree.leaves(arg)))


def _is_number(leaf: object) -> bool:
    """Whether it is an array or a number that JAX computes with; random keys count as arrays."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        return leaf.dtype.kind not in "OUSMm"
    return isinstance(leaf, (jax.Array, float, complex, int))


def as_arrays(arg: Pytree, *, every: bool) -> Pytree:
    """NumPy arrays as JAX arrays, which are not copied at each call; with `every`, Python's numbers as well."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if every or isinstance(leaf, np.ndarray) else leaf, arg)


def wide_axes(args: Sequence[Pytree], static: Sequence[int], numbers: Collection[int]) -> tuple[int | None, ...]:
    """The axis of samples of each argument: 0, or None for non-arrays and for held single numbers."""

    def wide(number: int, arg: Pytree) -> bool:
        leaves = jax.tree.leaves(arg)
        return number not in static and (number in numbers or (bool(leaves) and all(map(np.ndim, leaves))))

    return tuple(0 if wide(number, arg) else None for number, arg in enumerate(args))


def batch_of(args: Sequence[Pytree], axes: Sequence[int | None]) -> int:
    """The length of the axis of samples, which all arrays share; raises InputError otherwise."""
    wide = [arg for arg, axis in zip(args, axes, strict=True) if axis is not None]
    shapes = [tuple(np.shape(leaf)) for leaf in jax.tree.leaves(wide)]
    lengths = {shape[0] if shape else None for shape in shapes}
    if len(lengths) == 1 and (length := lengths.pop()):
        return int(length)
    told = ", ".join(map(str, shapes))
    msg = f"vmap: the inputs have shapes {told}; all of them need the same leading axis, of at least one sample"
    raise InputError(msg)


def first_sample(args: Sequence[Pytree], axes: Sequence[int | None]) -> tuple[Pytree, ...]:
    """The arguments of the first sample, if there are samples."""
    if not axes:
        return tuple(args)
    pairs = zip(args, axes, strict=True)
    return tuple(arg if axis is None else jax.tree.map(lambda a: a[0], arg) for arg, axis in pairs)


def device_of(leaves: Sequence[jax.Array]) -> tuple[Any, str]:
    """The device of the arrays, None if there are several, and its name."""
    devices = sorted({device for leaf in leaves for device in leaf.devices()}, key=lambda device: device.id)
    platform = str(devices[0].platform)
    if len(devices) > 1:
        return None, f"{platform} × {len(devices)}"
    first = devices[0] == jax.devices(platform)[0]
    return devices[0], platform if first else f"{platform}:{devices[0].id}"
