"""Problems whose Jacobian is a known constant matrix: `mgh32`, `mgh33` and `arrowhead`.

They have no parameters: n counts the entries of x, and a sweep is with respect to x.
"""

from dataclasses import dataclass

import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.problem import Problem, of_inputs
from fwdrev.modes.layers.sized import Formula
from fwdrev.modes.problems.sampling import Precision, Rng, vector
from fwdrev.modes.problems.shapes import Shape, shaped


def _at_least_as_tall(n: int, m: int) -> Shape:
    """For a wide shape, all squares between m and n are equally near; take the smallest."""
    return min(n, m), m


class _FullRank(Formula):
    """F_i = x_i [i ≤ n] - (2 / m) Σ x - 1, i = 1 … m."""

    __slots__ = ()

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        xp = x.__array_namespace__()
        padded = xp.concat([x, xp.zeros(self.n_out - self.n_in, dtype=x.dtype)])
        return padded - (2 / self.n_out) * xp.sum(x) - 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Weighted(Formula):
    """s = Σ j x_j, one number."""

    weights: AnyArray

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        return (self.weights @ x).reshape(1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Multiples(Formula):
    """F_i = i s - 1."""

    multiples: AnyArray

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        return self.multiples * x[0] - 1


class _Arrowhead(Formula):
    """y = x + x_1 (1, …, 1) + (Σ x) e_1."""

    __slots__ = ()

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        xp = x.__array_namespace__()
        return x + x[0] + xp.concat([xp.sum(x).reshape(1), xp.zeros(self.n_in - 1, dtype=x.dtype)])


@shaped("any m ≥ n", nearest=_at_least_as_tall)
def mgh32(n: int, m: int, _rng: Rng, dtype: Precision) -> Problem:
    """Linear function of full rank, number 32 of Moré, Garbow and Hillstrom (1981): J = (I; 0) - 2 / m, at x = 1."""
    return of_inputs("mgh32", np.ones(n, dtype), _FullRank(n_in=n, n_out=m))


@shaped("any m ≥ n", nearest=_at_least_as_tall)
def mgh33(n: int, m: int, _rng: Rng, dtype: Precision) -> Problem:
    """Linear function of rank one, number 33 of Moré, Garbow and Hillstrom (1981): J_ij = i j, at x = 1.

    Its two layers meet in a single number, s = Σ j x_j: a waist of one.
    """
    summed = _Weighted(n_in=n, n_out=1, weights=np.arange(1, n + 1, dtype=dtype))
    return of_inputs(
        "mgh33", np.ones(n, dtype), summed, _Multiples(n_in=1, n_out=m, multiples=np.arange(1, m + 1, dtype=dtype))
    )


@shaped("any n = m", nearest=lambda n, m: (min(n, m), min(n, m)))
def arrowhead(n: int, m: int, rng: Rng, dtype: Precision) -> Problem:
    """y = x + x_1 1 + (Σ x) e_1: an arrowhead matrix, J = I and ones in the first row and the first column.

    The textbook case of a sparse matrix that depends on the order of elimination (Griewank and Walther, Evaluating
    Derivatives, 2008): neither few columns nor few rows hold all of its entries.
    """
    return of_inputs("arrowhead", vector(rng, n, dtype), _Arrowhead(n_in=n, n_out=m))
