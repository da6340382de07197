"""Bracketings: a mode is a way to put the brackets in the product of a chain's Jacobians.

For a segment of layers i..j and any split k between them, X the Jacobian with respect to the segment's input and Θ
that with respect to its parameters,

    X(i..j) = X(k+1..j) · X(i..k),    Θ(i..j) = ( X(k+1..j) · Θ(i..k) │ Θ(k+1..j) ).

Splitting always behind the last layer is the G recursion, always behind the first is the D recursion; every other tree
is a mixed mode. The cheapest tree is found by dynamic programming over segments. A factor that is a single layer is
applied as an operator (pushed through, pulled through); it is formed first only where that is cheaper, as when a black
box meets many seeds. A part that a tree uses twice (X(k+1..j), as a factor and in its own Θ) is computed once.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from itertools import accumulate

from fwdrev.modes.bracketing.tree import How, Leaf, Split, Tree
from fwdrev.modes.core.prices import Number


class Need(StrEnum):
    """The parts of a segment that are wanted, and their layout."""

    X = "x"
    THETA = "theta"
    JOINT = "joint"
    """X and Θ side by side in one matrix, so that one product serves both."""
    APART = "apart"
    """X and Θ in different places: a left factor whose Θ is already part of the result."""


class Costs(ABC):
    """The costs of a chain's products, layers counted from 0; `n`: the sizes n_1 … n_{l+1}, `p`: all p_k."""

    n: Sequence[int]
    p: Sequence[int]

    @abstractmethod
    def push(self, k: int, q: int) -> Number:
        """J_x L^k · V for q tangents."""

    @abstractmethod
    def pull(self, k: int, r: int, *, x: bool, theta: bool) -> Number:
        """U · J_x L^k or U · J_θ L^k, or both, for r cotangents."""

    @abstractmethod
    def dense(self, k: int, *, x: bool, theta: bool) -> Number:
        """J_x L^k or J_θ L^k, or both, written out."""

    @abstractmethod
    def multiply(self, rows: int, inner: int, columns: int) -> Number:
        """A product of two matrices."""


_REQUIRED = {Need.X: (Need.X,), Need.THETA: (Need.APART, Need.JOINT, Need.THETA), Need.JOINT: (Need.APART, Need.JOINT)}
"""The need of a part, given the need of the whole."""

_RIGHT = {Need.X: Need.X, Need.THETA: Need.THETA, Need.JOINT: Need.JOINT, Need.APART: Need.JOINT}
_LEFT = {Need.X: Need.X, Need.THETA: Need.APART, Need.JOINT: Need.APART, Need.APART: Need.APART}
"""The needs of the two factors."""


def best_tree(costs: Costs, need: Need) -> tuple[Number, Tree]:
    """The cheapest tree and its cost; compares O(l³) products for l layers.

    Among trees of equal cost, pushing comes before pulling, and both before the others.
    """
    plan = _Plan(costs, _REQUIRED[need])
    whole = len(costs.p)
    return plan.cost(need, 0, whole), plan.tree(need, 0, whole)


class _Plan:
    """The tables of the dynamic programme: cost and split of each segment [i, j) for each need."""

    def __init__(self, costs: Costs, needs: Sequence[Need]) -> None:
        self._costs = costs
        self._n = costs.n
        self._before = list(accumulate(costs.p, initial=0))
        size = len(costs.p) + 1
        empty: list[Number] = [0] * size
        self._from = {need: [empty[:] for _ in range(size)] for need in needs}  # [i][j]
        self._upto = {need: [empty[:] for _ in range(size)] for need in needs}  # [j][i]
        self._splits: dict[tuple[Need, int, int], tuple[int, How]] = {}
        for length in range(1, size):
            for i in range(size - length):
                for need in needs:
                    self._fill(need, i, i + length)

    def cost(self, need: Need, i: int, j: int) -> Number:
        """The cost of the best tree of layers i … j-1."""
        return self._from[need][i][j]

    def tree(self, need: Need, i: int, j: int) -> Tree:
        """The best tree of layers i … j-1, built from its leaves, since it may be as deep as the chain is long."""
        made: dict[tuple[Need, int, int], Tree] = {}
        for segment in reversed(self._segments(need, i, j)):
            _, first, last = segment
            if last - first == 1:
                made[segment] = Leaf(first)
            else:
                left, right = self._factors(*segment)
                made[segment] = Split(made[left], made[right], self._splits[segment][1])
        return made[need, i, j]

    def _segments(self, need: Need, i: int, j: int) -> list[tuple[Need, int, int]]:
        """The segments of the best tree, each before its factors."""
        found, rest = [], [(need, i, j)]
        while rest:
            found.append(rest.pop())
            _, first, last = found[-1]
            rest += self._factors(*found[-1]) if last - first > 1 else ()
        return found

    def _factors(self, need: Need, i: int, j: int) -> tuple[tuple[Need, int, int], tuple[Need, int, int]]:
        """The left and the right factor of the best split of layers i … j-1."""
        k, _ = self._splits[need, i, j]
        unused = need is Need.THETA and self._parameters(i, k) == 0
        return (Need.THETA if unused else _LEFT[need], k, j), (_RIGHT[need], i, k)

    def _parameters(self, i: int, j: int) -> int:
        return self._before[j] - self._before[i]

    def _fill(self, need: Need, i: int, j: int) -> None:
        if j - i == 1:
            best = self._costs.dense(i, x=need is not Need.THETA, theta=need is not Need.X)
        elif need is Need.THETA and self._parameters(i, i + 1) == 0:
            best = self._from[need][i + 1][j]  # nothing to multiply by: X is not needed
            self._splits[need, i, j] = i + 1, How.PULL
        else:
            best, k, how = self._best(need, i, j)
            self._splits[need, i, j] = k, how
        self._from[need][i][j] = self._upto[need][j][i] = best

    def _best(self, need: Need, i: int, j: int) -> tuple[Number, int, How]:
        """Compares pushing through the last layer, pulling through the first, and multiplying at each split."""
        pushed, pulled = self._pushed(need, i, j), self._pulled(need, i, j)
        best, split, how = (pushed, j - 1, How.PUSH) if pushed <= pulled else (pulled, i + 1, How.PULL)
        lefts, rights = self._upto[_LEFT[need]][j], self._from[_RIGHT[need]][i]
        multiply, rows = self._costs.multiply, self._n[j]
        for k in range(i + 1, j):
            total = lefts[k] + rights[k]
            if total < best:  # most splits are already too expensive
                for q in self._columns(need, i, k):
                    total += multiply(rows, self._n[k], q)
                if total < best:
                    best, split, how = total, k, How.MULTIPLY
        return best, split, how

    def _pushed(self, need: Need, i: int, j: int) -> Number:
        """Pushes the right factor through the last layer and writes out that layer's Θ."""
        own = self._costs.dense(j - 1, x=False, theta=True) if need is not Need.X else 0
        through = sum(self._costs.push(j - 1, q) for q in self._columns(need, i, j - 1))
        return self._from[_RIGHT[need]][i][j - 1] + through + own

    def _pulled(self, need: Need, i: int, j: int) -> Number:
        """Pulls the left factor through the first layer."""
        through = self._costs.pull(i, self._n[j], x=need is not Need.THETA, theta=need is not Need.X)
        return self._from[_LEFT[need]][i + 1][j] + through

    def _columns(self, need: Need, i: int, k: int) -> list[int]:
        """The widths of the products with the right factor: one, or two if the results lie apart."""
        if need is Need.X:
            return [self._n[i]]
        x, theta = self._n[i], self._parameters(i, k)
        if need is Need.JOINT:
            return [x + theta]
        own = [theta] if theta else []
        return own if need is Need.THETA else [x, *own]
