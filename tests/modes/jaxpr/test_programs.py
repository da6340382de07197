"""The inner programs of an equation show in its shapes: names differ between versions, and users add primitives."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from jax.experimental import io_callback, pallas as pl
from jax.extend.core import ClosedJaxpr, Jaxpr, Primitive
from jax.sharding import Mesh, PartitionSpec

from fwdrev.modes.jaxpr.cost import cost_of, cost_of_jaxpr

X = np.ones(6)
ROWS = np.ones((5, 6))


def invented(shape: Callable[..., Any], **params: Any) -> Callable[..., Any]:
    """A primitive that JAX lacks, with those parameters and results of that shape."""
    made = Primitive("invented")
    made.def_abstract_eval(shape)  # type: ignore[no-untyped-call]
    return lambda *args: made.bind(*args, **params)  # type: ignore[no-untyped-call]


def traced(f: Callable[..., Any], *args: Any) -> ClosedJaxpr:
    """The program of a function, as a parameter holds it."""
    return jax.make_jaxpr(f)(*args)


def like_first(x: Any, *_: Any, **__: Any) -> Any:
    """The shape of the first operand."""
    return x


def row(x: Any, **_: Any) -> Any:
    """The shape of a row."""
    return jax.core.ShapedArray(x.shape[1:], x.dtype)


def renamed(closed: ClosedJaxpr, *names: str) -> ClosedJaxpr:
    """The program with other names of parameters for programs and lengths, as another JAX might have."""

    def everywhere(value: Any) -> Any:
        if isinstance(value, Jaxpr):
            return value.replace(eqns=list(map(equation, value.eqns)))  # type: ignore[no-untyped-call]
        if isinstance(value, ClosedJaxpr):
            return ClosedJaxpr(everywhere(value.jaxpr), value.consts)
        if hasattr(value, "_asdict"):
            return type(value)(*map(everywhere, value))
        return tuple(map(everywhere, value)) if isinstance(value, tuple) else value

    def equation(one: Any) -> Any:
        params = {f"its_{key}" if key in names else key: everywhere(value) for key, value in one.params.items()}
        return one.replace(params=params)

    return ClosedJaxpr(everywhere(closed.jaxpr), closed.consts)


class Record(NamedTuple):
    """Programs by name."""

    body: Any


SINES = traced(lambda x: lax.sin(lax.sin(x)), X)
ONE = traced(lax.sin, X)

UNKNOWN: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, int]]] = {
    "nothing inside": (invented(like_first), (X,), {"elements": 12}),
    "a large operand": (invented(row), (ROWS,), {"elements": 36}),
    "a program that gives something else": (
        invented(row, rule=traced(lambda x: (lax.sin(x), x), ROWS)),
        (ROWS,),
        {"transcendentals": 30},
    ),
}
"""Primitives that are counted by their parts, and reported."""

KNOWN: dict[str, tuple[Callable[..., Any], tuple[Any, ...], dict[str, int]]] = {
    "a call": (invented(like_first, anything=SINES), (X,), {"transcendentals": 12}),
    "a call and its rule": (
        invented(like_first, rule=traced(lambda x: (lax.sin(x), lax.cos(x)), X), body=ONE),
        (X,),
        {"transcendentals": 6},
    ),
    "branches": (invented(like_first, several=(ONE, SINES, ONE)), (X,), {"transcendentals": 12}),
    "a body and its condition": (
        invented(like_first, until=traced(lambda x: jnp.all(x < 1), X), step=ONE),
        (X,),
        {"transcendentals": 6, "iterations": 1},
    ),
    "rows": (invented(like_first, each=ONE), (ROWS,), {"transcendentals": 30, "iterations": 5}),
    "by element": (invented(like_first, each=traced(lax.sin, 1.0)), (ROWS,), {"transcendentals": 30}),
    "a part on each device": (invented(like_first, part=traced(lax.sin, np.ones(3))), (X,), {"transcendentals": 6}),
    "in a record": (invented(like_first, programs=Record(body=SINES)), (X,), {"transcendentals": 12}),
}
"""Primitives without a report: their inner programs show."""


@pytest.mark.parametrize("case", UNKNOWN)
def test_an_unknown_primitive_is_counted_by_its_shapes_and_told(case: str) -> None:
    """An unknown primitive is never an error."""
    f, args, expected = UNKNOWN[case]
    cost = cost_of(f, *args)
    assert {kind: cost.counts.get(kind, 0) for kind in expected} == expected
    assert cost.unknown == ("invented",)


@pytest.mark.parametrize("case", KNOWN)
def test_programs_are_found_by_what_they_give(case: str) -> None:
    """Names do not matter."""
    f, args, expected = KNOWN[case]
    cost = cost_of(f, *args)
    assert {kind: cost.counts.get(kind, 0) for kind in expected} == expected
    assert not cost.unknown


@jax.custom_vjp
def doubled(x: Any) -> Any:
    """A function with a rule for reverse mode only."""
    return x * 2.0


doubled.defvjp(lambda x: (doubled(x), None), lambda _, u: (u * 2.0,))

PROGRAMS: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {
    "scan": (lambda xs: lax.scan(lambda c, x: (lax.sin(c * x), c), X, xs), (ROWS,)),
    "while": (lambda x: lax.while_loop(lambda c: jnp.all(c < 9), lambda c: lax.exp(c), x), (X,)),  # noqa: PLW0108
    "cond": (lambda x: lax.cond(x[0] > 0, lax.sin, lambda x: lax.cos(lax.cos(x)), x), (X,)),
    "jit": (jax.jit(lax.sin), (X,)),
    "custom_vjp": (doubled, (X,)),
    "remat": (jax.grad(jax.checkpoint(lambda x: lax.sin(lax.sin(x)).sum())), (X,)),
    "solve": (
        lambda x: lax.custom_linear_solve(lambda v: v * 2.0, x, lambda _, b: lax.exp(b), symmetric=True),
        (X,),
    ),
    "nested": (jax.jit(lambda xs: lax.scan(lambda c, x: (jax.jit(lax.sin)(c * x), c), X, xs)), (ROWS,)),
}
PRIVATE = (
    *("jaxpr", "call_jaxpr", "cond_jaxpr", "body_jaxpr", "jaxprs", "branches", "length", "num_consts", "num_carry"),
    *("fwd_jaxpr_thunk", "donated_invars", "update_jaxpr"),
)


@pytest.mark.parametrize("case", PROGRAMS)
def test_other_names_of_parameters_change_nothing(case: str) -> None:
    """Nothing is reported about them either."""
    f, args = PROGRAMS[case]
    program = traced(f, *args)
    plain, other = cost_of_jaxpr(program), cost_of_jaxpr(renamed(program, *PRIVATE))
    assert plain == other
    assert not plain.unknown


def test_a_loop_whose_length_is_not_to_be_seen_is_told() -> None:
    """Without rows or a length, one pass is counted."""
    program = traced(lambda x: lax.scan(lambda c, _: (lax.sin(c), None), x, length=7)[0], X)
    assert cost_of_jaxpr(program).counts["transcendentals"] == 42
    other = cost_of_jaxpr(renamed(program, *PRIVATE))
    assert other.counts["transcendentals"] == 6
    assert other.unknown == ("scan",)


@pytest.mark.parametrize(
    ("f", "parameter", "name"),
    [
        (lambda a: lax.dot_general(a, a, (((1,), (1,)), ((), ()))), "dimension_numbers", "dot_general"),
        (lambda a: lax.sort(a, dimension=0), "dimension", "sort"),
        (lambda a: lax.fft(a.astype(complex), "FFT", (6,)), "fft_lengths", "fft"),
    ],
    ids=["product", "sort", "fft"],
)
def test_known_primitives_with_other_parameters_are_counted_by_their_shapes(
    f: Callable[..., Any], parameter: str, name: str
) -> None:
    """Such primitives are reported too."""
    program = traced(f, ROWS)
    assert not cost_of_jaxpr(program).unknown
    other = cost_of_jaxpr(renamed(program, parameter))
    assert other.unknown == (name,)
    assert other.counts["elements"] >= 2 * ROWS.size


def _doubling(read: Any, written: Any) -> None:
    written[...] = read[...] * 2.0


def _in_blocks(x: Any) -> Any:
    block = pl.BlockSpec((2,), lambda i: (i,))
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype)  # type: ignore[no-untyped-call]
    return pl.pallas_call(_doubling, shape, grid=(3,), in_specs=[block], out_specs=block)(x)


def _on_a_mesh(x: Any) -> Any:
    mesh = Mesh(np.array(jax.devices()[:1]), ("i",))
    spec = PartitionSpec("i")  # type: ignore[no-untyped-call]
    return jax.shard_map(lax.sin, mesh=mesh, in_specs=spec, out_specs=spec)(x)


def _exported(x: Any) -> Any:
    return jax.export.export(jax.jit(lax.sin))(SHAPE).call(x)  # type: ignore[no-untyped-call]


SHAPE = jax.ShapeDtypeStruct((6,), np.float64)  # type: ignore[no-untyped-call]

OPAQUE: dict[str, tuple[Callable[..., Any], set[str]]] = {
    "ffi": (jax.ffi.ffi_call("nothing_of_that_name", SHAPE), {"ffi_call"}),
    "callback": (lambda x: jax.pure_callback(np.sin, SHAPE, x), {"pure_callback"}),
    "ordered callback": (lambda x: io_callback(np.sin, SHAPE, x, ordered=True), {"io_callback"}),
    "export": (_exported, {"call_exported"}),
    "pallas": (_in_blocks, {"pallas_call"}),
    "shard_map": (_on_a_mesh, set()),
    "print": (lambda x: (jax.debug.print("{}", x[0], ordered=True), lax.sin(x))[1], set()),
}


@pytest.mark.parametrize("case", OPAQUE)
def test_calls_out_of_jax(case: str) -> None:
    """Opaque calls are reported, the others are counted."""
    f, unknown = OPAQUE[case]
    cost = cost_of(f, X)
    assert set(cost.unknown) == unknown
    assert cost.seconds > cost_of(lambda x: x, X).seconds
    if case == "pallas":  # each block of the grid
        assert cost.counts["elements"] == X.size
