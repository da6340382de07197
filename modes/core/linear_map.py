"""Linear maps: a Jacobian that can be pushed through, pulled back, or written out.

A map J of shape (n_out, n_in) answers three calls, each with an optional `out` to write into:

    push(V)  = J · V     V holds one tangent per column,  (n_in, q)  -> (n_out, q)
    pull(U)  = U · J     U holds one cotangent per row,   (r, n_out) -> (r, n_in)
    dense()  = J         written out,                                  (n_out, n_in)

and gives the cost of each: `push_cost(q)`, `pull_cost(r)`, `dense_cost()`. Structured maps never form what they need
not. `V`, `U` and `out` may have any memory layout; a result has none of its operands' memory.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from fwdrev.modes.core.arrays import Matrix, Order, Vector
from fwdrev.modes.core.cost import Cost, Kind

Tangents = Shaped[np.ndarray, "{self.n_in} q"]
Pushed = Shaped[np.ndarray, "{self.n_out} q"]
Cotangents = Shaped[np.ndarray, "r {self.n_out}"]
Pulled = Shaped[np.ndarray, "r {self.n_in}"]
Written = Shaped[np.ndarray, "{self.n_out} {self.n_in}"]

_SMALL = 2048
"""Entries up to which a copy takes less time than the difference between the two calls (measured)."""


class LinearMap(ABC):
    """A linear map at one point; `shape` is (n_out, n_in)."""

    __slots__ = ("n_in", "n_out")

    n_out: int
    n_in: int

    @property
    def shape(self) -> tuple[int, int]:
        """(n_out, n_in)."""
        return self.n_out, self.n_in

    @property
    def order(self) -> Order | None:
        """The order in which its matrix is stored, which suits pushed matrices, too; None where it does not matter.

        Mixed orders can take several times as long.
        """
        return None

    @abstractmethod
    def push(self, V: Tangents, out: Pushed | None = None) -> Pushed:
        """J · V."""

    @abstractmethod
    def pull(self, U: Cotangents, out: Pulled | None = None) -> Pulled:
        """U · J."""

    @abstractmethod
    def dense(self, out: Written | None = None) -> Written:
        """J itself, in memory of its own (or in `out`)."""

    @abstractmethod
    def push_cost(self, q: int) -> Cost:
        """The cost of `push` for q tangents."""

    @abstractmethod
    def pull_cost(self, r: int) -> Cost:
        """The cost of `pull` for r cotangents."""

    @abstractmethod
    def dense_cost(self) -> Cost:
        """The cost of `dense`."""


def _write_product(A: Matrix, B: Matrix, out: Matrix) -> Matrix:
    """A · B into `out`. `ndarray.dot` has half the call overhead of `matmul`, but writes to contiguous memory only."""
    if out.size <= _SMALL:
        out[:] = A.dot(B)
        return out
    return np.matmul(A, B, out)


def _product(A: Matrix, B: Matrix, out: Matrix | None) -> Matrix:
    """A · B, in `out` if given."""
    return A.dot(B) if out is None else _write_product(A, B, out)


def _stored(M: Matrix) -> Order:
    return "F" if M.flags.f_contiguous and not M.flags.c_contiguous else "C"


def _pushing(order: Order) -> Kind:
    """The kind of operation that a push is: its result is stored in the map's order."""
    return Kind.PUSH if order == "F" else Kind.PULL


class Full(LinearMap):
    """A matrix without structure. push: n_out·n_in·q multiply–adds; pull: r·n_out·n_in."""

    __slots__ = ("M",)

    def __init__(self, M: Matrix) -> None:
        """Refers to the matrix `M` without a copy."""
        self.M = M
        self.n_out, self.n_in = M.shape

    @property
    def order(self) -> Order:
        """The memory order of M."""
        return _stored(self.M)

    def push(self, V: Tangents, out: Pushed | None = None) -> Pushed:
        """M · V."""
        return self.M.dot(V) if out is None else _write_product(self.M, V, out)

    def pull(self, U: Cotangents, out: Pulled | None = None) -> Pulled:
        """U · M."""
        return U.dot(self.M) if out is None else _write_product(U, self.M, out)

    def dense(self, out: Written | None = None) -> Written:
        """A copy of M."""
        out = np.empty(self.shape, self.M.dtype) if out is None else out
        out[...] = self.M
        return out

    def push_cost(self, q: int) -> Cost:
        """One product of (n_out, n_in) and (n_in, q)."""
        return Cost.product(self.n_out, self.n_in, q, _pushing(self.order))

    def pull_cost(self, r: int) -> Cost:
        """One product of (r, n_out) and (n_out, n_in)."""
        return Cost.product(r, self.n_out, self.n_in, Kind.PULL)

    def dense_cost(self) -> Cost:
        """A copy."""
        return Cost.copy(self.n_out, self.n_in)


class Diagonal(LinearMap):
    """diag(d): an activation's Jacobian. push: n·q multiplications; pull: r·n."""

    __slots__ = ("column", "row")

    def __init__(self, d: Vector) -> None:
        """Refers to `d` without a copy, so that its owner may overwrite it in place."""
        self.column = d[:, None]
        self.row = d[None, :]
        self.n_out = self.n_in = d.size

    def push(self, V: Tangents, out: Pushed | None = None) -> Pushed:
        """diag(d) · V."""
        product: Matrix = np.multiply(self.column, V, out)
        return product

    def pull(self, U: Cotangents, out: Pulled | None = None) -> Pulled:
        """U · diag(d)."""
        product: Matrix = np.multiply(U, self.row, out)
        return product

    def dense(self, out: Written | None = None) -> Written:
        """diag(d) written out, zeros included."""
        out = np.empty(self.shape, self.row.dtype) if out is None else out
        out[...] = 0
        np.einsum("ii->i", out)[...] = self.row[0]
        return out

    def push_cost(self, q: int) -> Cost:
        """One multiplication per entry."""
        return Cost.scaling(self.n_out, q, Kind.SCALE_ROWS)

    def pull_cost(self, r: int) -> Cost:
        """One multiplication per entry."""
        return Cost.scaling(r, self.n_out, Kind.SCALE_COLUMNS)

    def dense_cost(self) -> Cost:
        """No arithmetic: zeros and a copy of d."""
        return Cost.copy(self.n_out, self.n_in)


class Scaled(LinearMap):
    """S · M with S = diag(d), never formed unless that is the cheapest way: of the factors it scales the smaller.

    push: n_out·n_in·q + n_out·min(n_in, q) multiply–adds; pull: r·n_out·n_in + n_out·min(n_in, r).
    """

    __slots__ = ("M", "S")

    def __init__(self, S: Diagonal, M: Matrix) -> None:
        """Refers to S and M without copies."""
        self.S = S
        self.M = M
        self.n_out, self.n_in = M.shape

    @property
    def order(self) -> Order:
        """The memory order of M."""
        return _stored(self.M)

    def push(self, V: Tangents, out: Pushed | None = None) -> Pushed:
        """S · M · V."""
        if self.n_in <= V.shape[1]:
            return _product(self.S.push(self.M), V, out)
        out = _product(self.M, V, out)
        return self.S.push(out, out)

    def pull(self, U: Cotangents, out: Pulled | None = None) -> Pulled:
        """U · S · M."""
        if self.n_in <= U.shape[0]:
            return _product(U, self.S.push(self.M), out)
        return _product(self.S.pull(U), self.M, out)

    def dense(self, out: Written | None = None) -> Written:
        """S · M: n_out·n_in multiplications."""
        return self.S.push(self.M, out)

    def push_cost(self, q: int) -> Cost:
        """The product and the scaling of its smaller side."""
        return Cost.product(self.n_out, self.n_in, q, _pushing(self.order)) + self.S.push_cost(min(self.n_in, q))

    def pull_cost(self, r: int) -> Cost:
        """The product and the scaling of its smaller side."""
        scaling = self.S.push_cost(self.n_in) if self.n_in <= r else self.S.pull_cost(r)
        return scaling + Cost.product(r, self.n_out, self.n_in, Kind.PULL)

    def dense_cost(self) -> Cost:
        """The scaling alone."""
        return self.S.push_cost(self.n_in)


def shared_scaling(maps: Sequence[LinearMap | None], r: int) -> tuple[Diagonal | None, Sequence[LinearMap | None]]:
    """Split off the work that pulling r cotangents through each of `maps` would repeat; None is an unwanted map.

    Where all begin with the same diagonal S and pulling through S once takes no more multiplications than scaling the
    smaller side of each, returns S and the maps behind it; otherwise None and the maps as they are.
    """
    wanted = [J for J in maps if J is not None]
    scaled = [J for J in wanted if isinstance(J, Scaled)]
    if not scaled or len(scaled) < len(wanted) or any(J.S is not scaled[0].S for J in scaled):
        return None, maps
    if r > sum(min(J.n_in, r) for J in scaled):
        return None, maps
    return scaled[0].S, [Full(J.M) if isinstance(J, Scaled) else None for J in maps]
