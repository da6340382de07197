"""A Jacobian by a named mode is JAX's own, whatever the function takes and returns, at once or in chunks."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fwdrev.modes import InputError
from fwdrev.modes.core.jacobians import jacobian_by

JAX: dict[str, Callable[..., Any]] = {"forward": jax.jacfwd, "reverse": jax.jacrev}

MODES = pytest.mark.parametrize("mode", JAX)
CHUNKS = pytest.mark.parametrize("chunk", [1, 2, 100])  # of five, for example: a divisor, another number, all


def assert_same(found: Any, expected: Any) -> None:
    """Expects the same tree of arrays with the same shapes and dtypes, equal up to rounding."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)  # type: ignore[operator]
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def orbit(state: dict[str, Any], k: float, *, scale: float = 2.0) -> dict[str, Any]:
    """From five numbers of two dtypes and another one to six numbers and two, in dictionaries and tuples."""
    a, b = state["a"], state["b"]
    return {"u": scale * jnp.outer(a, b), "v": (k * b.sum(), jnp.float32(3) * k)}


STATE = {"a": np.arange(3.0), "b": np.arange(1, 3, dtype=np.float32)}


@cache
def _expected_tree(mode: str, argnums: Any) -> Any:
    return jax.jit(JAX[mode](orbit, argnums))(STATE, 1.5, scale=3.0)


@MODES
@CHUNKS
@pytest.mark.parametrize("argnums", [0, -1, (1, 0)])
def test_trees(mode: str, chunk: int | None, argnums: Any) -> None:
    """Trees hold arrays and numbers; one argument or several are differentiated, the others and keywords are held."""
    found = jacobian_by(orbit, mode, argnums, chunk=chunk)
    assert_same(jax.jit(found)(STATE, 1.5, scale=3.0), _expected_tree(mode, argnums))


def _product_of_sines(x: Any) -> Any:
    return jnp.prod(jnp.sin(x))


@cache
def _expected_hessian() -> Any:
    return jax.jit(jax.hessian(_product_of_sines))(np.linspace(0.5, 1.0, 5))


@MODES
@CHUNKS
def test_transformed(mode: str, chunk: int | None) -> None:
    """The Jacobian works under vmap, and within itself, as a Hessian."""
    x = np.linspace(0.5, 1.0, 5)
    twice = jacobian_by(jacobian_by(_product_of_sines, mode, chunk=chunk), mode, chunk=chunk)
    assert_same(jax.jit(twice)(x), _expected_hessian())
    found = jax.vmap(jacobian_by(jnp.cumsum, mode, chunk=chunk))
    assert_same(jax.jit(found)(np.stack([x, 2 * x])), jnp.broadcast_to(np.tri(5), (2, 5, 5)))


@MODES
@CHUNKS
def test_aux(mode: str, chunk: int | None) -> None:
    """The auxiliary output comes beside the Jacobian."""

    def f(x: Any) -> Any:
        return jnp.sin(x) * x[0], {"sum": x.sum(), "first": x[0]}

    x = jnp.arange(5.0)
    assert_same(jacobian_by(f, mode, has_aux=True, chunk=chunk)(x), JAX[mode](f, has_aux=True)(x))


@MODES
@CHUNKS
def test_complex(mode: str, chunk: int | None) -> None:
    """Holomorphic functions have both modes; for others, each mode keeps its own convention."""

    def f(z: Any) -> Any:
        return jnp.exp(z) * z[0]

    z = jnp.arange(5) * (1 + 0.5j)
    assert_same(jacobian_by(f, mode, holomorphic=True, chunk=chunk)(z), JAX[mode](f, holomorphic=True)(z))
    if mode == "reverse":
        assert_same(jacobian_by(jnp.abs, mode, chunk=chunk)(z + 1), jax.jacrev(jnp.abs)(z + 1))
    else:
        assert_same(jacobian_by(lambda x: x * 1j, mode, chunk=chunk)(z.real), jax.jacfwd(lambda x: x * 1j)(z.real))


@CHUNKS
def test_integers(chunk: int | None) -> None:
    """Integers may be arguments in reverse mode, and results in forward mode."""

    def f(x: Any, i: Any) -> Any:
        return x * i

    x, i = jnp.ones(5), jnp.arange(5)
    found = jacobian_by(f, "reverse", (0, 1), allow_int=True, chunk=chunk)(x, i)
    assert_same(found, jax.jacrev(f, (0, 1), allow_int=True)(x, i))

    def g(x: Any) -> Any:
        return x, jnp.arange(3)

    assert_same(jacobian_by(g, "forward", chunk=chunk)(x), jax.jacfwd(g)(x))


@MODES
@CHUNKS
@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 1), (3, 0)])
def test_empty(mode: str, chunk: int | None, n: int, m: int) -> None:
    """The Jacobian has no rows, or no columns."""

    def f(x: Any) -> Any:
        return jnp.broadcast_to(x.sum(), (m,))

    assert_same(jacobian_by(f, mode, chunk=chunk)(jnp.ones(n)), JAX[mode](f)(jnp.ones(n)))


@MODES
@pytest.mark.parametrize(
    ("x", "options"),
    [
        (np.arange(3), {}),
        (np.ones(3), {"holomorphic": True}),
        ("text", {}),
        (np.ones(3) * 1j, {}),
        (1.0, {"argnums": 1}),
    ],
)
def test_refusals_are_those_of_jax(mode: str, x: Any, options: dict[str, Any]) -> None:
    """The words are the same, chunked or not."""

    def f(x: Any) -> Any:
        return x * 2

    with pytest.raises((TypeError, ValueError)) as expected:
        JAX[mode](f, **options)(x)
    with pytest.raises(expected.type) as found:
        jacobian_by(f, mode, chunk=2, **options)(x)
    assert str(found.value) == str(expected.value)


@MODES
def test_values_decide_in_chunks_as_well(mode: str) -> None:
    """The function sees the point itself, so that Python may branch on it, and is called once."""
    calls = []

    def f(x: Any) -> Any:
        calls.append(x)
        return jnp.sin(x) if x[0] > 0 else x

    assert_same(jacobian_by(f, mode, chunk=2)(jnp.ones(5)), jax.jacfwd(jnp.sin)(jnp.ones(5)))
    assert len(calls) == 1


@pytest.mark.parametrize("chunk", [0, -1, True])
def test_a_chunk_that_is_no_size(chunk: Any) -> None:
    """The error names it."""
    with pytest.raises(InputError, match=f"a chunk of {chunk}: give a whole number"):
        jacobian_by(jnp.sin, "forward", chunk=chunk)


def test_an_unknown_mode() -> None:
    """The error suggests the nearest known one."""
    with pytest.raises(InputError, match="unknown mode 'forwards': known are forward, reverse; did you mean 'forward'"):
        jacobian_by(jnp.sin, "forwards")


def test_no_more_than_a_chunk_is_under_way() -> None:
    """The program holds nothing as large as one copy of the hidden layer for each input."""
    n, hidden = 64, 100

    def f(x: Any) -> Any:
        return jnp.sin(jnp.ones((hidden, n)) @ x).sum()

    x = jnp.ones(n)
    widest = [_widest(jax.make_jaxpr(jacobian_by(f, "forward", chunk=c))(x), hidden) for c in (None, 8)]
    assert widest == [n, 8]


def _widest(closed: Any, rows: int) -> int:
    """The most copies of a (·, rows) or (rows, ·) array in a program, including its loops, without the constant."""
    found = 0
    for equation in closed.jaxpr.eqns:
        for inner in jax.tree.leaves(equation.params, is_leaf=lambda p: hasattr(p, "jaxpr")):
            found = max(found, _widest(inner, rows)) if hasattr(inner, "jaxpr") else found
        if equation.primitive.name in {"mul", "sin", "cos"}:
            found = max([found, *(v.aval.size // rows for v in equation.outvars if rows in v.aval.shape)])
    return found
