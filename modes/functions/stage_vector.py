"""Converts the pytree between two stages of a function to one real vector and back.

vector = StageVector({"z": z, "index": 3})
v = vector.read(dtype)             # the entries of z: real and imaginary parts, if it is complex
vector.write(v)                    # {"z": z, "index": 3}
"""

from collections.abc import Hashable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import cuts, of_kind


class StageVector:
    """The entries of all differentiable leaves, leaf after leaf; the other leaves keep their values.

    With `held_imaginary` so are imaginary parts: a holomorphic function is known by its derivative along the real axis.
    """

    def __init__(self, value: Pytree, *, held_imaginary: bool = False) -> None:
        self._held_imaginary = held_imaginary
        self.leaves, self.tree = jax.tree.flatten(value)
        """The leaves of the pytree, differentiable or not."""
        sizes = [size for leaf in self.leaves for size in self._sizes(leaf)]
        places = cuts(sizes)
        self.parts = [
            (real, imaginary if _complex(leaf) and not held_imaginary else None)
            for leaf, real, imaginary in zip(self.leaves, places[::2], places[1::2], strict=True)
        ]
        """For each leaf: the places of its real parts and of its imaginary parts, if it has any."""
        self.size = sum(sizes)
        """The length of the vector."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest dtype that holds all entries."""
        real = [jnp.real(leaf).dtype for leaf in self.leaves if of_kind(leaf, jnp.inexact)]
        return jnp.result_type(*real) if real else jnp.result_type(float)

    @property
    def key(self) -> Hashable:
        """A key that is equal for vectors of the same tree, shapes and dtypes."""
        return self.tree, tuple(
            (jnp.shape(x), jnp.result_type(x)) if of_kind(x, jnp.number) else type(x) for x in self.leaves
        )

    def read(self, dtype: np.dtype[Any]) -> AnyArray:
        """The entries of the pytree as a vector of that dtype."""
        entries = []
        for leaf, (_, imaginary) in zip(self.leaves, self.parts, strict=True):
            if of_kind(leaf, jnp.inexact):
                entries.append(jnp.real(leaf).reshape(-1).astype(dtype))
            if imaginary is not None:
                entries.append(jnp.imag(leaf).reshape(-1).astype(dtype))
        return jnp.concatenate(entries) if entries else jnp.zeros(0, dtype)

    def write(self, x: AnyArray) -> Pytree:
        """The pytree that has these entries."""
        leaves = []
        for leaf, (real, imaginary) in zip(self.leaves, self.parts, strict=True):
            if not of_kind(leaf, jnp.inexact):
                leaves.append(leaf)
                continue
            part = x[real].reshape(jnp.shape(leaf))
            if _complex(leaf):
                other = jnp.imag(leaf) if imaginary is None else x[imaginary].reshape(jnp.shape(leaf))
                part = jax.lax.complex(part, other.astype(part.dtype))
            leaves.append(part.astype(jnp.result_type(leaf)))
        return jax.tree.unflatten(self.tree, leaves)

    def _sizes(self, leaf: Pytree) -> tuple[int, int]:
        """The slices of the real and of the imaginary parts."""
        size = jnp.size(leaf) if of_kind(leaf, jnp.inexact) else 0
        return size, size if _complex(leaf) and not self._held_imaginary else 0


def _complex(leaf: object) -> bool:
    return of_kind(leaf, jnp.complexfloating)
