"""Linear maps with more structure than a matrix: `Outer`, a dense layer's dependence on its parameters, and `Zero`."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.modes.core.cost import Cost
from fwdrev.modes.core.linear_map import Cotangents, LinearMap, Pulled, Pushed, Tangents, Written


class Outer(LinearMap):
    """( I ⊗ xᵀ │ I ): how `W x + b` depends on its parameters, (W by rows, then b).

    Shape (n, n·x.size + n). push: n·x.size·q multiply–adds; pull: r·n·x.size. The same products with the matrix written
    out, where all but one entry in n of a row are zero, cost n times as much.
    """

    __slots__ = ("x",)

    def __init__(self, x: Vector, n_out: int) -> None:
        """The map for the layer input `x`, referred to and read at every call, and `n_out` rows of weights."""
        self.x = x
        self.n_out = n_out
        self.n_in = n_out * (x.size + 1)

    def push(self, V: Tangents, out: Pushed | None = None) -> Pushed:
        """Row i is x · V_i + v_i, V_i the tangents of row i of W and v_i those of b_i."""
        q, weights = V.shape[1], self.n_out * self.x.size
        rows = np.tensordot(V[:weights].reshape(self.n_out, self.x.size, q), self.x, axes=(1, 0))
        total: Matrix = np.add(rows, V[weights:], out)
        return total

    def pull(self, U: Cotangents, out: Pulled | None = None) -> Pulled:
        """( U ⊗ xᵀ │ U )."""
        r, weights = U.shape[0], self.n_out * self.x.size
        out = np.empty((r, self.n_in), U.dtype) if out is None else out
        np.multiply(U[:, :, None], self.x, self._by_row(out[:, :weights], r))
        out[:, weights:] = U
        return out

    def dense(self, out: Written | None = None) -> Written:
        """The matrix written out, zeros included."""
        weights = self.n_out * self.x.size
        out = np.empty(self.shape, self.x.dtype) if out is None else out
        out[...] = 0
        np.einsum("iij->ij", self._by_row(out[:, :weights], self.n_out))[...] = self.x
        np.einsum("ii->i", out[:, weights:])[...] = 1
        return out

    def _by_row(self, weights: Matrix, r: int) -> Shaped[np.ndarray, "r {self.n_out} _"]:
        """The (r, n_out·x.size) block seen as (r, n_out, x.size): splitting an axis never copies."""
        return weights.reshape(r, self.n_out, self.x.size, copy=False)

    def push_cost(self, q: int) -> Cost:
        """n_out products of a (q, x.size) block and x."""
        moved = self.n_in * q + self.x.size + self.n_out * q
        return Cost.outer(self.n_out, q, self.n_out * self.x.size * q, moved)

    def pull_cost(self, r: int) -> Cost:
        """R outer products of a cotangent and x."""
        moved = r * self.n_out + self.x.size + r * self.n_in
        return Cost.outer(r, self.n_in, r * self.n_out * self.x.size, moved)

    def dense_cost(self) -> Cost:
        """Zeros and n_out copies of x; no arithmetic."""
        return Cost.copy(self.n_out, self.n_in)


class Zero(LinearMap):
    """The zero map; with n_in = 0 it is the J_θ of a layer without parameters. Costs no arithmetic."""

    __slots__ = ("dtype",)

    def __init__(self, n_out: int, n_in: int, dtype: np.dtype[Any]) -> None:
        """The zero map of that shape."""
        self.n_out, self.n_in, self.dtype = n_out, n_in, dtype

    def _zeros(self, rows: int, columns: int, out: Matrix | None) -> Matrix:
        out = np.empty((rows, columns), self.dtype) if out is None else out
        out[...] = 0
        return out

    def push(self, V: Tangents, out: Pushed | None = None) -> Pushed:
        """Zeros, (n_out, q)."""
        return self._zeros(self.n_out, V.shape[1], out)

    def pull(self, U: Cotangents, out: Pulled | None = None) -> Pulled:
        """Zeros, (r, n_in)."""
        return self._zeros(U.shape[0], self.n_in, out)

    def dense(self, out: Written | None = None) -> Written:
        """Zeros, (n_out, n_in)."""
        return self._zeros(self.n_out, self.n_in, out)

    def push_cost(self, q: int) -> Cost:
        """The cost of writing zeros."""
        return Cost.copy(self.n_out, q)

    def pull_cost(self, r: int) -> Cost:
        """The cost of writing zeros."""
        return Cost.copy(r, self.n_in)

    def dense_cost(self) -> Cost:
        """The cost of writing zeros."""
        return Cost.copy(self.n_out, self.n_in)
