"""Naumann's problem: the cheapest product of matrix-free factors is that of an exhaustive search.

The search follows the definition and lists the cost of every tree; it shares nothing with the code under test.
"""

from collections.abc import Sequence
from math import prod

import pytest
from hypothesis import given

from fwdrev.modes import InputError
from fwdrev.modes.bracketing.factors import _FactorCosts, cheapest
from fwdrev.modes.bracketing.search import Need, best_tree
from fwdrev.modes.bracketing.tree import How, Leaf, Tree
from tests.cases import Factor, factors

SHORT = [(3, 3, 29), (1, 3, 14), (2, 1, 7)]
LONG = [
    (2, 6, 19),
    (3, 2, 18),
    (7, 3, 62),
    (10, 7, 156),
    (2, 10, 73),
    (2, 2, 14),
    (9, 2, 30),
    (3, 9, 132),
    (2, 3, 12),
    (9, 2, 102),
]
HUGE = [
    (10**8 + 1, 10**8 + 7, 10**20 + 1),
    (3, 10**8 + 1, 10**20 + 3),
    (10**8 - 1, 3, 10**20 + 9),
    (10**8 + 3, 10**8 - 1, 10**20 + 7),
]


def _single(factor: Factor) -> int:
    """A single factor: as many tangents or cotangents as it has inputs or outputs, whichever are fewer."""
    m, n, edges = factor
    return edges * min(m, n)


def _edges(chain: Sequence[Factor]) -> int:
    return sum(edges for _, _, edges in chain)


def _all_costs(chain: Sequence[Factor]) -> list[int]:
    """The costs of all ways to the product: pushing, pulling or multiplying at every split, each part in every way."""
    if len(chain) == 1:
        return [_single(chain[0])]
    costs = []
    n, m = chain[0][1], chain[-1][0]
    for k in range(1, len(chain)):
        right, left = chain[:k], chain[k:]
        rights, lefts = _all_costs(right), _all_costs(left)
        costs += [cost + n * _edges(left) for cost in rights]  # n tangents through all factors left of k
        costs += [cost + m * _edges(right) for cost in lefts]  # m cotangents through all factors right of k
        costs += [a + b + m * left[0][1] * n for a in lefts for b in rights]
    return costs


def _all_products(chain: Sequence[Factor]) -> list[int]:
    """The costs of the matrix product in each order, with every factor formed."""
    if len(chain) == 1:
        return [_single(chain[0])]
    return [
        a + b + chain[-1][0] * chain[k][1] * chain[0][1]
        for k in range(1, len(chain))
        for a in _all_products(chain[k:])
        for b in _all_products(chain[:k])
    ]


def _cost_of(tree: Tree, chain: Sequence[Factor]) -> tuple[int, range]:
    """The cost of a tree, and its factors."""
    if isinstance(tree, Leaf):
        return _single(chain[tree.layer]), range(tree.layer, tree.layer + 1)
    (a, left), (b, right) = _cost_of(tree.left, chain), _cost_of(tree.right, chain)
    assert right.stop == left.start
    n, m = chain[right.start][1], chain[left.stop - 1][0]
    whole = range(right.start, left.stop)
    if tree.how is How.PUSH:
        assert len(left) == 1
        return b + n * chain[left.start][2], whole
    if tree.how is How.PULL:
        assert len(right) == 1
        return a + m * chain[right.start][2], whole
    return a + b + prod((m, chain[left.start][1], n)), whole


@pytest.mark.parametrize(
    ("chain", "expected"),
    [(SHORT, (56, 150, 100, 123)), (LONG, (1344, 3708, 5562, 2618))],
    ids=["short", "long"],
)
def test_instances_of_the_literature(chain: list[Factor], expected: tuple[int, int, int, int]) -> None:
    """Optimum, tangents only, adjoints only and preaccumulation are those that Naumann's program prints."""
    best = cheapest(chain)
    assert (best.cost, best.tangent, best.adjoint, best.preaccumulation) == expected


def test_the_tree_reads_as_the_product() -> None:
    """The last factor comes first; brackets and formed factors are marked."""
    assert str(cheapest(SHORT).tree) == "[3]·(2·1)"


@given(factors())
def test_cheapest_is_the_minimum_of_all_trees(chain: list[Factor]) -> None:
    """No tree costs less, and the returned tree has the claimed cost."""
    best = cheapest(chain)
    assert best.cost == min(_all_costs(chain))
    assert (best.cost, range(len(chain))) == _cost_of(best.tree, chain)


@given(factors())
def test_the_three_other_ways_cost_what_they_are_defined_to(chain: list[Factor]) -> None:
    """All tangents, all adjoints, and the best order of the formed matrices agree; none is cheaper than the optimum."""
    best = cheapest(chain)
    assert best.tangent == chain[0][1] * _edges(chain)
    assert best.adjoint == chain[-1][0] * _edges(chain)
    assert best.preaccumulation == min(_all_products(chain))
    assert best.cost <= min(best.tangent, best.adjoint, best.preaccumulation)


def test_huge_sizes_are_exact() -> None:
    """Python's integers are right to the last digit, where a double would lose ten."""
    best = cheapest(HUGE)
    assert type(best.cost) is int
    assert best.cost == min(_all_costs(HUGE))
    assert best.cost != int(float(best.cost))
    assert best.preaccumulation == min(_all_products(HUGE))


@pytest.mark.long
def test_500_factors() -> None:
    """A long chain has a plan, and its tree, as deep as possible, can be printed."""
    cost, tree = best_tree(_FactorCosts([(1, 1, 2)] * 500), Need.X)
    assert cost == 1000
    assert str(tree).startswith("500·(499·(498·(")
    assert str(tree).endswith("(2·1" + 498 * ")")


@pytest.mark.parametrize(
    ("chain", "message"),
    [
        ([], r"a chain of 0 factors: give it at least one"),
        ([(3, 2, 5), (4, 4, 9)], r"factor 1 has 3 outputs, factor 2 takes 4 inputs"),
        ([(3, 2, 5), (4, 3, 9), (1, 5, 9)], r"factor 2 has 4 outputs, factor 3 takes 5 inputs"),
        ([(0, 2, 5)], r"factor 1 is 0 × 2 with 5 edges"),
        ([(3, 2, 5), (4, 0, 9)], r"factor 2 is 4 × 0 with 9 edges"),
        ([(3, -2, 5)], r"factor 1 is 3 × -2 with 5 edges"),
        ([(3, 2, -1)], r"factor 1 is 3 × 2 with -1 edges: sizes are 1 or more, edges 0 or more"),
    ],
)
def test_bad_factors_are_refused(chain: list[Factor], message: str) -> None:
    """The message names the factor, counted from 1, and its fault."""
    with pytest.raises(InputError, match=message):
        cheapest(chain)
