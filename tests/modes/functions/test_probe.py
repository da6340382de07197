"""A user's function becomes a function of one vector, or is refused with advice."""

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
from fwdrev.modes.functions.candidates import FunctionArm, chunked_arm, cost_of_arm, function_arms
from fwdrev.modes.functions.coloured import NotSparseError, coloured_arm, sampled
from fwdrev.modes.functions.probe import FunctionProbe, probe_function
from fwdrev.modes.functions.staged import composed

POINT = {"w": np.linspace(0.1, 0.6, 6).reshape(2, 3), "b": np.array([0.3, -0.2])}


def layer(p: Any, x: Any) -> Any:
    """Two arguments, one of them a dictionary; two outputs."""
    z = jnp.tanh(p["w"] @ x + p["b"])
    return {"z": z, "energy": (z * z).sum()}


def matrix(found: FunctionProbe, J: Any) -> Any:
    """The Jacobian as one matrix, column by column, which must equal the one row by row."""
    zero_u, zero_v = np.zeros(found.m), np.zeros(found.n)
    columns = np.stack([found.products(J, v, zero_u)[: found.m] for v in np.eye(found.n)], axis=1)
    rows = np.stack([found.products(J, zero_v, u)[found.m :] for u in np.eye(found.m)])
    np.testing.assert_allclose(columns, rows, rtol=1e-12, atol=1e-12)
    return columns


@pytest.fixture
def found() -> Any:
    """The probed layer at a point."""
    return probe_function(layer, (POINT, np.array([1.0, 2.0, 3.0])), name="layer")


def test_pytrees_become_vectors(found: Any) -> None:
    """All inputs form one vector and all outputs another, in JAX's order."""
    assert (found.n, found.m) == (11, 3)
    assert found.argnums == (0, 1)
    expected = layer(POINT, jnp.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(found.value(found.x), [expected["energy"], *expected["z"]], rtol=1e-12)


def test_every_arm_is_the_jacobian_of_the_vector_function(found: Any) -> None:
    """The matrix is the same for all pytrees."""
    expected = jax.jacfwd(found.value)(found.x)
    arms = function_arms(found)
    assert set(arms) == {"forward", "reverse"}
    for arm in arms.values():
        np.testing.assert_allclose(matrix(found, arm.program()(*found.args)), expected, rtol=1e-12)


def test_the_code_is_what_runs(found: Any) -> None:
    """Every line of code computes the same when pasted."""
    arms = function_arms(found)
    names = {"jax": jax, "layer": layer}
    assert arms["forward"].code == "jax.jit(jax.jacfwd(layer, argnums=(0, 1)))"
    for arm in arms.values():
        J = eval(arm.code, names)(*found.args)  # noqa: S307 - our own code
        np.testing.assert_array_equal(matrix(found, J), matrix(found, arm.program()(*found.args)))


def test_a_batch_has_a_jacobian_for_each_sample() -> None:
    """n and m are those of one sample; the matrix is that of the first."""
    x = np.linspace(0.0, 1.0, 12).reshape(4, 3)
    found = probe_function(lambda x: jnp.outer(x, x), (x,), vmap=True)
    assert (found.n, found.m, found.batch) == (3, 9, 4)
    arms = function_arms(found)
    assert arms["reverse"].code == "jax.jit(jax.vmap(jax.jacrev(f)))"
    assert "batch" in str(coloured_arm(found))
    for arm in arms.values():
        J = arm.program()(*found.args)
        assert J.shape == (4, 3, 3, 3)
        np.testing.assert_allclose(matrix(found, J), jax.jacfwd(found.value)(found.x), rtol=1e-12)


@pytest.mark.parametrize(
    ("shapes", "said"), [(((3, 2), (4, 2)), "(3, 2), (4, 2)"), (((),), "()"), (((0, 3), (0, 3)), "(0, 3)")]
)
def test_a_batch_needs_one_leading_axis(shapes: tuple[tuple[int, ...], ...], said: str) -> None:
    """The message has the shapes."""
    args = tuple(np.ones(shape) for shape in shapes) + ((np.ones((0, 3)),) if () in shapes else ())
    with pytest.raises(InputError) as told:
        probe_function(lambda *x: x[0], (*args, np.ones(())), vmap=True)
    assert said in str(told.value)
    assert "the same leading axis" in str(told.value)


def test_chunks_are_worth_it_where_much_is_held(found: Any) -> None:
    """A chunk holds a few megabytes; little memory or a single pass is not divided."""
    assert chunked_arm(found, "forward", 1 << 20) is None
    made = chunked_arm(found, "forward", 1 << 26)
    assert made is not None
    assert made.code == 'jax.jit(fwdrev.jacobian(layer, argnums=(0, 1), mode="forward", chunk=1))'
    np.testing.assert_allclose(matrix(found, made.program()(*found.args)), jax.jacfwd(found.value)(found.x), rtol=1e-12)
    tall = probe_function(lambda x: jnp.tanh(x).sum(), (np.ones(1024),))
    made = chunked_arm(tall, "forward", 1 << 28)
    assert made is not None
    assert made.code == 'jax.jit(fwdrev.jacobian(f, mode="forward", chunk=16))'
    assert chunked_arm(tall, "reverse", 1 << 28) is None


def banded(x: Any) -> Any:
    """Its Jacobian has two entries in each row."""
    return x[1:] * x[:-1]


def fake_asdex(monkeypatch: pytest.MonkeyPatch, colours: int) -> None:
    """A stand-in that finds this many colours, and two entries in each column that it is asked about."""

    def coloring(f: Callable[..., Any], *args: Any, argnums: Any) -> Any:
        assert f is banded
        assert argnums == 0
        assert len(args) == 1
        return SimpleNamespace(num_colors=colours)

    def jacobian(f: Callable[..., Any], found: Any) -> Any:
        assert found.num_colors == colours
        return jax.jacfwd(f)

    def sparsity(f: Callable[..., Any], x: Any) -> Any:
        assert f(x).shape == (5,)
        return SimpleNamespace(cols=np.repeat(np.arange(x.size), 2))

    module = SimpleNamespace(
        jacobian_coloring=coloring,
        jacobian_from_coloring=jacobian,
        jacobian_sparsity=sparsity,
        __spec__=SimpleNamespace(origin="asdex"),
    )
    monkeypatch.setitem(sys.modules, "asdex", module)


def coloured(found: FunctionProbe) -> FunctionArm:
    """The coloured arm, which must exist."""
    arm = coloured_arm(found)
    assert isinstance(arm, FunctionArm)
    return arm


def test_a_sparse_jacobian_is_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sparse Jacobian is coloured if asdex is installed and needs fewer passes than a dense Jacobian."""
    fake_asdex(monkeypatch, 2)
    found = probe_function(banded, (np.arange(6.0),), name="banded")
    arm = coloured(found)
    code = "jax.jit(asdex.jacobian_from_coloring(banded, asdex.jacobian_coloring(banded, x)))  # sparse"
    assert arm.code == code
    assert (sampled(found).passes, sampled(found).entries) == (2, 12)
    np.testing.assert_allclose(matrix(found, arm.program()(*found.args)), jax.jacrev(banded)(found.args[0]))


def test_a_dense_pattern_is_not_coloured(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many colours as columns or rows save nothing."""
    fake_asdex(monkeypatch, 5)
    found = probe_function(banded, (np.arange(6.0),))
    with pytest.raises(NotSparseError, match="5 passes"):
        coloured(found).program()


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"asdex/data.txt": ""}, "asdex is not installed"),
        ({"asdex.py": "import no_such_module"}, "ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_what_is_no_asdex(files: dict[str, str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of that name, or a package that cannot be imported, gives one line."""
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(path for path in sys.path if "site-packages" not in path)])
    for name in [name for name in sys.modules if name.split(".")[0] == "asdex"]:
        monkeypatch.delitem(sys.modules, name)
    found = probe_function(banded, (np.arange(6.0),))
    arm = coloured_arm(found)
    if isinstance(arm, str):
        assert told in arm
        return
    with pytest.raises(NotSparseError, match=told):
        sampled(found)


class TestAsdex:
    """Tests with the real asdex."""

    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("asdex", exc_type=ImportError)

    @pytest.mark.parametrize("has_aux", [False, True])
    def test_blocks_stay_sparse(self, *, has_aux: bool) -> None:
        """Blocks of pytrees are multiplied as they are, and none becomes dense."""

        def springs(p: Any, k: Any) -> Any:
            out = {"f": k[1:] * p["x"][1:] - p["x"][:-1], "g": jnp.sin(p["y"])}
            return (out, k.sum()) if has_aux else out

        p = {"x": np.linspace(0.1, 1.0, 7), "y": np.ones((3, 2))}
        found = probe_function(springs, (p, np.arange(7.0)), has_aux=has_aux)
        arm = coloured(found)
        J = arm.program()(*found.args)
        blocks = jax.tree.leaves(J[0] if has_aux else J, is_leaf=lambda leaf: hasattr(leaf, "todense"))
        assert all(hasattr(block, "todense") for block in blocks)
        np.testing.assert_allclose(matrix(found, J), jax.jacfwd(found.value)(found.x))

    def test_what_is_about_dense_is_seen_in_a_sample(self) -> None:
        """A few columns suffice, before the search for the whole pattern."""
        W = np.linspace(-1, 1, 40 * 30).reshape(40, 30)
        found = probe_function(lambda x: jnp.tanh(W @ x), (np.ones(30),))
        with pytest.raises(NotSparseError, match="30 passes or more, hardly fewer than the 30"):
            sampled(found)

    def test_a_sample_is_about_right(self) -> None:
        """For differences of neighbours it finds two entries in a column, two passes."""
        found = probe_function(lambda x: x[1:] * x[:-1], (np.ones(300),))
        assert sampled(found).passes == 2
        assert sampled(found).entries == pytest.approx(600, rel=0.1)


def encode(p: Any) -> Any:
    """From a pytree to a waist of two numbers."""
    return jnp.tanh(jnp.stack([p["a"].sum(), (p["b"] ** 2).sum()]))


def decode(h: Any) -> Any:
    """From the waist to a pytree."""
    return {"u": jnp.outer(h, jnp.arange(1.0, 6.0)), "v": h.prod()}


def test_stages_have_mixed_mode() -> None:
    """Mixed mode gives the same pytree of blocks as JAX; through a waist it is cheaper than either mode."""
    p = {"a": np.linspace(0.0, 1.0, 7), "b": np.linspace(0.1, 0.2, 6).reshape(2, 3)}
    whole = composed([encode, decode])
    found = probe_function(whole, (p,))
    arms = function_arms(found, {"encode": encode, "decode": decode})
    assert arms["mixed"].code == 'jax.jit(fwdrev.jacobian([encode, decode], mode="mixed"))'
    J, expected = arms["mixed"].program()(*found.args), jax.jacrev(whole)(*found.args)
    assert str(jax.tree.structure(J)) == str(jax.tree.structure(expected))
    for one, other in zip(jax.tree.leaves(J), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def branches(x: Any) -> Any:
    """Python branches on the value."""
    return x if x.sum() > 0 else -x


def calls_numpy(x: Any) -> Any:
    """NumPy needs numbers."""
    return np.sin(x)


def masks(x: Any) -> Any:
    """Returns as many outputs as there are positive inputs."""
    return x[x > 0]


def random(x: Any) -> Any:
    """Draws new noise each time."""
    return x + np.random.default_rng().standard_normal(x.size)


_KEPT = [0.0]


def keeps(x: Any) -> Any:
    """Remembers earlier calls."""
    _KEPT[0] = _KEPT[0] + 1.0
    return x * _KEPT[0]


def looks(x: Any) -> Any:
    """Behaves differently while JAX traces it."""
    return 2 * x if isinstance(x, jax.core.Tracer) else x


_CALLS = [0]


def breaks_down(x: Any) -> Any:
    """Gives NaN from the second call on."""
    _CALLS[0] += 1
    return x if _CALLS[0] == 1 else x * jnp.nan


X = np.ones(3)


@pytest.mark.parametrize(
    ("function", "args", "said"),
    [
        (branches, (X,), "branches on a value"),
        (branches, (X,), "test_probe.py, line"),
        (calls_numpy, (X,), "use jax.numpy"),
        (lambda x: jnp.ones(2) * float(x[0]), (X,), "Python number"),
        (lambda x: jnp.ones(2) * math.sin(x[0]), (X,), "Python number"),
        (masks, (X,), "by a mask"),
        (random, (X,), "it is random or has side effects"),
        (keeps, (X,), "it is random or has side effects"),
        (looks, (X,), "under jax.jit"),
        (lambda x: x @ jnp.ones(7), (X,), "fails at the given point: TypeError"),
        (jnp.argmax, (X,), "is int64, which has no derivative: return"),
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
        (jnp.sin, (np.ones(3, jnp.float8_e4m3fn),), "is float8_e4m3fn, which is too coarse"),
        (lambda x: x.astype(jnp.float8_e4m3fn), (X,), "is float8_e4m3fn, which is too coarse"),
        (jnp.sin, (np.array(["a"]),), "which has no derivative"),
        (breaks_down, (X,), "it is random or has side effects"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_advice(
    function: Callable[..., Any], args: tuple[Any, ...], said: str
) -> None:
    """One line refuses each."""
    with pytest.raises(InputError) as told:
        probe_function(function, args)
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def picks(x: Any, index: Any, kind: str) -> Any:
    """Accepts anything."""
    return x[index] if kind == "picked" else x


def test_other_arguments_may_be_anything() -> None:
    """Integers and strings are held, arrays become arguments of the program; only argnums are differentiated."""
    found = probe_function(picks, (X, np.array([0, 2]), "picked"), argnums=(0,), name="picks")
    assert (found.n, found.m, found.static) == (3, 2, (2,))
    arm = function_arms(found)["reverse"]
    assert arm.code == "jax.jit(jax.jacrev(picks, argnums=(0,)), static_argnums=(2,))"
    J = arm.program()(*found.args)
    pasted = eval(arm.code, {"jax": jax, "picks": picks})(*found.args)  # noqa: S307 - our own code
    np.testing.assert_array_equal(matrix(found, J), matrix(found, pasted))
    np.testing.assert_array_equal(matrix(found, J), np.eye(3)[[0, 2]])
    assert cost_of_arm(found, arm).seconds > 0
    last = probe_function(lambda n, x: x**n, (3, X), argnums=-1)
    assert (last.argnums, last.static) == (1, (0,))


@pytest.mark.parametrize(
    ("argnums", "said"),
    [
        (3, "argnums=3: the function is given 2 arguments; give numbers from 0 to 1"),
        ((), "the function is given 2 arguments"),
        ((0, -2), "names an argument twice"),
        ("x", "give the number of an argument"),
        (1.5, "give the number of an argument"),
        (
            1,
            "argument 1 is int64, which has no derivative: give real floating-point numbers, or leave the argument out",
        ),
    ],
)
def test_argnums_are_checked(argnums: Any, said: str) -> None:
    """One line refuses them."""
    with pytest.raises(InputError) as told:
        probe_function(lambda x, i: x[i], (X, np.array([1])), argnums=argnums)
    assert said in str(told.value)


def test_what_cannot_be_held_is_refused() -> None:
    """jax.jit cannot distinguish a list of names from another one."""
    with pytest.raises(InputError, match="argument 1 is a list with more than arrays in it"):
        probe_function(lambda x, _: x, (X, ["a"]), argnums=0)


def test_aux_is_no_output() -> None:
    """As in jax.jacobian, auxiliary values do not count; a function that returns no pair is refused."""
    found = probe_function(lambda x: (2 * x, {"step": 1}), (X,), has_aux=True)
    arms = function_arms(found)
    assert arms["forward"].code == "jax.jit(jax.jacfwd(f, has_aux=True))"
    for arm in arms.values():
        np.testing.assert_array_equal(matrix(found, arm.program()(*found.args)), 2 * np.eye(3))
    with pytest.raises(InputError, match=r"has to return \(outputs, aux\)"):
        probe_function(lambda x: 2 * x, (X,), has_aux=True)


def test_samples_share_what_is_held() -> None:
    """A number or a string has no axis of samples; an array has."""
    x, y = np.ones((5, 3)), np.arange(5.0)[:, None]
    found = probe_function(lambda x, k, y: k * x * y, (x, 2.0, y), argnums=0, vmap=True)
    arms = function_arms(found)
    assert arms["reverse"].code == "jax.jit(jax.vmap(jax.jacrev(f), in_axes=(0, None, 0)))"
    assert arms["reverse"].program()(*found.args).shape == (5, 3, 3)


@pytest.mark.skipif(jax.__version_info__ < (0, 10), reason="older JAX holds arrays of NumPy inside of the program")
def test_large_constants_are_arguments_of_the_program() -> None:
    """XLA would fold them while compiling: sorting takes it minutes."""
    table = np.random.default_rng(0).standard_normal((1000, 10))
    found = probe_function(lambda p: jnp.sort(table, axis=0)[:50] @ p, (np.ones(10),))
    for arm in function_arms(found).values():
        program: Any = arm.program()
        text = program.lower(*found.args).as_text()
        assert "1000x10" in text
        assert not any("constant" in line and "1000x10" in line for line in text.splitlines())
        np.testing.assert_allclose(matrix(found, program(*found.args)), np.sort(table, axis=0)[:50])


def test_empty_leaves_have_no_entries() -> None:
    """Empty leaves add nothing to the outputs or the inputs."""
    found = probe_function(lambda p: {"a": p["x"] ** 2, "b": p["y"]}, ({"x": X, "y": np.ones(0)},))
    assert (found.n, found.m) == (3, 3)
    for arm in function_arms(found).values():
        np.testing.assert_array_equal(matrix(found, arm.program()(*found.args)), 2 * np.eye(3))


def test_precision_is_the_coarsest() -> None:
    """The Jacobian is no more precise than the coarsest of inputs and outputs."""
    assert probe_function(lambda x: x.astype(jnp.bfloat16), (X,)).precision == "bfloat16"
    assert probe_function(lambda x: x.astype(float), (X.astype("float32"),)).precision == "float32"


def test_integers_can_be_bound() -> None:
    """The refusal recommends this."""

    def picks(x: Any, index: Any) -> Any:
        return x[index]

    found = probe_function(partial(picks, index=np.array([0, 2])), (X,))
    assert (found.n, found.m) == (3, 2)
