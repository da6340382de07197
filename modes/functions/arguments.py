"""The arguments of a user's function: which are differentiated, which are held, which have an axis of samples."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.errors import InputError

__all__ = ["as_arrays", "device_of", "first_sample", "numbers_of", "static_of", "wide_axes"]


def numbers_of(argnums: int | tuple[int, ...]) -> tuple[int, ...]:
    """The arguments that are differentiated."""
    return (argnums,) if isinstance(argnums, int) else argnums


def wide_axes(args: Sequence[Any], static: Sequence[int], numbers: Sequence[int]) -> tuple[int | None, ...]:
    """The axis of samples of each argument: the first; none of what is no array, or a single number that is held."""

    def wide(number: int, arg: Any) -> bool:  # noqa: ANN401 - a pytree
        leaves = jax.tree.leaves(arg)
        return number not in static and (number in numbers or (bool(leaves) and all(map(np.ndim, leaves))))

    return tuple(0 if wide(number, arg) else None for number, arg in enumerate(args))


def static_of(args: Sequence[Any], numbers: Sequence[int]) -> tuple[int, ...]:
    """The arguments that are held as they are: whole numbers, strings, anything that is no array nor full of them."""
    static = tuple(i for i, arg in enumerate(args) if i not in numbers and not _is_of_arrays(arg))
    for i in static:
        try:
            hash(args[i])
        except TypeError:
            msg = (
                f"argument {i} is a {type(args[i]).__name__} with more than arrays in it, which jax.jit cannot take: "
                "bind it by functools.partial"
            )
            raise InputError(msg) from None
    return static


def _is_of_arrays(arg: Any) -> bool:  # noqa: ANN401 - a pytree
    """Whether jax.jit takes it as arrays; a whole number may be a size, which it would not be any more."""
    if isinstance(arg, (bool, int, np.bool_, np.integer)):
        return False
    return all(map(_is_number, jax.tree.leaves(arg)))


def _is_number(leaf: Any) -> bool:  # noqa: ANN401 - anything
    """Whether it is an array, or a number, of what JAX computes with; keys of random numbers are arrays."""
    if isinstance(leaf, (np.ndarray, np.generic)):
        return leaf.dtype.kind not in "OUSMm"
    return isinstance(leaf, (jax.Array, float, complex, int))


def as_arrays(arg: Any, *, every: bool) -> Any:  # noqa: ANN401 - a pytree
    """Arrays of NumPy as those of JAX, which are not copied at each call; `every`: Python's numbers as well."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf) if every or isinstance(leaf, np.ndarray) else leaf, arg)


def first_sample(args: tuple[Any, ...], axes: Sequence[int | None]) -> tuple[Any, ...]:
    """The arguments of the first sample, if there are samples."""
    if not axes:
        return args
    pairs = zip(args, axes, strict=True)
    return tuple(arg if axis is None else jax.tree.map(lambda a: a[0], arg) for arg, axis in pairs)


def device_of(leaves: Sequence[Any]) -> tuple[Any, str]:
    """Where the arrays are, None if on several devices, and its name."""
    devices = sorted({device for leaf in leaves for device in leaf.devices()}, key=lambda device: device.id)
    platform = str(devices[0].platform)
    if len(devices) > 1:
        return None, f"{platform} × {len(devices)}"
    first = devices[0] == jax.devices(platform)[0]
    return devices[0], platform if first else f"{platform}:{devices[0].id}"
