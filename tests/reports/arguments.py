"""Situations of calls: the arguments, further outputs, the kind of function, and its side effects."""

import functools
from collections import namedtuple
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tests.reports.situation import OURS, Call, at, table

SITUATIONS, situation = table()

X = np.linspace(0.1, 0.9, 3)
SPEC: Any = jax.P


def _like(x: Any) -> Any:
    return jax.eval_shape(lambda: x)


def _outer(x: Any, y: Any) -> Any:
    return jnp.outer(jnp.sin(x), jnp.arange(1.0, 20.0)) * jnp.sum(y) + jnp.sum(y**2)


@situation("jax-ml/jax#1575")
def argnums_of_numpy() -> Call:
    """argnums is an integer of NumPy, which JAX refuses before 0.10.2."""
    return Call(f=_outer, args=(X, X), options={"argnums": np.array([1, 0])[0]}, refused=True)


@situation("jax-ml/jax#1575")
def argnums_of_jax() -> Call:
    """argnums is an integer of JAX, which JAX refuses before 0.10.2."""
    return Call(f=_outer, args=(X, X), options={"argnums": jnp.array([1, 0])[0]}, refused=True)


@situation("jax-ml/jax#5176")
def argnums_of_numpy_in_a_tuple() -> Call:
    """argnums is a tuple of several."""
    return Call(f=_outer, args=(X, X), options={"argnums": (np.int32(1), np.int64(0))})


@situation("jax-ml/jax#1575")
def argnums_in_an_array() -> Call:
    """argnums is an array of NumPy."""
    return Call(f=_outer, args=(X, X), options={"argnums": np.array([1, 0])})


@situation("jax-ml/jax#10630")
def argnums_from_the_end() -> Call:
    """argnums counts from the end."""
    return Call(f=_outer, args=(X, X), options={"argnums": -1})


@situation("PennyLaneAI/pennylane#112")
def argnums_in_a_list() -> Call:
    """argnums is a list of positive and negative ones."""
    return Call(f=_outer, args=(X, X), options={"argnums": [-1, 0]})


@situation(OURS)
def argnums_that_are_not_there() -> Call:
    """The call has one argument too few."""
    return Call(f=_outer, args=(X, X), options={"argnums": 2}, again=[at(X)])


@situation(OURS)
def argnums_twice() -> Call:
    """argnums names the same argument twice."""
    return Call(f=_outer, args=(X, X), options={"argnums": (0, 0)})


@situation(OURS)
def no_argnums() -> Call:
    """argnums is an empty tuple."""
    return Call(f=_outer, args=(X, X), options={"argnums": ()})


@situation(OURS)
def argument_by_its_name() -> Call:
    """The differentiated argument comes as a keyword."""
    return Call(f=_outer, args=(), kwargs={"x": X, "y": X})


@situation("jax-ml/jax#2035")
def something_beside() -> Call:
    """A dictionary is returned beside the value."""
    return Call(f=lambda x: (jnp.tile(x, 20) ** 2, {"norm": x @ x}), args=(X,), options={"has_aux": True})


@situation("jax-ml/jax#1093", jit=False)
def something_beside_that_is_no_array() -> Call:
    """A string and a number of Python are returned beside the value."""
    return Call(f=lambda x: (jnp.tile(x, 20) ** 2, ("name", 3)), args=(X,), options={"has_aux": True})


@situation("jax-ml/jax#2035")
def something_beside_that_is_missing() -> Call:
    """The function returns the value only, where has_aux expects a pair."""
    return Call(f=lambda x: jnp.tile(x, 20) ** 2, args=(X,), options={"has_aux": True})


@situation("mfschubert/sparsejac#17")
def keywords() -> Call:
    """Some are keyword-only, some have defaults."""

    def f(x: Any, power: float = 2.0, *, scale: Any, **others: Any) -> Any:
        return jnp.tile(scale * x**power, 20) + sum(others.values())

    again = [at(X, scale=3.0), at(X, 3.0, scale=X, b=2.0, c=1)]
    return Call(f=f, args=(X,), kwargs={"scale": 2.0, "a": 1.0}, again=again)


@situation(OURS)
def keyword_that_is_missing() -> Call:
    """The function itself refuses the call."""

    def f(x: Any, *, scale: Any) -> Any:
        return x * scale

    return Call(f=f, args=(X,), again=[at(X, scale=1.0, other=2.0), at(X, scale=1.0)])


@situation("jax-ml/jax#6361")
def partial() -> Call:
    """The first argument and a keyword are bound."""

    def f(k: Any, x: Any, *, scale: Any) -> Any:
        return jnp.outer(x, jnp.arange(20.0)) * k * scale

    return Call(f=functools.partial(f, 2.0, scale=3.0), args=(X,))


class _Model:
    """A model with a method, which can be called itself."""

    def __init__(self) -> None:
        self.weights = jnp.arange(60.0).reshape(20, 3)

    def predict(self, x: Any) -> Any:
        """Predicts twenty numbers."""
        return jnp.sin(self.weights @ x)

    def __call__(self, x: Any) -> Any:
        """Predicts the same."""
        return self.predict(x)


@situation("patrick-kidger/equinox#1131")
def bound_method() -> Call:
    """The method is bound to an object."""
    return Call(f=_Model().predict, args=(X,))


@situation(OURS)
def object_that_can_be_called() -> Call:
    """The object has no name."""
    return Call(f=_Model(), args=(X,))


@situation(OURS)
def compiled_function() -> Call:
    """The function is compiled with a static argument."""
    f = jax.jit(jnp.tile, static_argnums=1)
    return Call(f=f, args=(X, 20), again=[at(X, 1), at(X, 20)])


@situation("jax-ml/jax#9675", jit=False, anew=True)
def compiled_function_that_takes_its_argument() -> Call:
    """The result may reuse the buffer of the argument."""
    f = jax.jit(lambda x: jnp.sin(x) * x[0], donate_argnums=0)
    return Call(f=f, args=(jnp.linspace(0.1, 0.9, 3),), again=[at(jnp.linspace(0.2, 0.7, 3))])


@situation(OURS)
def function_of_numpy() -> Call:
    """The function accepts no tracers."""
    return Call(f=lambda x: np.sin(np.asarray(x)), args=(X,))


@situation(OURS)
def universal_function_of_jax() -> Call:
    """The function is an object of a class of its own."""
    return Call(f=jnp.sin, args=(X,), again=[at(X[0]), at(0.5), at(X.reshape(1, 3))])


@situation("jax-ml/jax#23501")
def print_inside() -> Call:
    """Printing is an effect."""

    def f(x: Any) -> Any:
        jax.debug.callback(lambda _: None, x[0])
        return jnp.tile(jnp.sin(x), 20)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#16650")
def external_program() -> Call:
    """The rule for its derivative calls it again."""

    @jax.custom_jvp
    def simulate(x: Any) -> Any:
        return jax.pure_callback(np.sin, _like(x), x, vmap_method="broadcast_all")

    @simulate.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        (x,), (d,) = primals, tangents
        return simulate(x), d * simulate(x + np.pi / 2)

    return Call(f=lambda x: jnp.outer(simulate(x), jnp.arange(20.0)), args=(X,))


@situation("jax-ml/jax#30401")
def external_program_on_tangents() -> Call:
    """Reverse mode refuses it, since it cannot be transposed."""

    @jax.custom_jvp
    def double(x: Any) -> Any:
        return jax.pure_callback(lambda x: 2 * x, _like(x), x, vmap_method="expand_dims")

    @double.defjvp
    def _(primals: Any, tangents: Any) -> Any:
        return double(primals[0]), double(tangents[0])

    return Call(f=lambda x: jnp.outer(double(x), jnp.arange(20.0)), args=(X,), refused=True)


@situation("jax-ml/jax#1142")
def external_program_without_a_rule() -> Call:
    """It cannot be differentiated."""

    def f(x: Any) -> Any:
        return jax.pure_callback(np.sin, _like(x), x, vmap_method="sequential")

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#3198")
def input_and_output_inside() -> Call:
    """Its order matters."""

    def f(x: Any) -> Any:
        shift = jax.experimental.io_callback(lambda: np.float64(1.0), _like(np.float64(0)))
        return jnp.tile(jnp.sin(x) + shift, 20)

    return Call(f=f, args=(X,))


@situation("jax-ml/jax#17566")
def key_as_an_argument() -> Call:
    """A typed key of the random generator is held."""
    f = lambda x, key: jnp.outer(x, jax.random.normal(key, (20,)))  # noqa: E731
    again = [at(X, jax.random.key(1)), at(X, jax.random.PRNGKey(2))]
    return Call(f=f, args=(X, jax.random.key(0)), again=again)


@situation(OURS)
def key_to_differentiate() -> Call:
    """A key has no derivative."""
    return Call(f=lambda key: jax.random.normal(key, (3,)), args=(jax.random.key(0),))


@situation("jax-ml/jax#2663")
def integer() -> Call:
    """An integer is refused."""
    return Call(f=lambda x: jnp.tanh(x) * jnp.ones(20), args=(2,), again=[at(np.arange(3)), at(np.bool_(1))])


@situation("jax-ml/jax#12339")
def integers_allowed() -> Call:
    """Their derivative has a dtype without values."""
    f = lambda t: jnp.tile(jnp.array([0.8, 0.9])[t["i"]] * t["x"], 20)  # noqa: E731
    return Call(f=f, args=({"i": np.array([0, 1]), "x": np.ones(2)},), options={"allow_int": True})


@situation("jax-ml/jax#4039")
def integers_and_floats() -> Call:
    """They are in one tree, without permission."""
    f = lambda t: jnp.tile(t[0] * t[1], 20)  # noqa: E731
    return Call(f=f, args=((np.arange(3), np.ones(3)),))


@situation("jax-ml/jax#424")
def integers_as_outputs() -> Call:
    """They are refused, too."""
    return Call(f=lambda x: jnp.tile(x.astype(int), 20), args=(X,))


_Pair = namedtuple("_Pair", ["a", "b"])  # noqa: PYI024 - untyped, as users have it


@situation("jax-ml/jax#7158")
def trees_of_all_kinds() -> Call:
    """Named tuples, dictionaries, lists and None go in and out."""

    def f(t: Any) -> Any:
        return {"u": [jnp.outer(t["p"].a, t["p"].b), None], "v": _Pair(t["q"][0] * 2.0, (t["q"][1],))}

    return Call(f=f, args=({"p": _Pair(X, np.ones(9)), "q": [1.5, np.float32(2.0)], "r": None},))


@situation(OURS)
def numbers_of_python() -> Call:
    """They are weakly typed, alone and in a list."""
    return Call(f=lambda t: [t[0] * jnp.arange(9.0), t[1] ** 2], args=([1.5, 2.0],))


@situation(OURS, jit=False)
def list_of_numbers_as_output() -> Call:
    """The result is no array of JAX."""
    return Call(f=lambda x: [x[0], 2.0, x[1] * 3], args=(X,))


@situation(OURS)
def output_that_does_not_depend() -> Call:
    """It is a constant of NumPy, of JAX and of Python."""
    return Call(f=lambda _: (np.ones(20), jnp.zeros(2), 1.0), args=(X,))


@situation(OURS)
def string_as_output() -> Call:
    """It is refused."""
    return Call(f=lambda _: "value", args=(X,))


@situation("jax-ml/jax#13656")
def nothing_to_scatter() -> Call:
    """The scattering is into an empty array."""
    f = lambda y: jnp.zeros(0).at[jnp.arange(1)].add(y, mode="drop")  # noqa: E731
    return Call(f=f, args=(np.ones(1),), refused=True)


@situation("jax-ml/jax#10833")
def empty_convolution() -> Call:
    """The window is larger than the array."""

    def f(lhs: Any, rhs: Any) -> Any:
        return jax.lax.conv_general_dilated(lhs=lhs, rhs=rhs, window_strides=(1,), padding=((0, 0),))

    return Call(f=f, args=(np.ones((1, 1, 1)), np.ones((1, 1, 2))))


@situation(OURS)
def empty_arrays() -> Call:
    """There are no inputs, and no outputs."""
    return Call(f=lambda x: x[:0], args=(X,), again=[at(np.ones(0)), at(np.ones((0, 2)))])


class _Mine(Exception):  # noqa: N818 - a signal, as users have them
    pass


@situation(OURS)
def error_of_the_function() -> Call:
    """Its class is the user's, and it comes at the second call only."""

    def f(x: Any, *, fine: bool) -> Any:
        if not fine:
            raise _Mine
        return jnp.tile(x, 20)

    again = [at(X, fine=False), at(X, fine=True)]
    return Call(f=f, args=(X,), kwargs={"fine": True}, again=again)


@situation("jax-ml/jax#25844")
def sharded() -> Call:
    """The mesh has one device."""
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    x = jax.device_put(jnp.arange(4.0), jax.sharding.NamedSharding(mesh, SPEC("i")))
    return Call(f=lambda x: jnp.outer(jnp.sin(x), jnp.arange(20.0)), args=(x,))


@situation("jax-ml/jax#26148")
def inside_a_map_over_shards() -> Call:
    """The function maps over the shards of its argument."""
    mesh = jax.make_mesh((1,), ("i",), axis_types=(jax.sharding.AxisType.Auto,))
    f = jax.shard_map(lambda x: jnp.tile(jnp.sin(x), 20), mesh=mesh, in_specs=SPEC("i"), out_specs=SPEC("i"))
    return Call(f=f, args=(jnp.linspace(0.1, 0.9, 4),))


def _encode(x: Any) -> Any:
    return jnp.tanh(x.reshape(2, -1).sum(axis=1))


def _decode(h: Any) -> Any:
    return jnp.sin(jnp.outer(h, jnp.arange(20.0))).ravel()


@situation(OURS)
def through_a_waist() -> Call:
    """The function is narrow in the middle, and runs in chunks."""
    return Call(f=lambda x: _decode(_encode(x)), args=(np.linspace(0.0, 1.0, 20),), ours={"chunk": 3})
