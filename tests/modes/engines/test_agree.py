"""All engines give the Jacobian of both textbook recursions, block by block: they are interchangeable."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from fwdrev.modes import InputError, Problem, Wrt, engine, problem
from tests.cases import CASES, COMPUTING, case_id, expect_jacobian, make, problems

Array = np.ndarray[Any, Any]

JAX = [name for name in COMPUTING if name.startswith("jax")]
NUMPY = [name for name in COMPUTING if name not in JAX]


def _jacobian(name: str, p: Problem, wrt: Wrt) -> Array:
    return np.asarray(engine(name).prepare(p.chain, wrt)(p.x, p.theta))


def _rows(*, compiled: bool) -> list[Any]:
    """The table with respect to x, θ and both; rows that take seconds to compile or plan, and many others, are long.

    Compiled engines run with respect to both in every second row, and to x and θ in the first.
    """

    def is_short(number: int, wrt: Wrt) -> bool:
        if CASES[number][3].get("depth", 0) >= 50:
            return not compiled and wrt is Wrt.X
        return not compiled or number == 0 or (wrt is Wrt.BOTH and number % 2 == 1)

    return [
        pytest.param(case, wrt, id=f"{case_id(case)}-{wrt}", marks=() if is_short(number, wrt) else pytest.mark.long)
        for number, case in enumerate(CASES)
        for wrt in Wrt
    ]


@pytest.mark.parametrize(("case", "wrt"), _rows(compiled=True))
def test_engines_agree(case: Any, wrt: Wrt) -> None:
    """JAX's engines differentiate the value and share no derivative with the recursions."""
    p = make(case)
    for name in JAX:
        expect_jacobian(_jacobian(name, p, wrt), p, wrt)


@pytest.mark.parametrize(("case", "wrt"), _rows(compiled=False))
def test_fast_engines_are_the_recursions(case: Any, wrt: Wrt) -> None:
    """Fast engines agree through 50 layers, where the first blocks are 1e16 times smaller than the last ones."""
    p = make(case)
    for name in NUMPY:
        expect_jacobian(_jacobian(name, p, wrt), p, wrt)


@given(problems(), st.sampled_from(Wrt))
def test_fast_engines_are_the_recursions_on_any_chain(p: Problem, wrt: Wrt) -> None:
    """Fast engines agree for all layers."""
    for name in NUMPY:
        expect_jacobian(_jacobian(name, p, wrt), p, wrt)


@settings(max_examples=4)
@given(problems(), st.sampled_from(Wrt))
def test_recursions_agree_with_jax_on_any_chain(p: Problem, wrt: Wrt) -> None:
    """The layers' own derivatives are those of their values; where terms cancel, as with one logit, rounding stays."""
    for name in ("jax-jvp", "jax-vjp"):
        expect_jacobian(_jacobian(name, p, wrt), p, wrt, rounding=1e-15)


@given(problems())
def test_both_is_x_and_theta_side_by_side(p: Problem) -> None:
    """The Jacobian with respect to (x, θ) has the columns of x first."""
    for name in ("forward", "reverse"):
        parts = [_jacobian(name, p, wrt) for wrt in (Wrt.X, Wrt.THETA)]
        np.testing.assert_allclose(_jacobian(name, p, Wrt.BOTH), np.hstack(parts), rtol=1e-10, atol=0)


@pytest.mark.parametrize("name", COMPUTING)
def test_float32(name: str) -> None:
    """A problem in single precision is computed in single precision; there, 1 - tanh² may cancel three digits."""
    p = problem("driven", n=20, m=6, dtype="float32")
    J = _jacobian(name, p, Wrt.THETA)
    assert J.dtype == np.float32
    expect_jacobian(J, problem("driven", n=20, m=6), Wrt.THETA, 1e-4)


@pytest.mark.parametrize("x64", [True, False])
@pytest.mark.parametrize("name", COMPUTING)
def test_the_chain_decides_the_precision(name: str, *, x64: bool) -> None:
    """The precision and the library of the point do not matter: all engines give the same."""
    import jax
    import jax.numpy as jnp

    p = problem("driven", n=8, m=2, depth=1)
    jacobian = engine(name).prepare(p.chain, "x")
    numpy = [np.asarray(p.x, np.float32), np.asarray(p.x, np.float16), np.ones(p.x.shape, int), p.x.tolist()]
    with jax.enable_x64(x64):
        points = [*numpy, jnp.asarray(p.x), *(jnp.asarray(p.x, kind) for kind in (jnp.float32, jnp.bfloat16, int))]
        for theta in (p.theta, jnp.asarray(p.theta, jnp.float32)):
            for x in points:
                J = jacobian(x, theta)
                assert J.dtype == np.float64, (type(x), getattr(x, "dtype", None), type(theta))
                there = replace(p, x=np.asarray(x, float), theta=np.asarray(theta, float))
                expect_jacobian(np.asarray(J), there, Wrt.X)


@pytest.mark.parametrize("name", JAX)
def test_without_a_compiler(name: str) -> None:
    """JAX_DISABLE_JIT makes them slow, but they stay right."""
    import jax

    p = problem("driven", n=8, m=2)
    with jax.disable_jit():
        expect_jacobian(_jacobian(name, p, Wrt.THETA), p, Wrt.THETA)


@pytest.mark.parametrize("name", COMPUTING)
def test_a_point_of_the_wrong_shape_is_refused(name: str) -> None:
    """The message has the given and the needed shape; a θ that is too long is not silently cut."""
    p = problem("driven", n=8, m=2)
    jacobian = engine(name).prepare(p.chain, "theta")
    with pytest.raises(InputError, match=r"theta \(9,\): give \(64,\) and \(8,\)"):
        jacobian(p.x, np.zeros(9))


@pytest.mark.parametrize("name", COMPUTING)
def test_moving_to_another_point(name: str) -> None:
    """A prepared Jacobian remembers nothing of the previous point, and accepts lists too."""
    p, q = problem("mlp", n=3, m=2, seed=1), problem("mlp", n=3, m=2, seed=2)
    jacobian = engine(name).prepare(p.chain, "both")
    first = np.array(jacobian(p.x, p.theta))
    jacobian(q.x, q.theta)
    np.testing.assert_array_equal(jacobian(list(p.x), list(p.theta)), first)


def test_jax_keeps_the_users_precision() -> None:
    """JAX gives a float64 Jacobian even if it computes in float32 by default, and keeps that default."""
    import jax

    p = problem("driven", n=8, m=2)
    with jax.enable_x64(False):  # noqa: FBT003
        J = engine("jax-vjp").prepare(p.chain, "theta")(p.x, p.theta)
        assert J.dtype == np.float64
        assert jax.numpy.zeros(1).dtype == np.float32
    expect_jacobian(np.asarray(J), p, Wrt.THETA)


def test_null_computes_nothing() -> None:
    """The result has the right shape, and declares that its result is no Jacobian."""
    p = problem("driven", n=8, m=2)
    assert not engine("null").computes
    assert not _jacobian("null", p, Wrt.THETA).any()
