"""Random functions and arguments for property tests of Jacobians: trees, a few steps, a shape of the outputs."""

import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
from hypothesis import strategies as st

__all__ = ["DTYPES", "OUTPUTS", "REAL", "STEPS", "Drawn", "function", "stages", "tame", "trees"]


class Pair(NamedTuple):
    """A named tuple, as users have it."""

    first: Any
    second: Any


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
    """The drawn function: `k` copies of everything; with `kind` "hand" through a rule for reverse mode only."""

    def f(tree: Any, other: Any, k: Any, kind: Any) -> Any:
        xs = stepped(drawn, tree, other)
        if kind == "hand":
            xs = [_by_hand(x) for x in xs]
        return gathered(drawn, xs, k)

    return f


def stages(drawn: Drawn) -> list[Any]:
    """The same function in two stages, between which there are Python numbers, integers and None."""

    def first(tree: Any, other: Any, k: Any, _: Any) -> Any:
        return {"xs": stepped(drawn, tree, other), "k": k, "none": None, "numbers": jnp.arange(2)}

    def last(between: Any) -> Any:
        return gathered(drawn, between["xs"], between["k"])

    return [first, last]


def stepped(drawn: Drawn, tree: Any, other: Any) -> list[Any]:
    """All leaves after all steps."""
    xs = [jnp.asarray(leaf) for leaf in jax.tree.leaves((tree, other))]
    for step in drawn.steps:
        xs = [STEPS[step](x) for x in xs]
    return xs


def gathered(drawn: Drawn, xs: list[Any], k: Any) -> Any:
    """The outputs, with shapes beside them if so drawn."""
    y = OUTPUTS[drawn.outputs](xs, k)
    return (y, [x.shape for x in xs]) if drawn.options.get("has_aux") else y


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
    """Trees of a few leaves; None is a tree without leaves."""
    leaf = leaves(dtypes, odd=odd)
    return st.one_of(leaf, st.recursive(st.one_of(leaf, st.none()), _containers, max_leaves=3))


def tame(tree: Any) -> Any:
    """The same shapes and dtypes with values where every step has a derivative."""
    return jax.tree.map(lambda leaf: np.full_like(leaf, 0.75) if isinstance(leaf, np.ndarray) else leaf * 0 + 1, tree)
