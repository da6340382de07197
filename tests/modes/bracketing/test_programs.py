"""Bracketings of chains: a tree's program computes the Jacobian, and the plan is the cheapest of all trees."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings, strategies as st

from fwdrev.modes import Chain, Driven, Problem, Wrt, engine, problem
from fwdrev.modes.bracketing.program import products_of, program_of
from fwdrev.modes.bracketing.tree import Leaf, Split, Tree, forward_tree, reverse_tree
from fwdrev.modes.core.cost import Product
from fwdrev.modes.core.jax_compile import compile_jacobian
from fwdrev.modes.core.prices import OPERATIONS
from fwdrev.modes.engines.bracketed import _prepared
from fwdrev.modes.engines.jax_bracketed import executed
from fwdrev.modes.engines.planner import LONGEST, plan
from tests.cases import CASES, case_id, expect_jacobian, hows, make, problems, trees

EXTREMES = [("forward", forward_tree), ("reverse", reverse_tree)]
FEW_LAYERS = [case for case in CASES if len(make(case).chain.layers) <= 5]


def _all_trees(i: int, j: int) -> Iterator[Tree]:
    """All bracketings of layers i … j-1."""
    if j - i == 1:
        yield Leaf(i)
    for k in range(i + 1, j):
        for left in _all_trees(k, j):
            for right in _all_trees(i, k):
                yield from (Split(left, right, how) for how in hows(left, right))


def _multiply_adds(tree: Tree, chain: Chain, wrt: Wrt) -> int:
    """The multiply–adds of the program for this tree."""
    lines = products_of(program_of(tree, chain, wrt), chain.linearizations())
    return sum(line.cost.multiply_adds for line in lines)


def _executed_in_numpy(tree: Tree, p: Problem, wrt: Wrt) -> Any:
    return _prepared(program_of(tree, p.chain, wrt), p.chain)(p.x, p.theta)


def _expect_cheapest(chain: Chain, wrt: Wrt) -> None:
    """Expects no tree to need fewer multiply–adds than the plan, whose price is that of its own program."""
    found = plan(chain, wrt, OPERATIONS)
    assert found.tree is not None
    assert found.price == min(_multiply_adds(tree, chain, wrt) for tree in _all_trees(0, len(chain.layers)))
    assert found.price == found.cost(chain).multiply_adds == _multiply_adds(found.tree, chain, wrt)
    assert engine("bracketed").cost(chain, wrt).multiply_adds == found.price


@pytest.mark.parametrize("wrt", Wrt)
@pytest.mark.parametrize("case", FEW_LAYERS, ids=case_id)
def test_plan_is_the_cheapest_of_all_trees(case: Any, wrt: Wrt) -> None:
    """No tree on the table is cheaper, for problems small enough to try every tree."""
    _expect_cheapest(make(case).chain, wrt)


@given(problems(), st.sampled_from(Wrt))
def test_plan_is_the_cheapest_of_all_trees_of_any_chain(p: Problem, wrt: Wrt) -> None:
    """No tree is cheaper whatever the layers, with and without parameters, structured or not."""
    assume(len(p.chain.layers) <= 4)
    _expect_cheapest(p.chain, wrt)


@pytest.mark.parametrize("wrt", Wrt)
@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_extreme_trees_are_the_two_recursions(case: Any, wrt: Wrt) -> None:
    """On the table, the trees of the G and the D recursion have the cost and the Jacobian of their engines."""
    p = make(case)
    for name, extreme in EXTREMES:
        tree = extreme(len(p.chain.layers))
        assert _multiply_adds(tree, p.chain, wrt) == engine(name).cost(p.chain, wrt).multiply_adds
        expect_jacobian(_executed_in_numpy(tree, p, wrt), p, wrt)


@given(problems(), st.sampled_from(Wrt), st.sampled_from(EXTREMES))
def test_extreme_trees_of_any_chain(p: Problem, wrt: Wrt, extreme: Any) -> None:
    """Costs agree for all layers, product by product, except for the order of independent ones."""
    name, tree_of = extreme
    program = program_of(tree_of(len(p.chain.layers)), p.chain, wrt)
    lines = products_of(program, p.chain.linearizations())
    expected = engine(name).products(p.chain, wrt)
    assert _tally(lines) == _tally(expected)


def _tally(lines: list[Product]) -> Counter[Any]:
    """Shapes and multiply–adds, regardless of storage."""
    return Counter((line.shape, line.cost.multiply_adds) for line in lines if line.cost.operations)


@settings(max_examples=100)
@given(st.data(), problems(), st.sampled_from(Wrt))
def test_any_tree_gives_the_jacobian(data: st.DataObject, p: Problem, wrt: Wrt) -> None:
    """Brackets change the cost, never the product; a second call sees nothing of the first."""
    tree = data.draw(trees(0, len(p.chain.layers)))
    jacobian = _prepared(program_of(tree, p.chain, wrt), p.chain)
    jacobian(p.x + 1, p.theta - 1)
    expect_jacobian(jacobian(p.x, p.theta), p, wrt)


@settings(max_examples=5)
@given(st.data(), problems(), st.sampled_from(Wrt))
def test_any_tree_gives_the_jacobian_in_jax(data: st.DataObject, p: Problem, wrt: Wrt) -> None:
    """JAX executes the same program."""
    tree = data.draw(trees(0, len(p.chain.layers)))
    program = program_of(tree, p.chain, wrt)
    expect_jacobian(compile_jacobian(p.chain, executed(program))(p.x, p.theta), p, wrt)


@pytest.mark.parametrize("name", ["bracketed", "jax-bracketed"])
def test_parts_that_are_computed_together_and_used_apart(name: str) -> None:
    """(4·(3·2))·1 writes X and Θ of 3·2 in one product and pushes them on to different places."""
    rng = np.random.default_rng(1)
    sizes = [(1, 1, 2), (20, 1, 1), (8, 20, 1), (3, 8, 0)]
    layers = tuple(Driven(*(rng.standard_normal(s) for s in ((b, a), (b, p), (b,)))) for b, a, p in sizes)
    chain = Chain(layers)
    p = Problem(name="waist", chain=chain, x=rng.standard_normal(1), theta=rng.standard_normal(4), n=1)
    assert str(plan(chain, Wrt.THETA, OPERATIONS).tree) == "(4·(3·2))·1"
    expect_jacobian(np.asarray(engine(name).prepare(chain, "theta")(p.x, p.theta)), p, Wrt.THETA)


@pytest.mark.parametrize(("n_of", "n", "m", "direction"), [("x", 2, 9, "forward"), ("theta", 400, 1, "reverse")])
def test_a_chain_too_long_to_plan_is_forward_or_reverse(n_of: str, n: int, m: int, direction: str) -> None:
    """The chain's trees are not compared: the plan is the cheaper of the two modes, and its Jacobian is right."""
    p, wrt = problem("driven", n=n, m=m, depth=LONGEST + 1, width=3, n_of=n_of), Wrt(n_of)
    found = plan(p.chain, wrt, OPERATIONS)
    assert (found.direction, found.tree, found.program) == (direction, None, None)
    assert engine("bracketed").cost(p.chain, wrt) == engine(direction).cost(p.chain, wrt)
    assert found.price == engine(direction).cost(p.chain, wrt).multiply_adds
    expect_jacobian(engine("bracketed").prepare(p.chain, wrt)(p.x, p.theta), p, wrt)


def test_a_chain_too_long_to_plan_in_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is the better of JAX's own modes; the limit is lower, as JAX takes seconds to compile many layers."""
    monkeypatch.setattr("fwdrev.modes.engines.planner.LONGEST", 5)
    p = problem("driven", n=30, m=2, depth=6, width=3)
    assert plan(p.chain, Wrt.THETA, OPERATIONS).tree is None
    J = engine("jax-bracketed").prepare(p.chain, Wrt.THETA)(p.x, p.theta)
    expect_jacobian(np.asarray(J), p, Wrt.THETA)
