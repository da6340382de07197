"""Calls both sides with the same arguments, and compares their results or exceptions."""

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.reports.situation import Arguments, Call

__all__ = ["another_point", "arguments_of", "assert_same", "compiled", "outcome"]

_ROUNDING = {
    "float64": 1e-9,
    "float32": 1e-4,
    "float16": 2e-2,
    "bfloat16": 1e-1,
    "complex128": 1e-9,
    "complex64": 1e-4,
}
"""Tolerances relative to the largest entry of an array, by its dtype: the two modes add in another order."""

_EIGHT_BITS = 0.25


def outcome(call: Callable[..., Any], arguments: Arguments) -> tuple[Any, type[Exception] | None]:
    """The result, or the type of the exception."""
    args, kwargs = arguments
    try:
        return jax.block_until_ready(call(*args, **kwargs)), None  # type: ignore[no-untyped-call]
    except Exception as error:  # noqa: BLE001 - the other side should raise the same
        return None, type(error)


def assert_same(found: Any, expected: Any, rounding: float = 1.0, *, cancels: bool = True) -> None:
    """Expects the same tree of arrays, shapes and dtypes, NaN for NaN, values up to rounding.

    Where nothing `cancels`, each entry is right relative to itself.
    """
    assert jax.tree.structure(found) == jax.tree.structure(expected)  # type: ignore[operator]
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        if not hasattr(other, "dtype"):
            assert one == other
            continue
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        if jnp.issubdtype(other.dtype, jnp.inexact):
            _assert_close(one, other, rounding * _ROUNDING.get(str(other.dtype), _EIGHT_BITS), cancels=cancels)
        elif not jnp.issubdtype(other.dtype, jax.dtypes.extended):
            np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def _assert_close(found: Any, expected: Any, rounding: float, *, cancels: bool) -> None:
    wide = np.complex128 if jnp.issubdtype(expected.dtype, jnp.complexfloating) else np.float64
    one, other = np.asarray(found).astype(wide), np.asarray(expected).astype(wide)
    sizes = np.abs(other[np.isfinite(other)])
    np.testing.assert_allclose(one, other, rtol=rounding, atol=cancels * rounding * sizes.max(initial=0.0))


def arguments_of(call: Call) -> list[Arguments]:
    """The arguments of the first call and of the later ones."""
    first: Arguments = (call.args, dict(call.kwargs))
    return [first, *(call.again if call.again is not None else [another_point(first)])]


def another_point(arguments: Arguments) -> Arguments:
    """Takes three quarters of every real or complex number."""
    args, kwargs = jax.tree.map(_smaller, arguments)
    return args, kwargs


def _smaller(leaf: Any) -> Any:
    if isinstance(leaf, (float, complex)) and not isinstance(leaf, np.generic):
        return 0.75 * leaf
    if not hasattr(leaf, "dtype") or not jnp.issubdtype(leaf.dtype, jnp.inexact):
        return leaf
    scaled = leaf * leaf.dtype.type(0.75)
    return scaled if isinstance(leaf, jax.Array) else np.asarray(scaled, leaf.dtype)


def compiled(jacobian: Callable[..., Any], arguments: Arguments) -> Callable[[], Any]:
    """A call of the Jacobian under jit: arrays and floats are traced, all else is static if possible."""
    leaves, tree = jax.tree.flatten(arguments)
    traced = [isinstance(leaf, (jax.Array, np.ndarray, np.generic, float, complex)) for leaf in leaves]

    @jax.jit
    def of_traced(values: Sequence[Any]) -> Any:
        rest = iter(values)
        given = [next(rest) if is_traced else leaf for leaf, is_traced in zip(leaves, traced, strict=True)]
        args, kwargs = jax.tree.unflatten(tree, given)
        return jacobian(*args, **kwargs)

    values = [leaf for leaf, is_traced in zip(leaves, traced, strict=True) if is_traced]
    return lambda: of_traced(values)
