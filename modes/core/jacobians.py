"""Jacobians of any JAX function of pytrees in a given mode, with all seeds at once or in chunks.

    jacobian_by(f, "forward")(x)                  # jax.jacfwd(f)(x)
    jacobian_by(f, "reverse", chunk=64)(x)        # jax.jacrev(f)(x), with no more than 64 cotangents under way at once

A chunk bounds the memory of intermediate values: `chunk` copies are held instead of one for each column
(forward) or row (reverse). The size of the result does not change.
"""

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from itertools import accumulate, pairwise
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
import numpy as np
from jax.tree_util import PyTreeDef

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.errors import InputError, unknown

Function = Callable[..., Any]

Argnums = int | Sequence[int]
"""Which positional arguments to differentiate with respect to, as in jax.jacobian."""

_MODES = (str(Direction.FORWARD), str(Direction.REVERSE))


def jacobian_by(
    f: Function,
    mode: str,
    argnums: SupportsIndex | Sequence[SupportsIndex] = 0,
    *,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
    chunk: int | None = None,
) -> Function:
    """The Jacobian of `f` by mode "forward" (jax.jacfwd) or "reverse" (jax.jacrev), as a pytree like theirs.

    Without `chunk` this is JAX's own function. With it, `chunk` tangents or cotangents are computed at a time, which
    takes less memory and more time; the function is linearized once, at the point. Integers need reverse mode. Blocks
    that belong to Python's numbers then have the dtype of JAX's, but are not weakly typed.

    Raises InputError for an unknown mode and for a chunk that is not a whole number from 1 on.
    """
    if mode not in _MODES:
        raise unknown("mode", mode, _MODES)
    numbers = checked_argnums(argnums)
    if mode == Direction.FORWARD:
        plain = jax.jacfwd(f, numbers, has_aux=has_aux, holomorphic=holomorphic)
    else:
        plain = jax.jacrev(f, numbers, has_aux=has_aux, holomorphic=holomorphic, allow_int=allow_int)
    size = checked_chunk(chunk)
    if size is None:
        return plain
    in_chunks = _pushed if mode == Direction.FORWARD else _pulled

    @wraps(f)
    def jacobian(*args: Pytree, **kwargs: Pytree) -> Pytree:
        if not present(numbers, args):
            return plain(*args, **kwargs)  # JAX's own error says what is wrong
        leaves, tree = jax.tree.flatten(selected(numbers, args))
        if not leaves or not _differentiable(leaves, holomorphic=holomorphic, mode=mode, allow_int=allow_int):
            return plain(*args, **kwargs)
        at = curried(f, numbers, args, kwargs)
        found = in_chunks(_of_inexact(at, leaves, tree), leaves, tree, size, has_aux=has_aux, holomorphic=holomorphic)
        return plain(*args, **kwargs) if found is None else found

    return jacobian


def checked_chunk(chunk: int | None) -> int | None:
    """Returns the chunk if it is None or a whole number from 1 on; raises InputError otherwise."""
    if chunk is None or (isinstance(chunk, int) and not isinstance(chunk, bool) and chunk > 0):
        return chunk
    raise InputError(f"a chunk of {chunk!r}: give a whole number from 1 on, or None for all at once")


def checked_argnums(argnums: SupportsIndex | Sequence[SupportsIndex]) -> Argnums:
    """An int as it is, anything else as a tuple of ints: jax.jacobian takes an integer of NumPy for a sequence of one.

    Raises TypeError for anything that is not an index.
    """
    if isinstance(argnums, int):
        return argnums
    try:
        return (operator.index(argnums),)  # type: ignore[arg-type]  # it may be a sequence
    except TypeError:
        return tuple(map(operator.index, argnums))  # type: ignore[arg-type]


def numbers_of(argnums: Argnums, args: Sequence[Any]) -> set[int]:
    """The same as a set, counted from the first argument."""
    return {number + len(args) if number < 0 else number for number in _numbers(argnums)}


def present(argnums: Argnums, args: Sequence[Any]) -> bool:
    """Whether the function has arguments at all these positions."""
    return numbers_of(argnums, args) <= set(range(len(args)))


def selected(argnums: Argnums, args: Sequence[Any]) -> Pytree:
    """The argument, or the tuple of arguments, that the Jacobian is taken with respect to."""
    return args[argnums] if isinstance(argnums, int) else tuple(args[number] for number in argnums)


def curried(f: Function, argnums: Argnums, args: Sequence[Any], kwargs: dict[str, Any]) -> Function:
    """`f` as a function of the arguments `argnums` (the argument itself for a single number), the others held."""
    numbers = _numbers(argnums)

    def at(wanted: Pytree) -> Pytree:
        given = list(args)
        for number, value in zip(numbers, [wanted] if isinstance(argnums, int) else wanted, strict=True):
            given[number] = value
        return f(*given, **kwargs)

    return at


def _numbers(argnums: Argnums) -> Sequence[int]:
    return [argnums] if isinstance(argnums, int) else argnums


def of_kind(leaf: Pytree, kind: type[Any]) -> bool:
    """Whether a leaf is a number or an array of that kind."""
    if not isinstance(leaf, (jax.Array, np.ndarray, np.generic, float, complex, int)):
        return False
    dtype = leaf.dtype if hasattr(leaf, "dtype") else jnp.result_type(leaf)
    return bool(jnp.issubdtype(dtype, kind))


def _inexact(leaf: object) -> bool:
    """Whether a leaf has a derivative: real or complex numbers do."""
    return of_kind(leaf, jnp.inexact)


def _differentiable(leaves: Sequence[Any], *, holomorphic: bool, mode: str, allow_int: bool) -> bool:
    """Whether JAX can differentiate with respect to these arguments."""
    if not all(of_kind(leaf, jnp.number) or of_kind(leaf, jnp.bool_) for leaf in leaves):
        return False
    if holomorphic:
        return all(of_kind(leaf, jnp.complexfloating) for leaf in leaves)
    if mode == Direction.FORWARD:
        return all(of_kind(leaf, jnp.floating) for leaf in leaves)
    return allow_int or all(map(_inexact, leaves))


def _of_inexact(at: Function, leaves: Sequence[Any], tree: PyTreeDef) -> Function:
    """The function of the differentiable leaves, with the others held fixed."""

    def of(*values: AnyArray) -> Pytree:
        rest = iter(values)
        return at(jax.tree.unflatten(tree, [next(rest) if _inexact(leaf) else leaf for leaf in leaves]))

    return of


def _pushed(
    of: Function, leaves: Sequence[Any], tree: PyTreeDef, chunk: int, *, has_aux: bool, holomorphic: bool
) -> Pytree:
    """Column by column; None where JAX refuses the function's output."""
    y, push, *aux = jax.linearize(of, *leaves, has_aux=has_aux)  # type: ignore[call-overload]  # a literal is wanted
    outs, out_tree = jax.tree.flatten(y)
    if holomorphic and not all(of_kind(out, jnp.complexfloating) for out in outs):
        return None

    def moved(*seed: AnyArray) -> list[AnyArray]:
        return [t for t, out in zip(jax.tree.leaves(push(*seed)), outs, strict=True) if _inexact(out)]

    columns = iter(_in_chunks(moved, leaves, chunk))
    rows = []
    for out in outs:
        tangents = next(columns) if _inexact(out) else jnp.zeros((sum(map(np.size, leaves)), *np.shape(out)), out.dtype)
        parts = zip(leaves, cuts(map(np.size, leaves)), strict=True)
        blocks = [jnp.moveaxis(tangents[cut], 0, -1).reshape(np.shape(out) + np.shape(x)) for x, cut in parts]
        rows.append(jax.tree.unflatten(tree, blocks))
    jacobian = jax.tree.unflatten(out_tree, rows)
    return (jacobian, *aux) if has_aux else jacobian


def _pulled(
    of: Function, leaves: Sequence[Any], tree: PyTreeDef, chunk: int, *, has_aux: bool, holomorphic: bool
) -> Pytree:
    """Row by row; None where JAX refuses the function's output."""
    y, pull, *aux = jax.vjp(of, *filter(_inexact, leaves), has_aux=has_aux)  # type: ignore[call-overload]  # as above
    outs, out_tree = jax.tree.flatten(y)
    if not outs or not all(of_kind(out, jnp.complexfloating if holomorphic else jnp.floating) for out in outs):
        return None
    rows = iter(_in_chunks(lambda *seed: pull(jax.tree.unflatten(out_tree, seed)), outs, chunk))
    columns = [next(rows) if _inexact(x) else None for x in leaves]

    def block(x: AnyArray, found: AnyArray | None, out: AnyArray, cut: slice) -> AnyArray:
        shape = np.shape(out) + np.shape(x)
        return jnp.zeros(shape, jnp.result_type(x)) if found is None else found[cut].reshape(shape)

    blocks = [
        jax.tree.unflatten(tree, [block(x, found, out, cut) for x, found in zip(leaves, columns, strict=True)])
        for out, cut in zip(outs, cuts(map(np.size, outs)), strict=True)
    ]
    jacobian = jax.tree.unflatten(out_tree, blocks)
    return (jacobian, *aux) if has_aux else jacobian


def _in_chunks(linear: Function, like: Sequence[Any], chunk: int) -> Sequence[AnyArray]:
    """Applies a linear function to every unit vector of the space of `like`, made chunk by chunk."""
    total = sum(map(np.size, like))

    def one(i: AnyArray) -> Sequence[AnyArray]:
        unit = jnp.arange(total) == i
        parts = zip(like, cuts(map(np.size, like)), strict=True)
        return tuple(linear(*(unit[cut].reshape(np.shape(x)).astype(jnp.result_type(x)) for x, cut in parts)))

    whole = total // chunk
    some: Sequence[AnyArray] = jax.vmap(one)(jnp.arange(whole * chunk, total)) if total % chunk or not total else ()
    if not whole:
        return some
    # jax.lax.map with a batch_size does the same, but not where a result is empty
    blocks = jax.lax.map(jax.vmap(one), jnp.arange(whole * chunk).reshape(whole, chunk))
    many = tuple(block.reshape(whole * chunk, *block.shape[2:]) for block in blocks)
    return tuple(map(jnp.concatenate, zip(many, some, strict=True))) if some else many


def cuts(sizes: Iterable[int]) -> list[slice]:
    """The slice of the whole vector that holds each part."""
    return [slice(a, b) for a, b in pairwise(accumulate(sizes, initial=0))]
