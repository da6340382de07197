"""Mixed mode for a user's function that is given as stages: the cheapest brackets between their Jacobians.

    mixed([encode, decode])(x)          # jax.jacobian(lambda x: decode(encode(x)))(x), through the waist

Forward and reverse mode are two of the brackets. A stage's Jacobian is pushed or pulled through, and formed only where
that is cheaper; what a pass through it costs is what XLA counts for its value.
"""

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from fwdrev.modes.arrays import AnyArray
from fwdrev.modes.bracketing import cheapest
from fwdrev.modes.errors import InputError
from fwdrev.modes.tree import How, Leaf, Tree

__all__ = ["mixed"]

Function = Callable[..., Any]


def mixed(stages: Sequence[Function]) -> Function:
    """The Jacobian of the stages applied one after the other, as jax.jacobian returns that of the whole.

    Each stage takes one argument, an array or a pytree of arrays. Raises InputError without any stage.
    """
    if not stages:
        raise InputError("no stages: give at least one function")

    def jacobian(x: Any) -> Any:  # noqa: ANN401 - a pytree
        values = [x]
        for stage in stages:
            values.append(stage(values[-1]))
        vectors, unravels = zip(*map(ravel_pytree, values), strict=True)
        flat = [_flat(stage, unravel) for stage, unravel in zip(stages, unravels, strict=False)]
        factors = [(y.size, x.size, _edges(f, x)) for f, (x, y) in zip(flat, pairwise(vectors), strict=True)]
        J = _product(cheapest(factors).tree, flat, vectors)
        return _blocks(J, values[-1], x)

    return jacobian


def _flat(stage: Function, unravel: Function) -> Function:
    """A stage as a function of one vector."""
    return lambda v: ravel_pytree(stage(unravel(v)))[0]


def _edges(function: Function, x: AnyArray) -> int:
    """Multiply–adds of a pass: at least one for each input."""
    like = jax.ShapeDtypeStruct(x.shape, x.dtype)  # type: ignore[no-untyped-call] # of JAX
    counts: Any = jax.jit(function).lower(like).cost_analysis()
    return max(int(x.size), int((counts or {}).get("flops", 0)))


def _product(tree: Tree, flat: Sequence[Function], vectors: Sequence[AnyArray]) -> AnyArray:
    """The Jacobian of the stages of a tree."""
    if isinstance(tree, Leaf):
        f, x = flat[tree.layer], vectors[tree.layer]
        return (jax.jacrev if x.size > vectors[tree.layer + 1].size else jax.jacfwd)(f)(x)
    if tree.how is How.PUSH and isinstance(tree.left, Leaf):
        V = _product(tree.right, flat, vectors)
        _, push = jax.linearize(flat[tree.left.layer], vectors[tree.left.layer])
        return jax.vmap(push, in_axes=1, out_axes=1)(V)
    if tree.how is How.PULL and isinstance(tree.right, Leaf):
        U = _product(tree.left, flat, vectors)
        _, pull = jax.vjp(flat[tree.right.layer], vectors[tree.right.layer])
        return jax.vmap(pull)(U)[0]
    return _product(tree.left, flat, vectors) @ _product(tree.right, flat, vectors)


def _blocks(J: AnyArray, y: Any, x: Any) -> Any:  # noqa: ANN401 - pytrees
    """A matrix as a pytree like `y` of pytrees like `x`."""
    outs, ins = jax.tree.leaves(y), jax.tree.leaves(x)
    rows, columns = (list(accumulate((jnp.size(leaf) for leaf in leaves), initial=0)) for leaves in (outs, ins))
    return jax.tree.unflatten(
        jax.tree.structure(y),
        [
            jax.tree.unflatten(
                jax.tree.structure(x),
                [
                    J[i:i_end, j:j_end].reshape(*jnp.shape(out), *jnp.shape(one))
                    for one, (j, j_end) in zip(ins, pairwise(columns), strict=True)
                ],
            )
            for out, (i, i_end) in zip(outs, pairwise(rows), strict=True)
        ],
    )
