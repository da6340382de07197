"""`fwdrev.jacobian` gives what jax.jacobian gives, for random functions of random trees that are called several times.

The functions are compositions of a few steps and a shape of the outputs; the trees hold arrays of all dtypes, numbers
of Python and None; other arguments are static and may change what the function is. FWDREV_EXAMPLES sets how many
examples there are in all: 30 if it is not set, 2000 for a thorough search, which takes a quarter of an hour or more.
"""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings, strategies as st

import fwdrev
from tests.programs import forget_if_large
from tests.reports.comparing import assert_same, outcome

_EXAMPLES = int(os.environ.get("FWDREV_EXAMPLES", "30"))

_TESTS = 3
"""The examples are shared out among them."""

SEARCH = settings(
    max_examples=max(1, _EXAMPLES // _TESTS),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Pair(NamedTuple):
    """A named tuple, as users have it."""

    first: Any
    second: Any


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As on a new machine; ranks are promoted, as JAX does by default."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with jax.numpy_rank_promotion("allow"):
        yield


@jax.custom_vjp
def _by_hand(x: Any) -> Any:
    return jnp.sin(x)


_by_hand.defvjp(lambda x: (jnp.sin(x), x), lambda x, u: (u * jnp.cos(x),))


@jax.custom_jvp
def _by_rule(x: Any) -> Any:
    return jnp.tanh(x)


@_by_rule.defjvp
def _(primals: Any, tangents: Any) -> Any:
    y = _by_rule(primals[0])
    return y, tangents[0] * (1 - y**2)


STEPS: dict[str, Any] = {
    "sin": jnp.sin,
    "square": jnp.square,
    "absolute": jnp.abs,
    "root": jnp.sqrt,
    "ratio": jax.jit(lambda x: x / (1 + x * x)),
    "masked": jax.jit(lambda x: jnp.where(jnp.abs(x) > 0.5, jnp.sqrt(x), x)),
    "cumulated": lambda x: jnp.cumsum(x, axis=-1) if x.ndim else x,
    "reversed": lambda x: x[::-1] if x.ndim else x,
    "held": lambda x: x + jax.lax.stop_gradient(x),
    "by hand": _by_hand,
    "by rule": _by_rule,
    "compiled": jax.jit(lambda x: x * 2),
    "integer": lambda x: x.astype(int),
    "single": lambda x: x.astype(jnp.promote_types(x.dtype, jnp.float32)),
    "scanned": jax.jit(lambda x: jax.lax.scan(lambda c, _: (c * c, None), x, None, length=2)[0]),
    "branching": lambda x: jax.lax.cond(jnp.all(x == x), lambda y: y * 3, lambda y: y, x),  # noqa: PLR0124 - no NaN
}


def _tiled(x: Any, k: int) -> Any:
    return jnp.tile(x.ravel(), k)


OUTPUTS: dict[str, Any] = {
    "tiled": lambda xs, k: jnp.concatenate([_tiled(x, k) for x in xs]) if xs else jnp.zeros(k),
    "total": lambda xs, k: sum(jnp.sum(x) for x in xs) * k,
    "each": lambda xs, k: {"k": tuple(_tiled(x, k) for x in xs), "none": None},
    "pair": lambda xs, k: Pair([x * k for x in xs], jnp.ones(k)),
    "first": lambda xs, _: xs[0] if xs else None,
}


class Drawn(NamedTuple):
    """A function, the options of its Jacobian, and the arguments of its calls: two trees and two static values."""

    steps: tuple[str, ...]
    outputs: str
    options: dict[str, Any]
    calls: list[tuple[Any, Any, Any, Any]]


def function(drawn: Drawn) -> Any:
    """As it was drawn: `k` copies of everything; at `kind` "hand" through a rule for reverse mode alone."""

    def f(tree: Any, other: Any, k: Any, kind: Any) -> Any:
        xs = [jnp.asarray(leaf) for leaf in jax.tree.leaves((tree, other))]
        for step in drawn.steps:
            xs = [STEPS[step](x) for x in xs]
        if kind == "hand":
            xs = [_by_hand(x) for x in xs]
        y = OUTPUTS[drawn.outputs](xs, k)
        return (y, [x.shape for x in xs]) if drawn.options.get("has_aux") else y

    return f


DTYPES = [np.float64, np.float32, np.float16, ml_dtypes.bfloat16, np.complex64, np.int32, np.bool_]
REAL = DTYPES[:4]
SHAPES = [(), (1,), (3,), (2, 2), (0,)]
ODD = [0.0, -1.0, float("nan"), float("inf")]


@st.composite
def leaves(draw: st.DrawFn, dtypes: list[Any], *, odd: bool) -> Any:
    """An array, of NumPy or of JAX, or a number of Python."""
    if draw(st.integers(0, 7)) == 0:
        return draw(st.sampled_from([0.5, 1.25] if dtypes == REAL else [0.5, 2, True]))
    shape = draw(st.sampled_from(SHAPES))
    values = st.sampled_from([0.25, 0.5, 0.75, 1.25, 1.5] + (ODD if odd else []))
    drawn = [draw(values) for _ in range(int(np.prod(shape)))]
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        array = np.array(drawn, np.float64).reshape(shape).astype(draw(st.sampled_from(dtypes)))
    return jnp.asarray(array) if draw(st.booleans()) else array


def _containers(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.dictionaries(st.sampled_from("abc"), children, max_size=2),
        st.tuples(children),
        st.lists(children, max_size=2),
        st.builds(Pair, children, children),
    )


def trees(dtypes: list[Any], *, odd: bool) -> st.SearchStrategy[Any]:
    """Of a few leaves; None is a tree without any."""
    leaf = leaves(dtypes, odd=odd)
    return st.one_of(leaf, st.recursive(st.one_of(leaf, st.none()), _containers, max_leaves=3))


STATIC = st.sampled_from([1, 2, 9, 3.0, np.int64(4)])
KINDS = st.sampled_from(["plain", "hand", None, ("a", 1), frozenset({1}), 2.5])


@st.composite
def drawn(draw: st.DrawFn, dtypes: list[Any]) -> Drawn:
    """Two or three calls: odd values are in the first one only, where the two modes are compared."""
    steps = tuple(draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=3)))
    options: dict[str, Any] = {"argnums": draw(st.sampled_from([0, 0, 1, -3, (0,), (1, 0), [0, 1]]))}
    if draw(st.integers(0, 3)) == 0:
        options["has_aux"] = True
    if dtypes is not REAL:
        options |= draw(st.sampled_from([{}, {"allow_int": True}, {"holomorphic": True}]))
    first = (draw(trees(dtypes, odd=True)), draw(st.sampled_from([1.5, 0.5, None])), draw(STATIC), "plain")
    calls: list[tuple[Any, Any, Any, Any]] = [first]
    for _ in range(draw(st.integers(1, 2))):
        tree = draw(st.sampled_from([_tame(first[0]), None]))
        tree = draw(trees(dtypes, odd=False)) if tree is None else tree
        calls.append((tree, first[1], draw(STATIC), draw(KINDS)))
    return Drawn(steps, draw(st.sampled_from(sorted(OUTPUTS))), options, calls)


def _tame(tree: Any) -> Any:
    """The same shapes and dtypes with values where every step has a derivative."""
    return jax.tree.map(lambda leaf: np.full_like(leaf, 0.75) if isinstance(leaf, np.ndarray) else leaf * 0 + 1, tree)


def check(drawn: Drawn) -> None:
    """Every call of the same Jacobian gives the value that jax.jacobian gives, or the same type of exception."""
    f = function(drawn)
    found, expected = fwdrev.jacobian(f, **drawn.options), jax.jacobian(f, **drawn.options)
    for args in drawn.calls:
        known, refusal = outcome(expected, (args, {}))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "(?is).*mode", UserWarning)  # that the two modes disagree
            value, error = outcome(found, (args, {}))
        assert error == refusal
        if refusal is None:
            assert_same(value, known)
    forget_if_large()  # an example makes dozens of programs


@SEARCH
@given(drawn(REAL))
def test_real_trees(drawn: Drawn) -> None:
    """Arrays and numbers of all real dtypes."""
    check(drawn)


@SEARCH
@given(drawn(DTYPES))
def test_trees_of_all_dtypes(drawn: Drawn) -> None:
    """Complex numbers, integers and truth values too, most of which JAX refuses."""
    check(drawn)


@pytest.mark.long
@settings(SEARCH, max_examples=2 * _EXAMPLES)
@given(drawn(DTYPES))
def test_more_trees_of_all_dtypes(drawn: Drawn) -> None:
    """The same, more often."""
    check(drawn)


@SEARCH
@given(st.sampled_from(sorted(STEPS)), st.sampled_from(sorted(STEPS)), st.sampled_from(REAL), STATIC, KINDS)
@example("sin", "sin", np.float64, 9, "hand")
def test_tall_functions(one: str, other: str, dtype: Any, k: Any, kind: Any) -> None:
    """Few inputs and many outputs, where forward mode is the cheaper one; static values change in between."""
    x, y = np.array([0.5, 0.75, 1.25]).astype(dtype), np.array([0.25, 1.5, 0.5]).astype(dtype)
    calls = [(x, None, 9, "plain"), (y, None, k, kind), (x, None, 9, "hand"), (y, None, 9, "plain")]
    check(Drawn((one, other), "tiled", {}, calls))
