"""J · v and u · J of a Jacobian as JAX or PyTorch returns it: a pytree of blocks, dense or sparse.

Multiplies each block in place, a few rows at a time in float64, and assembles no matrix.
"""

from collections.abc import Sequence
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Vector
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import cuts

_AT_ONCE = 1 << 20
"""The number of entries copied to float64 at a time."""

Sizes = tuple[Sequence[int], Sequence[int]]


def products_of(J: Pytree, v: Vector, u: Vector, sizes: Sizes, *, batched: bool) -> Vector:
    """J · v (m,), then u · J (n,); `sizes` of the outputs and of the inputs; `batched`: those of the first sample.

    Raises ValueError where number or sizes of the blocks differ from `sizes`.
    """
    pushed, pulled = np.zeros(len(u)), np.zeros(len(v))
    leaves = jax.tree.leaves(J, is_leaf=_is_sparse)
    places = product(cuts(sizes[0]), cuts(sizes[1]))
    for leaf, (rows, columns) in zip(leaves, places, strict=True):
        height, width = rows.stop - rows.start, columns.stop - columns.start
        if not height * width:
            continue
        if _is_sparse(leaf):
            i, j, data = _entries(leaf, width)
            pushed[rows] += np.bincount(i, data * v[columns][j], minlength=height)
            pulled[columns] += np.bincount(j, data * u[rows][i], minlength=width)
            continue
        block = array_of(leaf)
        block = (block[0] if batched else block).reshape(height, width)
        step = max(1, _AT_ONCE // width)
        for some in (slice(first, first + step) for first in range(0, height, step)):
            part = block[some].astype(np.float64)
            pushed[rows][some] += part @ v[columns]
            pulled[columns] += u[rows][some] @ part
    return np.concatenate([pushed, pulled])


def array_of(leaf: AnyArray) -> AnyArray:
    """An array of JAX or a tensor of PyTorch, copied only from another device; bfloat16 is then JAX's dtype."""
    if not hasattr(leaf, "detach"):
        return np.asarray(leaf)
    tensor = leaf.detach().cpu()
    if str(tensor.dtype) == "torch.bfloat16":
        return np.asarray(tensor.float().numpy(), jnp.bfloat16)
    return np.asarray(tensor)


def _entries(leaf: AnyArray, width: int) -> tuple[AnyArray, AnyArray, Vector]:
    """Rows, columns and values of a sparse block seen as a matrix; padding lies outside it."""
    at = np.asarray(leaf.indices)
    inside = (at < np.array(leaf.shape)).all(axis=1)
    flat = np.ravel_multi_index(tuple(at[inside].T), leaf.shape)
    i, j = np.divmod(flat, width)
    return i, j, np.asarray(leaf.data)[inside].astype(np.float64)


def _is_sparse(leaf: object) -> bool:
    return hasattr(leaf, "todense")
