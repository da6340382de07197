"""One tangent and one cotangent show where forward and reverse mode give different Jacobians."""

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fwdrev.modes.functions.product_check import compared, directions, products_of


def solved(transposed: float) -> Any:
    """The solution of 2 x = b, whose transposed solve is off by this factor."""

    def f(b: Any) -> Any:
        return jax.lax.custom_linear_solve(
            lambda x: 2 * x, b, lambda _, b: b / 2, transpose_solve=lambda _, b: transposed * b / 2
        )

    return f


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64"])
@pytest.mark.parametrize("tree", [pytest.param("array", marks=pytest.mark.long), "pytree"])
def test_right_rules_agree_in_every_precision(dtype: str, tree: str) -> None:
    """Arrays and pytrees agree; integers in them are held."""
    x = jnp.linspace(0.1, 1.0, 50).astype(dtype)

    def f(p: Any) -> Any:
        z = p if tree == "array" else p["a"] * p["i"]
        return {"y": jnp.tanh(jnp.outer(z, z)).sum(0), "z": z * z}

    found = products_of(f, x if tree == "array" else {"a": x, "i": jnp.arange(50)})
    assert found.agree
    assert not found.contradict
    assert abs(found.pushed) > 0


@pytest.mark.parametrize("transposed", [1.0, 1.001, -1.0, 0.0, math.nan])
def test_a_wrong_rule_shows(transposed: float) -> None:
    """Two different numbers or a NaN show it; rounding explains a millionth only in half precision."""
    x = jnp.arange(1.0, 4.0, dtype="float64")
    found = products_of(solved(transposed), x)
    assert found.agree == (transposed == 1.0)
    assert found.contradict == (transposed in {1.001, -1.0, 0.0})
    if found.contradict:
        assert found.pulled == pytest.approx(transposed * found.pushed)
        assert f"forward mode gives {found.pushed.real:.6g} and reverse mode {found.pulled.real:.6g}" in str(found)
    if math.isnan(transposed):
        assert "NaN or infinity" in str(found)


def test_the_tolerance_follows_the_coarsest_precision() -> None:
    """A thousandth is no contradiction between numbers of half precision."""
    u, v = directions([(3,), (3,)], ["float64", "float64"])
    near = compared([u], [1.001 * v], [v], [u], real_bytes=2)
    assert near.agree
    assert not compared([u], [1.001 * v], [v], [u], real_bytes=8).agree


def test_directions_have_no_zeros_and_are_the_same_each_time() -> None:
    """Directions have a length of about one in all, so that half precision does not overflow; an empty shape works."""
    first, second = (directions([(1000,), (), (0, 3)], ["float16", "float32", "float32"]) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
        assert (one != 0).all()
    assert sum(float((part.astype(float) ** 2).sum()) for part in first) == pytest.approx(1, rel=0.2)


def test_a_function_of_nothing_agrees() -> None:
    """Both products are zero."""
    assert products_of(lambda x: x, jnp.ones(0)).agree
