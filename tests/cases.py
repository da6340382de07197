"""Shared by the property tests: a table of problems, hypothesis strategies, and the expected Jacobian."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from fwdrev.modes import (
    Activate,
    Chain,
    Dense,
    Driven,
    Problem,
    SoftmaxCrossEntropy,
    SquaredError,
    Wrt,
    activation,
    d_recursion,
    g_recursion,
    problem,
)
from fwdrev.modes.bracketing.tree import How, Leaf, Split, Tree
from fwdrev.modes.layers.activation import ACTIVATIONS

__all__ = [
    "CASES",
    "COMPUTING",
    "Factor",
    "case_id",
    "expect_jacobian",
    "factors",
    "hows",
    "make",
    "problems",
    "trees",
]

Array = np.ndarray[Any, Any]

Factor = tuple[int, int, int]
"""The shape (m, n) of a factor, and its number of edges."""

COMPUTING = ("forward", "reverse", "bracketed", "jax-bracketed", "jax-jvp", "jax-vjp")

CASES: list[tuple[str, int, int, dict[str, Any]]] = [
    ("driven", 12, 5, {}),
    ("driven", 4, 3, {"depth": 1}),
    ("driven", 2, 3, {"depth": 5}),
    ("driven", 9, 1, {"depth": 3}),
    ("driven", 1, 7, {"width": 1}),
    ("driven", 60, 4, {"depth": 50, "width": 3}),
    ("driven", 200, 90, {"width": 8}),
    ("driven", 7, 4, {"n_of": "x", "width": 5}),
    ("mlp", 3, 2, {"width": 4}),
    ("mlp", 3, 2, {"depth": 1}),
    ("mlp", 2, 1, {"width": 1, "depth": 4, "sigma": "sin"}),
    ("mlp", 3, 4, {"width": 4, "loss": "softmax", "sigma": "sigmoid"}),
    ("mlp", 3, 4, {"width": 4, "loss": "squared", "sigma": "softplus"}),
    ("autoencoder", 6, 6, {"hidden": 4, "waist": 2}),
]
"""Problem, n, m, options: every problem, one layer, m = 1, no parameters, width 1, depth 50, wide and tall."""


def case_id(case: object) -> str:
    """A readable name for a parametrised test."""
    if isinstance(case, tuple):
        name, n, m, options = case
        return "-".join([name, f"{n}x{m}", *(f"{key}={value}" for key, value in options.items())])
    return str(case)


def make(case: tuple[str, int, int, dict[str, Any]]) -> Problem:
    """Makes the problem of a row."""
    name, n, m, options = case
    return problem(name, n=n, m=m, **options)


def expect_jacobian(J: Array, p: Problem, wrt: Wrt, tolerance: float = 1e-10, *, rounding: float = 0.0) -> None:
    """Expects the Jacobian of both textbook recursions, entry by entry; J_x f is in D only.

    An entry is a sum of products, and may be off by `tolerance` of the sum of their sizes, which the recursions give
    for the sizes of their factors. Where terms cancel within a layer, as with one logit, `rounding` may remain.
    """
    layers, n_x = p.chain.jacobians(p.x, p.theta), p.chain.n_in if wrt.has_x else 0
    J_x, J_theta = d_recursion(*layers)
    sizes_x, sizes_theta = d_recursion(*([np.abs(J) for J in of] for of in layers))
    assert J.shape == (p.m, p.chain.n_columns(wrt))
    expect_equal(J[:, :n_x], J_x[:, :n_x], tolerance * sizes_x[:, :n_x] + rounding)
    for expected in (g_recursion(*layers), J_theta) if wrt.has_theta else ():
        expect_equal(J[:, n_x:], expected, tolerance * sizes_theta + rounding)


def expect_equal(one: Array, other: Array, allowed: Array) -> None:
    """Expects each entry to differ by no more than is allowed there."""
    assert one.shape == other.shape == allowed.shape
    assert (np.abs(one - other) <= allowed).all()


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Chains of any layers that fit together, with random sizes and a random point."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = st.integers(1, 9)
    sizes = [draw(size)]
    layers: list[Any] = []
    for _ in range(draw(st.integers(1, 5))):
        n = sizes[-1]
        kind = draw(st.sampled_from(["driven", "dense", "activate"]))
        out = n if kind == "activate" else draw(size)
        if kind == "driven":
            p = draw(st.integers(0, 6))
            shapes = ((out, n), (out, p), (out,))
            layers.append(Driven(*(rng.standard_normal(s) / 2 for s in shapes)))
        elif kind == "dense":
            layers.append(Dense(n, out))
        else:
            layers.append(Activate(n, activation(draw(st.sampled_from(sorted(ACTIVATIONS))))))
        sizes.append(out)
    loss = draw(st.sampled_from([None, SquaredError, SoftmaxCrossEntropy]))
    if loss is not None:
        layers.append(loss(rng.standard_normal(sizes[-1])))
    chain = Chain(tuple(layers))
    x, theta = rng.standard_normal(chain.n_in), rng.standard_normal(chain.n_params) / 2
    return Problem(name="random", chain=chain, x=x, theta=theta, n=chain.n_in)


@st.composite
def factors(draw: st.DrawFn) -> list[Factor]:
    """Chains of factors that fit together, from input to output."""
    sizes = draw(st.lists(st.integers(1, 9), min_size=2, max_size=7))
    edges = [draw(st.integers(0, 99)) for _ in sizes[1:]]
    return list(zip(sizes[1:], sizes[:-1], edges, strict=True))


def hows(left: Tree, right: Tree) -> list[How]:
    """The ways to multiply two factors: only a single layer can be pushed or pulled through."""
    pushed, pulled = isinstance(left, Leaf), isinstance(right, Leaf)
    return [How.MULTIPLY, *([How.PUSH] if pushed else []), *([How.PULL] if pulled else [])]


@st.composite
def trees(draw: st.DrawFn, i: int, j: int) -> Tree:
    """All bracketings of layers i … j-1."""
    if j - i == 1:
        return Leaf(i)
    k = draw(st.integers(i + 1, j - 1))
    left, right = draw(trees(k, j)), draw(trees(i, k))
    return Split(left, right, draw(st.sampled_from(hows(left, right))))
