"""Whether forward and reverse mode give the same Jacobian at a point: one tangent pushed against one cotangent pulled.

    found = products_of(f, x)
    found.agree                  # uᵀ(J v) is (uᵀ J) v, and both are finite

JAX and PyTorch have rules for both modes, and a user may add more; where two rules differ, so do the two numbers.
The cost is that of one pass of each mode, whatever the size of the Jacobian.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import of_kind

_AGREE = {1: 0.5, 2: 2e-2, 4: 1e-4, 8: 1e-8}
"""The allowed difference by bytes of a real number, relative to the sum of the absolute values of the terms.
Rounding alone moves them by far less."""

_ROUNDING = 100.0
"""A factor on the allowed difference; up to there, an unstable function's rounding errors may explain it."""

DType = str | np.dtype[Any]

_SEED = 7
"""The seed of the directions, which are the same in every run and on every machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Products:
    """uᵀ(J v), J v `pushed` by forward mode, and (uᵀ J) v, uᵀ J `pulled` by reverse mode.

    `apart`: their difference relative to their terms; NaN where any number of J v or uᵀ J is not finite. `allowed`:
    what rounding explains in this precision.
    """

    pushed: complex
    pulled: complex
    apart: float
    allowed: float

    @property
    def agree(self) -> bool:
        """Whether the two products agree; False where one is not finite."""
        return self.apart <= self.allowed

    @property
    def contradict(self) -> bool:
        """Whether both are finite and differ by more than any stable function's rounding errors."""
        return self.apart > _ROUNDING * self.allowed

    def __str__(self) -> str:
        """Such as `forward mode gives 1.5 and reverse mode 2`, for the same product."""
        if math.isnan(self.apart):
            return "a product with the Jacobian has NaN or infinity in it"
        pushed, pulled = (z.real if z.imag == 0 else z for z in (self.pushed, self.pulled))
        return f"of the same product uᵀ J v forward mode gives {pushed:.6g} and reverse mode {pulled:.6g}"


def products_of(f: Callable[[Pytree], Pytree], x: Pytree) -> Products:
    """The two products of a JAX function of one pytree at a concrete point.

    Costs jax.jvp and jax.vjp once each, not compiled as a whole. Of the leaves of `x` the inexact ones are
    differentiated; those of the value have to be. Raises whatever `f` or its rules raise.
    """
    leaves, tree = jax.tree.flatten(x)
    moved = [i for i, leaf in enumerate(leaves) if of_kind(leaf, jnp.inexact)]

    def of(*values: AnyArray) -> list[AnyArray]:
        given = list(leaves)
        for i, value in zip(moved, values, strict=True):
            given[i] = value
        return jax.tree.leaves(f(jax.tree.unflatten(tree, given)))

    primals = tuple(jnp.asarray(leaves[i]) for i in moved)
    v = directions([p.shape for p in primals], [p.dtype for p in primals])
    pushed = jax.jvp(of, primals, tuple(v))[1]
    y, pull = jax.vjp(of, *primals)
    u = directions([out.shape for out in y], [out.dtype for out in y])
    return compared(u, pushed, pull(u), v, real_bytes=min([8, *(part.real.dtype.itemsize for part in (*u, *v))]))


def directions(shapes: Sequence[tuple[int, ...]], dtypes: Sequence[DType]) -> list[AnyArray]:
    """An array of each shape and dtype, no entry of which is zero, with a length of about one in all."""
    rng, total = np.random.default_rng(_SEED), sum(int(np.prod(shape)) for shape in shapes)
    scale = max(1, total) ** -0.5

    def one(shape: tuple[int, ...], dtype: DType) -> AnyArray:
        signs, sizes = rng.choice([-1.0, 1.0], shape), rng.uniform(0.5, 1.5, shape)
        return np.asarray(scale * signs * sizes).astype(dtype)

    return [one(tuple(shape), dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]


def compared(
    u: Sequence[AnyArray],
    pushed: Sequence[AnyArray],
    pulled: Sequence[AnyArray],
    v: Sequence[AnyArray],
    *,
    real_bytes: int,
) -> Products:
    """The record of u, v, J v and uᵀ J, array by array, in a precision of that many bytes."""
    terms = [_terms(u, pushed), _terms(pulled, v)]
    sums = [complex(sum(part.sum() for part in side)) for side in terms]
    size = sum(float(np.abs(part).sum()) for side in terms for part in side)
    finite = all(np.isfinite(part).all() for side in terms for part in side)
    apart = abs(sums[0] - sums[1]) / (size or 1.0) if finite else math.nan
    return Products(pushed=sums[0], pulled=sums[1], apart=apart, allowed=_AGREE[real_bytes])


def _terms(one: Sequence[AnyArray], other: Sequence[AnyArray]) -> list[AnyArray]:
    """The entrywise products in double precision."""
    return [_wide(a).ravel() * _wide(b).ravel() for a, b in zip(one, other, strict=True)]


def _wide(values: AnyArray) -> AnyArray:
    array = np.asarray(values)
    return array.astype(complex if np.issubdtype(array.dtype, np.complexfloating) else float)
