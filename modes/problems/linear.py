"""Problems whose Jacobian is a known matrix, the same everywhere: `mgh32`, `mgh33` and `arrowhead`.

They have no parameters: n counts the entries of x, and a sweep is with respect to x.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.layers.autodiff import AutodiffLayer
from fwdrev.modes.problems.sampling import Rng, vector
from fwdrev.modes.problems.shapes import Shape, shaped

__all__ = ["arrowhead", "mgh32", "mgh33"]


def _at_least_as_tall(n: int, m: int, **options: Any) -> Shape:  # noqa: ANN401, ARG001 - whatever options there are
    """A wide shape is as near to all squares between m and n: the smallest."""
    return min(n, m), m


@dataclass(frozen=True, slots=True, eq=False)
class _FullRank(AutodiffLayer):
    """F_i = x_i [i ≤ n] - (2 / m) Σ x - 1, i = 1 … m."""

    n: int
    m: int

    @property
    def n_in(self) -> int:
        """The entries of x."""
        return self.n

    @property
    def n_out(self) -> int:
        """The equations."""
        return self.m

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """F, (m,)."""
        xp = x.__array_namespace__()
        return xp.concat([x, xp.zeros(self.m - self.n, dtype=x.dtype)]) - (2 / self.m) * xp.sum(x) - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Weighted(AutodiffLayer):
    """s = Σ j x_j, one number."""

    weights: AnyArray

    @property
    def n_in(self) -> int:
        """The entries of x."""
        return int(self.weights.shape[0])

    @property
    def n_out(self) -> int:
        """One."""
        return 1

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """s, (1,)."""
        return (self.weights @ x).reshape(1)


@dataclass(frozen=True, slots=True, eq=False)
class _Multiples(AutodiffLayer):
    """F_i = i s - 1."""

    multiples: AnyArray

    @property
    def n_in(self) -> int:
        """One."""
        return 1

    @property
    def n_out(self) -> int:
        """The equations."""
        return int(self.multiples.shape[0])

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """F, (m,)."""
        return self.multiples * x[0] - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Arrowhead(AutodiffLayer):
    """y = x + x_1 (1, …, 1) + (Σ x) e_1."""

    n: int

    @property
    def n_in(self) -> int:
        """The entries of x."""
        return self.n

    @property
    def n_out(self) -> int:
        """As many."""
        return self.n

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """y, (n,)."""
        xp = x.__array_namespace__()
        return x + x[0] + xp.concat([xp.sum(x).reshape(1), xp.zeros(self.n - 1, dtype=x.dtype)])


@shaped("any m ≥ n", nearest=_at_least_as_tall)
def mgh32(n: int, m: int, rng: Rng, dtype: np.dtype[np.floating]) -> Problem:  # noqa: ARG001 - the published point
    """Linear function of full rank, number 32 of Moré, Garbow and Hillstrom (1981): J = (I; 0) - 2 / m, at x = 1."""
    x, theta = np.ones(n, dtype), np.zeros(0, dtype)
    return Problem(name="mgh32", chain=Chain((_FullRank(n, m),), dtype), x=x, theta=theta, n=n)


@shaped("any m ≥ n", nearest=_at_least_as_tall)
def mgh33(n: int, m: int, rng: Rng, dtype: np.dtype[np.floating]) -> Problem:  # noqa: ARG001 - the published point
    """Linear function of rank one, number 33 of Moré, Garbow and Hillstrom (1981): J_ij = i j, at x = 1.

    Its two layers meet in a single number, s = Σ j x_j: a waist of one.
    """
    layers = _Weighted(np.arange(1, n + 1, dtype=dtype)), _Multiples(np.arange(1, m + 1, dtype=dtype))
    return Problem(name="mgh33", chain=Chain(layers, dtype), x=np.ones(n, dtype), theta=np.zeros(0, dtype), n=n)


@shaped("any n = m", nearest=lambda n, m, **_: (min(n, m), min(n, m)))
def arrowhead(n: int, m: int, rng: Rng, dtype: np.dtype[np.floating]) -> Problem:  # noqa: ARG001 - m is n
    """y = x + x_1 1 + (Σ x) e_1: an arrowhead matrix, J = I and ones in the first row and the first column.

    The textbook case of a sparse matrix that depends on the order of elimination (Griewank and Walther, Evaluating
    Derivatives, 2008): neither few columns nor few rows hold all of its entries.
    """
    chain = Chain((_Arrowhead(n),), dtype)
    return Problem(name="arrowhead", chain=chain, x=vector(rng, n, dtype), theta=np.zeros(0, dtype), n=n)
