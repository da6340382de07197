"""A user's function as a function of one vector: what it is turned into, and what is refused with which advice."""

import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fwdrev.modes.errors import InputError
from fwdrev.modes.function import flat_function
from fwdrev.modes.function_arms import chunked_arm, function_arms
from fwdrev.modes.interface import Direction
from fwdrev.modes.jax_stages import composed

POINT = {"w": np.linspace(0.1, 0.6, 6).reshape(2, 3), "b": np.array([0.3, -0.2])}


def layer(p: Any, x: Any) -> Any:
    """Two arguments, one of them a dictionary; two outputs."""
    z = jnp.tanh(p["w"] @ x + p["b"])
    return {"z": z, "energy": (z * z).sum()}


@pytest.fixture
def found() -> Any:
    """That layer at a point."""
    return flat_function(layer, (POINT, np.array([1.0, 2.0, 3.0])), name="layer")


def test_pytrees_become_vectors(found: Any) -> None:
    """All inputs in one vector, all outputs in one, in JAX's order."""
    assert (found.n, found.m) == (11, 3)
    assert found.argnums == (0, 1)
    expected = layer(POINT, jnp.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found.value(found.x), [expected["energy"], *expected["z"]], rtol=1e-12)


def test_every_arm_is_the_jacobian_of_the_vector_function(found: Any) -> None:
    """As a matrix, whatever the structures."""
    expected = jax.jacfwd(found.value)(found.x)
    arms, left_out = function_arms(found)
    assert set(arms) == {"forward", "reverse"}
    assert "fwdrev[sparse]" in left_out["coloured"]
    for arm in arms.values():
        np.testing.assert_allclose(found.matrix(arm.program()(*found.args)), expected, rtol=1e-12)


def test_the_code_is_what_runs(found: Any) -> None:
    """Every line of code computes the same when it is pasted."""
    arms, _ = function_arms(found)
    names = {"jax": jax, "layer": layer}
    assert arms["forward"].code == "jax.jit(jax.jacfwd(layer, argnums=(0, 1)))"
    for arm in arms.values():
        J = eval(arm.code, names)(*found.args)  # noqa: S307 - our own code
        np.testing.assert_array_equal(found.matrix(J), found.matrix(arm.program()(*found.args)))


def test_a_batch_has_a_jacobian_for_each_sample() -> None:
    """n and m are those of one sample; the matrix is that of the first."""
    x = np.linspace(0.0, 1.0, 12).reshape(4, 3)
    found = flat_function(lambda x: jnp.outer(x, x), (x,), vmap=True)
    assert (found.n, found.m, found.batch) == (3, 9, 4)
    arms, left_out = function_arms(found)
    assert arms["reverse"].code == "jax.jit(jax.vmap(jax.jacrev(f)))"
    assert "coloured" in left_out
    for arm in arms.values():
        J = arm.program()(*found.args)
        assert J.shape == (4, 3, 3, 3)
        np.testing.assert_allclose(found.matrix(J), jax.jacfwd(found.value)(found.x), rtol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "said"), [(((3, 2), (4, 2)), "(3, 2), (4, 2)"), (((),), "()"), (((0, 3), (0, 3)), "(0, 3)")]
)
def test_a_batch_needs_one_leading_axis(shapes: tuple[tuple[int, ...], ...], said: str) -> None:
    """The shapes are told."""
    args = tuple(np.ones(shape) for shape in shapes) + ((np.ones((0, 3)),) if () in shapes else ())
    with pytest.raises(InputError) as told:
        flat_function(lambda *x: x[0], (*args, np.ones(())), vmap=True)
    assert said in str(told.value)
    assert "the same leading axis" in str(told.value)


def test_chunks_are_worth_it_where_much_is_held(found: Any) -> None:
    """A chunk holds a few megabytes; little memory is not divided, nor a single pass."""
    assert chunked_arm(found, Direction.FORWARD, 1 << 20) is None
    made = chunked_arm(found, Direction.FORWARD, 1 << 26)
    assert made is not None
    assert made.code == 'jax.jit(fwdrev.jacobian(layer, argnums=(0, 1), mode="forward", chunk=1))'
    np.testing.assert_allclose(found.matrix(made.program()(*found.args)), jax.jacfwd(found.value)(found.x), rtol=1e-12)
    tall = flat_function(lambda x: jnp.tanh(x).sum(), (np.ones(1024),))
    made = chunked_arm(tall, Direction.FORWARD, 1 << 28)
    assert made is not None
    assert made.code == 'jax.jit(fwdrev.jacobian(f, mode="forward", chunk=16))'
    assert chunked_arm(tall, Direction.REVERSE, 1 << 28) is None


def banded(x: Any) -> Any:
    """Its Jacobian has two entries in each row."""
    return x[1:] * x[:-1]


def fake_asdex(monkeypatch: pytest.MonkeyPatch, colours: int) -> None:
    """A stand-in that finds so many colours."""

    def coloring(f: Callable[..., Any], *args: Any, argnums: Any) -> Any:
        assert f is banded
        assert argnums == 0
        assert len(args) == 1
        return SimpleNamespace(num_colors=colours)

    def jacobian(f: Callable[..., Any], found: Any) -> Any:
        assert found.num_colors == colours
        return jax.jacfwd(f)

    module = SimpleNamespace(
        jacobian_coloring=coloring, jacobian_from_coloring=jacobian, __spec__=SimpleNamespace(origin="asdex")
    )
    monkeypatch.setitem(sys.modules, "asdex", module)


def test_a_sparse_jacobian_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where asdex is installed and needs fewer passes than a dense Jacobian."""
    fake_asdex(monkeypatch, 2)
    found = flat_function(banded, (np.arange(6.0),), name="banded")
    arms, left_out = function_arms(found)
    assert arms["coloured"].code.startswith(
        "jax.jit(asdex.jacobian_from_coloring(banded, asdex.jacobian_coloring(banded"
    )
    assert not left_out
    J = found.matrix(arms["coloured"].program()(*found.args))
    np.testing.assert_allclose(J, jax.jacrev(banded)(found.args[0]))


def test_a_dense_pattern_is_not_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many colours as columns or rows save nothing."""
    fake_asdex(monkeypatch, 5)
    arms, left_out = function_arms(flat_function(banded, (np.arange(6.0),)))
    assert "coloured" not in arms
    assert "5 passes" in left_out["coloured"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"asdex/data.txt": ""}, "asdex is not installed"),
        ({"asdex.py": "import no_such_module"}, "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_what_is_no_asdex(files: dict[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of that name, or a package that does not import: the other arms are there."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "asdex", raising=False)
    arms, left_out = function_arms(flat_function(banded, (np.arange(6.0),)))
    assert set(arms) == {"forward", "reverse"}
    assert told in left_out["coloured"]


def encode(p: Any) -> Any:
    """From a pytree to a waist of two numbers."""
    return jnp.tanh(jnp.stack([p["a"].sum(), (p["b"] ** 2).sum()]))


def decode(h: Any) -> Any:
    """From the waist to a pytree."""
    return {"u": jnp.outer(h, jnp.arange(1.0, 6.0)), "v": h.prod()}


def test_stages_have_mixed_mode() -> None:
    """The same pytree of blocks as JAX's own for the whole; through a waist neither mode is the cheapest."""
    p = {"a": np.linspace(0.0, 1.0, 7), "b": np.linspace(0.1, 0.2, 6).reshape(2, 3)}
    whole = composed([encode, decode])
    found = flat_function(whole, (p,))
    arms, _ = function_arms(found, {"encode": encode, "decode": decode})
    assert arms["mixed"].code == 'jax.jit(fwdrev.jacobian([encode, decode], mode="mixed"))'
    J, expected = arms["mixed"].program()(*found.args), jax.jacrev(whole)(*found.args)
    assert str(jax.tree.structure(J)) == str(jax.tree.structure(expected))
    for one, other in zip(jax.tree.leaves(J), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def branches(x: Any) -> Any:
    """Python looks at the value."""
    return x if x.sum() > 0 else -x


def calls_numpy(x: Any) -> Any:
    """NumPy wants numbers."""
    return np.sin(x)


def masks(x: Any) -> Any:
    """As many outputs as there are positive inputs."""
    return x[x > 0]


def random(x: Any) -> Any:
    """Other noise each time."""
    return x + np.random.default_rng().standard_normal(x.size)


_KEPT = [0.0]


def keeps(x: Any) -> Any:
    """Remembers the calls before."""
    _KEPT[0] = _KEPT[0] + 1.0
    return x * _KEPT[0]


def looks(x: Any) -> Any:
    """Does something else while JAX traces it."""
    return 2 * x if isinstance(x, jax.core.Tracer) else x


X = np.ones(3)


@pytest.mark.parametrize(
    ("function", "args", "said"),
    [
        (branches, (X,), "branches on a value"),
        (branches, (X,), "test_modes_function.py, line"),
        (calls_numpy, (X,), "use jax.numpy"),
        (lambda x: jnp.ones(2) * float(x[0]), (X,), "Python number"),
        (lambda x: jnp.ones(2) * math.sin(x[0]), (X,), "Python number"),
        (masks, (X,), "by a mask"),
        (random, (X,), "it is random or has side effects"),
        (keeps, (X,), "it is random or has side effects"),
        (looks, (X,), "under jax.jit"),
        (lambda x: x @ jnp.ones(7), (X,), "fails at the given point: TypeError"),
        (jnp.argmax, (X,), "is int64, which has no derivative"),
        (lambda x: {"a": x, "b": "text"}, (X,), "the output of f['b'] is of type str"),
        (lambda _: object(), (X,), "is of type object: return arrays"),
        (lambda _: None, (X,), "returns no numbers"),
        (lambda x: x[:0], (X,), "returns no numbers"),
        (lambda x: jnp.log(x - 2), (X,), "NaN or infinite"),
        (jnp.sin, (np.arange(3),), "argument 0 is int64, which has no derivative"),
        (jnp.add, (X, np.array([True])), "argument 1 is bool"),
        (jnp.sin, (1j * X,), "complex"),
        (jnp.sin, ({"w": [X, "text"]},), "argument 0['w'][1] is of type str"),
        (jnp.sin, (np.array([1.0, np.nan]),), "has NaN or infinity"),
        (jnp.sin, (np.ones(0),), "have no numbers"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_advice(
    function: Callable[..., Any], args: tuple[Any, ...], said: str
) -> None:
    """One line each."""
    with pytest.raises(InputError) as told:
        flat_function(function, args)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_integers_can_be_bound() -> None:
    """As the refusal says."""

    def picks(x: Any, index: Any) -> Any:
        return x[index]

    found = flat_function(partial(picks, index=np.array([0, 2])), (X,))
    assert (found.n, found.m) == (3, 2)
