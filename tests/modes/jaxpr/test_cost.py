"""Counts of a JAX program are those of its execution, in loops as often as they run."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from fwdrev.modes.jaxpr.cost import RATES, cost_of

X = np.ones(5)
A, B = np.ones((4, 5)), np.ones((5, 3))
SQUARE = np.eye(6)


@jax.custom_jvp
def softplus(x: Any) -> Any:
    """A function with its own derivative rule: its value counts, not the rule."""
    return jnp.log1p(jnp.exp(x))


softplus.defjvps(lambda tangent, _, x: tangent * jax.nn.sigmoid(x))

PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, int]]] = {
    "sums": (lambda x: x * x + x, (X,), {"elements": 10}),
    "quotients": (lambda x: lax.sqrt(x / 2.0), (X,), {"divisions": 10}),
    "sines": (lambda x: lax.exp(lax.sin(x)), (X,), {"transcendentals": 10}),
    "product": (jnp.matmul, (A, B), {"flops": 2 * 4 * 5 * 3, "operands": 35, "products": 12, "product calls": 1}),
    "reshaped": (lambda x: jnp.broadcast_to(x.reshape(5, 1), (5, 2)), (X,), {}),
    "transposed": (lambda a: a.T, (A,), {"transposed": 20}),
    "sum": (lambda a: lax.reduce_sum(a, (0,)), (A,), {"elements": 20, "reduction calls": 1}),
    "maximum": (lambda x: lax.reduce_max(x, (0,)), (X,), {"elements": 5, "reduction calls": 1}),
    "slice": (lambda x: lax.dynamic_slice(x, (np.int32(1),), (2,)), (X,), {"gathered": 2}),
    "scatter": (lambda x: x.at[jnp.array([1, 2])].add(1.0, mode="drop"), (X,), {"scattered": 2, "scatter calls": 1}),
    "inside": (jax.jit(jax.checkpoint(lambda x: lax.sin(lax.sin(x)))), (X,), {"transcendentals": 10}),
    "subtracted": (lambda x: x.at[jnp.array([1, 2])].subtract(1.0), (X,), {"scattered": 2, "scatter calls": 1}),
    "solve": (
        lambda a, x: lax.custom_linear_solve(lambda v: a @ v, x, lambda _, b: lax.exp(b), symmetric=True),
        (SQUARE, np.ones(6)),
        {"transcendentals": 6},
    ),
    "tall qr": (
        partial(lax.linalg.qr, full_matrices=False),
        (np.ones((40, 3)),),
        {"flops": 2 * 40 * 3**2 - 2 * 9, "product calls": 1},
    ),
    "rounded": (lambda x: lax.reduce_precision(x, 8, 7), (X,), {"elements": 5}),
    "rows of a loop": (
        lambda x: lax.scan(lambda c, a: (c + a, c * a), 0.0, x)[1],
        (X,),
        {"elements": 20, "iterations": 5},
    ),
    "branches in a loop": (
        lambda x: lax.fori_loop(0, 3, lambda i, c: lax.cond(i > 1, lax.sin, lambda c: c, c), x),
        (X,),
        {"transcendentals": 15},
    ),
    "window": (
        lambda x: lax.reduce_window(x, -jnp.inf, lax.max, (3,), (1,), "VALID"),
        (X,),
        {"elements": 9, "reduction calls": 1},
    ),
    "rule": (softplus, (X,), {"transcendentals": 10}),
    "cholesky": (
        partial(lax.linalg.cholesky, symmetrize_input=False),
        (SQUARE,),
        {"flops": 72, "product calls": 1},
    ),
    "loop": (lambda x: lax.scan(lambda c, _: (c * c, None), x, length=7)[0], (X,), {"elements": 35, "iterations": 7}),
    "nested": (
        lambda x: lax.fori_loop(0, 3, lambda _, c: lax.fori_loop(0, 2, lambda _, d: lax.sin(d), c), x),
        (X,),
        {"transcendentals": 30},
    ),
    "unknown length": (
        lambda x: lax.while_loop(lambda c: jnp.all(c < 9), lambda c: lax.exp(c), x),  # noqa: PLW0108
        (X,),
        {"transcendentals": 5, "iterations": 1},
    ),
    "longer branch": (
        lambda x: lax.switch(0, [lambda x: x, lambda x: lax.sin(lax.sin(x)), lax.sin], x),
        (X,),
        {"transcendentals": 10},
    ),
}


BESIDES = {
    "slice",
    "scatter",
    "subtracted",
    "nested",
    "unknown length",
    "longer branch",
    "branches in a loop",
    "window",
    "cholesky",
    "tall qr",
}
"""Cases with arithmetic on indices, masks or conditions besides the counted operation."""


@pytest.mark.parametrize("case", PROGRAMS)
def test_counts(case: str) -> None:
    """The counts are made by hand."""
    f, args, expected = PROGRAMS[case]
    counts = cost_of(f, *args).counts
    assert {kind: counts.get(kind, 0) for kind in expected} == expected
    assert counts["calls"] == 1
    if case not in BESIDES:
        assert counts.keys() == {"calls", *expected}


def test_convolution() -> None:
    """Each number of the result is a sum over the kernel's window and the input's channels."""

    def f(image: Any, kernel: Any) -> Any:
        return lax.conv(image, kernel, (1, 1), "VALID")

    cost = cost_of(f, np.ones((1, 2, 6, 6)), np.ones((3, 2, 3, 3)))
    assert cost.counts["flops"] == 2 * (3 * 4 * 4) * (2 * 3 * 3)


def test_every_kind_has_a_rate() -> None:
    """Seconds add up."""
    cost = cost_of(lambda a, b: jnp.sum(jnp.exp(a @ b), axis=0), A, B)
    assert cost.counts.keys() <= RATES.keys()
    assert cost.seconds == math.fsum(RATES[kind] * count for kind, count in cost.counts.items())
    assert cost.seconds > RATES["calls"]


def test_large_arrays() -> None:
    """The largest intermediate and the result count; a very large array that is made whole has new memory each time."""
    small = cost_of(lambda x: jnp.sum(jnp.outer(x, x)), np.ones(100, np.float32))
    assert (small.largest_bytes, small.result_bytes) == (4 * 100 * 100, 4)
    assert "fresh bytes" not in small.counts
    large = cost_of(lambda a: (a @ a.T).sum(), np.ones((2000, 1), np.float32))
    assert large.largest_bytes == large.counts["fresh bytes"] == 4 * 2000 * 2000


def test_a_mode_costs_as_many_passes_as_it_has() -> None:
    """Forward mode is cheaper for three inputs and a thousand outputs, reverse mode for the opposite."""
    W = np.ones((1000, 3))
    tall, wide = (lambda x: jnp.tanh(W @ x)), (lambda x: jnp.tanh(W.T @ x))
    for f, n, cheaper, other in ((tall, 3, jax.jacfwd, jax.jacrev), (wide, 1000, jax.jacrev, jax.jacfwd)):
        assert cost_of(cheaper(f), np.ones(n)).seconds < cost_of(other(f), np.ones(n)).seconds


@pytest.mark.parametrize(
    ("f", "rows"),
    [
        (lambda x: jnp.outer(x, x).sum(), 1),
        (lambda x: jax.lax.cond(x[0] > 0, lambda x: jnp.outer(x, x).sum(), jnp.sum, x), 1),
        (jax.jit(lambda x: jnp.outer(x, x).sum()), 1),
        (lambda x: jnp.sin(jnp.outer(x, x)) @ jnp.cos(jnp.outer(x, 2 * x)), 3),
        (lambda x: [jnp.outer(x, k * x).sum() for k in range(5)], 1),
    ],
    ids=["one", "in a branch", "in a program", "three of which two are read", "one after the other"],
)
def test_the_peak_is_what_is_alive_at_once(f: Any, rows: int) -> None:
    """The peak is counted in matrices of n × n, apart from arrays as large as a row."""
    n = 100
    found = cost_of(f, jax.ShapeDtypeStruct((n,), jnp.float32)).peak_bytes / (4 * n * n)  # type: ignore[no-untyped-call]
    assert rows <= found < rows + 0.2
