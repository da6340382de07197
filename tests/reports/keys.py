"""Situations of memory: arguments that determine the function, and are new, odd or unhashable."""

import dataclasses
import enum
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.reports.situation import OURS, Arguments, Call, at, table

SITUATIONS, situation = table()

X = np.linspace(0.1, 0.9, 3)


@jax.custom_vjp
def _by_hand(x: Any) -> Any:
    return jnp.sin(x)


_by_hand.defvjp(lambda x: (jnp.sin(x), x), lambda x, u: (u * jnp.cos(x),))


def _tall(x: Any, k: Any = 1.0) -> Any:
    return jnp.tile(jnp.sin(x) * k, 50)


def _with(*others: Any) -> list[Arguments]:
    return [at(X, other) for other in others]


@situation(OURS)
def kind_by_a_number() -> Call:
    """The function is tiled for 0, and has a rule for reverse mode only for 1."""
    return Call(
        f=lambda x, k: jnp.tile(x, 50) if k == 0 else _by_hand(x),
        args=(X, 0),
        again=_with(1, 0, np.int64(1)),
    )


@situation(OURS, jit=False)
def outputs_by_a_number() -> Call:
    """It has one output, then thousands."""
    return Call(f=lambda x, k: jnp.tile(x.sum(), k), args=(X, 1), again=_with(2_000, 1))


@situation(OURS, jit=False)
def kind_by_the_type_of_a_number() -> Call:
    """1, 1.0, True and Decimal(1) are equal and hash alike."""

    def f(x: Any, k: Any) -> Any:
        if isinstance(k, bool):
            return _by_hand(x)
        return jnp.tile(x, 50) * float(k) if isinstance(k, int) else jnp.tile(x.sum(), 2)

    return Call(f=f, args=(X, 1), again=_with(bool(1), 1.0, Decimal(1)))


class _Kind(enum.Enum):
    TALL, SHORT = 0, 1


@situation(OURS)
def kind_by_an_enum() -> Call:
    """The argument is a member of an enumeration."""
    f: dict[_Kind, Callable[..., Any]] = {_Kind.TALL: _tall, _Kind.SHORT: _by_hand}
    return Call(f=lambda x, k: f[k](x), args=(X, _Kind.TALL), again=_with(_Kind.SHORT, _Kind.TALL))


@situation(OURS)
def function_as_an_argument() -> Call:
    """The second argument is a new function at each call."""
    again = [at(X, lambda x: jnp.cos(x) * 2), at(X, _by_hand), at(X, lambda x: jnp.exp(x))]  # noqa: PLW0108
    return Call(f=lambda x, g: jnp.tile(g(x), 20), args=(X, jnp.sin), again=again)


@situation(OURS)
def kind_by_a_string() -> Call:
    """The function knows one word, and not another."""
    f: dict[str, Callable[..., Any]] = {"tall": _tall, "short": _by_hand}
    return Call(f=lambda x, k: f[k](x), args=(X, "tall"), again=_with("short", "none", np.str_("tall")))


@situation(OURS)
def none_or_an_array() -> Call:
    """None is a tree without leaves."""
    return Call(f=lambda x, k: _tall(x) if k is None else _by_hand(x * k), args=(X, None), again=_with(X, None))


@situation(OURS)
def set_as_an_argument() -> Call:
    """A set is unhashable, and its order is not fixed."""
    return Call(
        f=lambda x, k: _tall(x) if 1 in k else _by_hand(x), args=(X, {1, 2}), again=_with({2, 3}, frozenset({1}))
    )


@situation(OURS)
def strings_in_a_tree() -> Call:
    """Names stand beside numbers."""
    first = {"kind": "tall", "scale": 2.0, "names": ["a", "b"]}
    second = {"kind": "short", "scale": 2.0, "names": ["a", "b"]}
    f: dict[str, Callable[..., Any]] = {"tall": _tall, "short": _by_hand}
    return Call(f=lambda x, k: f[k["kind"]](x) * k["scale"], args=(X, first), again=_with(second, first))


class _Raising:
    """An object that can be neither compared nor hashed."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    def __hash__(self) -> int:
        raise RuntimeError("hashed")


@situation(OURS)
def object_that_cannot_be_compared() -> Call:
    """Its methods raise an exception other than TypeError."""
    return Call(f=lambda x, k: _tall(x, k.scale), args=(X, _Raising(2.0)), again=_with(_Raising(3.0), _Raising(2.0)))


class _Ambiguous:
    """An object whose comparison gives an array, like a table of pandas."""

    def __init__(self, scale: float) -> None:
        self.scale = scale

    def __eq__(self, other: object) -> Any:
        return np.array([True, False])

    def __hash__(self) -> int:
        return 0


@situation(OURS)
def object_whose_comparison_is_an_array() -> Call:
    """All such objects hash alike."""
    f = lambda x, k: _tall(x, k.scale) if k.scale < 3 else _by_hand(x)  # noqa: E731
    return Call(f=f, args=(X, _Ambiguous(2.0)), again=_with(_Ambiguous(3.0), _Ambiguous(2.0)))


@dataclasses.dataclass
class _Config:
    """A configuration without a hash, since it can be changed."""

    rows: int


@situation("jax-ml/jax#3701", anew=True)
def configuration_that_changes() -> Call:
    """The same object has another value at the second call."""
    config = _Config(20)

    def f(x: Any, config: _Config, rows: int) -> Any:
        config.rows = rows
        return jnp.tile(x, config.rows) if config.rows > 1 else _by_hand(x)

    return Call(f=f, args=(X, config, 20), again=[at(X, config, 1), at(X, config, 30)])


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class _WithArray:
    """A tree with an array as a static field."""

    x: Any
    weights: Any = dataclasses.field(metadata={"static": True})


def _weighted(model: Any) -> Any:
    return _WithArray(jnp.tile(model.x * model.weights, 20), 0)


@situation("jax-ml/jax#24204")
def array_as_a_static_field() -> Call:
    """Two such trees cannot be compared."""
    return Call(
        f=lambda model: jnp.tile(model.x * model.weights, 20),
        args=(_WithArray(X, np.arange(3.0)),),
        again=[at(_WithArray(X, np.arange(3.0))), at(_WithArray(X, np.arange(1.0, 4.0)))],
    )


@situation("jax-ml/jax#7826")
def array_as_a_static_field_beside() -> Call:
    """A held argument has the array."""
    again = [at(X, _WithArray(X, np.arange(3.0))), at(X, _WithArray(X, np.arange(1.0, 4.0)))]
    return Call(
        f=lambda x, model: jnp.tile(x * model.x * model.weights, 20),
        args=(X, _WithArray(X, np.arange(3.0))),
        again=again,
    )


class _Registered:
    """A tree whose second part is an array of JAX."""

    def __init__(self, x: Any, y: Any) -> None:
        self.x, self.y = x, y


jax.tree_util.register_pytree_node(_Registered, lambda r: ((r.y,), (r.x,)), lambda aux, ys: _Registered(*aux, *ys))


@situation("jax-ml/jax#19547")
def array_of_jax_as_auxiliary_data() -> Call:
    """The data are equal, and cannot be compared."""
    make: Any = lambda: _Registered(jnp.array([1.0, 2.0]), jnp.array([2.5, 3.5]))  # noqa: E731
    return Call(f=lambda r: jnp.tile(r.x * r.y, 20), args=(make(),), again=[at(make()), at(make())])


@situation("jax-ml/jax#28659")
def set_as_auxiliary_data() -> Call:
    """A set can be compared, but not hashed."""
    make: Any = lambda k: _WithArray(X, {k})  # noqa: E731
    f = lambda model: _tall(model.x) if 1 in model.weights else _by_hand(model.x)  # noqa: E731
    return Call(f=f, args=(make(1),), again=[at(make(2)), at(make(1))])


@situation(OURS, long=True)
def new_shapes_in_a_loop() -> Call:
    """There are a few of them, then the first once more."""
    sizes = [2, 3, 4, 1]
    return Call(f=lambda x: jnp.outer(x, jnp.arange(5.0)).ravel(), args=(np.ones(1),), again=_sized(sizes))


def _sized(sizes: list[int]) -> list[Arguments]:
    return [at(np.linspace(0.0, 1.0, size)) for size in sizes]


@situation(OURS, anew=True)
def state_that_changes() -> Call:
    """The function's closure changes between calls, from a tiling to a rule for reverse mode only."""
    calls = []

    def f(x: Any, *, new: bool = False) -> Any:
        calls.extend([new] * new)
        return _by_hand(x) if calls else jnp.tile(x, 50)

    return Call(f=f, args=(X,), again=[at(X, new=True), at(X)])


@situation(OURS, jit=False)
def value_that_python_branches_on() -> Call:
    """A held number, which is no tracer, has another sign."""
    return Call(f=lambda x, k: _tall(x) if k > 0 else _by_hand(x), args=(X, 1.0), again=_with(-1.0, 2.0))


@situation("jax-ml/jax#650", jit=False)
def value_of_the_input_that_python_branches_on() -> Call:
    """At the second point the function has a rule for reverse mode only."""
    return Call(f=lambda x: _tall(x) if x[0] > 0 else _by_hand(x), args=(X,), again=[at(-X), at(X)])


@situation(OURS, jit=False)
def value_in_an_array_that_python_branches_on() -> Call:
    """A held array of NumPy has the value."""
    again = _with(np.array([-1.0]), np.array([1.0]))
    f = lambda x, k: _tall(x) if k[0] > 0 else _by_hand(x)  # noqa: E731
    return Call(f=f, args=(X, np.array([1.0])), again=again)


@situation(OURS)
def names_that_are_not_sorted() -> Call:
    """Keys of a dictionary come in another order."""
    one, other = {"a": X, "b": 2 * X}, {"b": 2 * X, "a": X}
    return Call(f=lambda d: jnp.tile(d["a"] * d["b"], 20), args=(one,), again=[at(other)])


@situation(OURS)
def numbers_with_signs() -> Call:
    """Zero and minus zero, and NaN that does not equal itself."""
    return Call(f=lambda x, k: jnp.tile(jnp.copysign(x, k), 20), args=(X, 0.0), again=_with(-0.0, float("nan"), 0.0))


@situation(OURS)
def bytes_and_slices() -> Call:
    """An ellipsis and a range occur too: leaves that are no numbers."""
    f = lambda x, k: jnp.tile(x, 20) if isinstance(k, bytes) else jnp.tile(jnp.arange(9.0), 20)[: x.size] * x  # noqa: E731
    return Call(f=f, args=(X, b"k"), again=_with(slice(0, 2), ..., range(3)))
