"""Naumann's problem: the cheapest product of factors given only by their sizes and edges.

best = cheapest([(3, 3, 29), (1, 3, 14), (2, 1, 7)])     # (m, n, edges) of each factor, from input to output
best.cost, str(best.tree)                                # 56, '[3]·(2·1)'
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from fwdrev.modes.bracketing.search import Costs, Need, best_tree
from fwdrev.modes.bracketing.tree import Tree
from fwdrev.modes.core.prices import Number
from fwdrev.modes.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorPlan:
    """The optimum of Naumann's problem beside the three usual ways, in multiply–adds.

    `tangent`: all inputs pushed through the whole chain; `adjoint`: all outputs pulled; `preaccumulation`: each factor
    formed, and the matrices multiplied in the best order.
    """

    cost: int
    tangent: int
    adjoint: int
    preaccumulation: int
    tree: Tree


def cheapest(factors: Sequence[tuple[int, int, int]]) -> FactorPlan:
    """The cheapest way to the product of matrix-free factors, each given as (m, n, edges), from input to output.

    A factor is an m × n Jacobian whose linearized programme has that many edges: a tangent or a cotangent costs `edges`
    multiply–adds, forming it edges · min(m, n). O(q³) for q factors, in whole numbers of any size. The problem and its
    recursion are Naumann's ("Matrix-free Jacobian chaining", arXiv 2406.11862): there the tangents of a subchain are
    the tree that pushes through its factors one by one.

    Raises InputError for factors whose sizes do not fit together.
    """
    costs = _FactorCosts(factors)
    total, tree = best_tree(costs, Need.X)
    formed, _ = best_tree(_FormedCosts(factors), Need.X)
    edges = sum(e for _, _, e in factors)
    whole = {"cost": total, "preaccumulation": formed, "tangent": costs.n[0] * edges, "adjoint": costs.n[-1] * edges}
    return FactorPlan(tree=tree, **{name: int(value) for name, value in whole.items()})


class _FactorCosts(Costs):
    """The costs of factors given only by their sizes and edges."""

    def __init__(self, factors: Sequence[tuple[int, int, int]]) -> None:
        _check(factors)
        self.n = [factors[0][1], *(m for m, _, _ in factors)]
        self.p = [0] * len(factors)
        self._edges = [edges for _, _, edges in factors]

    def push(self, k: int, q: int) -> Number:
        return self._edges[k] * q

    def pull(self, k: int, r: int, *, x: bool, theta: bool) -> Number:
        return self._edges[k] * r

    def dense(self, k: int, *, x: bool, theta: bool) -> Number:
        return self._edges[k] * min(self.n[k], self.n[k + 1])

    def multiply(self, rows: int, inner: int, columns: int) -> Number:
        return rows * inner * columns


class _FormedCosts(_FactorCosts):
    """The costs where each factor must be formed first, so that pushes and pulls are matrix products."""

    def push(self, k: int, q: int) -> Number:
        return self.dense(k, x=True, theta=False) + self.multiply(self.n[k + 1], self.n[k], q)

    def pull(self, k: int, r: int, *, x: bool, theta: bool) -> Number:
        return self.dense(k, x=True, theta=False) + self.multiply(r, self.n[k + 1], self.n[k])


def _check(factors: Sequence[tuple[int, int, int]]) -> None:
    if not factors:
        raise InputError("a chain of 0 factors: give it at least one")
    for number, (m, n, edges) in enumerate(factors, 1):
        if m < 1 or n < 1 or edges < 0:
            raise InputError(f"factor {number} is {m} × {n} with {edges} edges: sizes are 1 or more, edges 0 or more")
    for number, ((m, _, _), (_, n, _)) in enumerate(pairwise(factors), 1):
        if m != n:
            msg = f"factor {number} has {m} outputs, factor {number + 1} takes {n} inputs: make the two equal"
            raise InputError(msg)
