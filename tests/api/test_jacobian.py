"""`fwdrev.jacobian` returns what jax.jacobian returns, by the mode measured or counted to be cheaper."""

import dataclasses
import gc
import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from packaging.version import Version

import fwdrev
from fwdrev.api import choice_cache as choice_file, choices
from fwdrev.api.mode_choice import ModeChoice
from fwdrev.modes import InputError
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.core.jacobians import jacobian_by
from fwdrev.modes.functions.mode_costs import count_modes
from fwdrev.modes.functions.product_check import products_of
from tests.modes.core.test_jacobians import STATE, assert_same, orbit

DECIDE = pytest.mark.parametrize("decide", ["measure", "count"])


class Clock:
    """Replaces measuring: records the measured and the called modes; `fast` wins."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fast = "forward"
        self.called: list[str] = []
        self.fails = self.counting = False

    def raced(self, arms: Mapping[str, Callable[[], object]], _expected: Mapping[str, float]) -> dict[str, float]:
        """The fast mode takes a second."""
        if self.fails:
            raise MemoryError
        self.asked.append(sorted(arms))
        return {name: 1.0 if name == self.fast else 2.0 for name in arms}

    def count_modes(self, *args: Any) -> Any:
        """Counts as usual; this calls the Jacobians, to trace them."""
        self.counting = True
        try:
            return count_modes(*args)
        finally:
            self.counting = False

    def jacobian_by(self, f: Any, mode: str, *args: Any, **options: Any) -> Any:
        """Makes Jacobians as usual, and records calls from outside."""
        jacobian = jacobian_by(f, mode, *args, **options)

        def noted(*args: Any, **kwargs: Any) -> Any:
            if not self.counting:
                self.called.append(mode)
            return jacobian(*args, **kwargs)

        return noted


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    """A fake clock in place of pyperf's, with an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(choice_file, "_warned", [])
    found = Clock()
    monkeypatch.setattr("fwdrev.api.fastest.raced", found.raced)
    monkeypatch.setattr("fwdrev.api.jax_jacobian.jacobian_by", found.jacobian_by)
    monkeypatch.setattr("fwdrev.api.jax_jacobian.count_modes", found.count_modes)
    return found


def tall(x: Any) -> Any:
    """Three to forty."""
    return jnp.sin(jnp.ones((40, x.shape[0]), x.dtype) @ x)


def _both_sizes() -> None:
    for size in (3, 4):
        fwdrev.jacobian(tall, decide="measure")(jnp.ones(size))


def wide(x: Any) -> Any:
    """Many to two."""
    return jnp.sin(jnp.ones((2, x.shape[0]), x.dtype) @ x)


@pytest.mark.parametrize(("decide", "argnums"), [("measure", 0), ("count", 0), ("count", 1), ("count", (1, 0))])
@pytest.mark.usefixtures("clock")
def test_trees(decide: str, argnums: Any) -> None:
    """Trees hold arrays and numbers; with different dtypes only reverse mode returns the same as jax.jacobian."""
    found, expected = fwdrev.jacobian(orbit, argnums, decide=decide), jax.jit(jax.jacobian(orbit, argnums))
    assert_same(found(STATE, 1.5, scale=3.0), expected(STATE, 1.5, scale=3.0))
    assert_same(jax.jit(found)(STATE, 1.5), expected(STATE, 1.5))


def _pair(x: Any) -> tuple[Any, Any]:
    return jnp.sin(x) * x[0], {"sum": x.sum()}


CASES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "float32": (tall, np.ones(3, np.float32), {}),
    "wider outputs": (lambda x: x * jnp.arange(3.0), np.ones(3, np.float32), {}),
    "scalar": (lambda t: t * jnp.arange(3.0), 2.0, {}),
    "scalars": (jnp.sin, np.float64(2.0), {}),
    "no inputs": (tall, np.ones(0), {}),
    "no outputs": (lambda x: x[:0], np.ones(3), {}),
    "aux": (_pair, np.ones(3), {"has_aux": True}),
    "holomorphic": (lambda z: jnp.exp(z) * z[0], np.arange(3) * 1j, {"holomorphic": True}),
    "integers": (lambda i: i * 2.0, np.arange(3), {"allow_int": True}),
    "complex": (jnp.abs, np.arange(1, 3) * 1j, {}),
    "chunk": (tall, np.ones(3), {"chunk": 2}),
    "named": (tall, np.ones(3), {"mode": "reverse"}),
}


@pytest.mark.parametrize("fast", ["forward", "reverse"])
@pytest.mark.parametrize("case", CASES)
def test_whatever_the_clock_says(clock: Clock, case: str, fast: str) -> None:
    """The result is that of jax.jacobian."""
    clock.fast = fast
    f, x, options = CASES[case]
    known = {name: value for name, value in options.items() if name not in {"chunk", "mode"}}
    for decide in ("measure", "count"):
        assert_same(fwdrev.jacobian(f, decide=decide, **options)(x), jax.jacobian(f, **known)(x))


@pytest.mark.parametrize("decide", [pytest.param("measure", marks=pytest.mark.long), "count"])
def test_transformed(clock: Clock, decide: str) -> None:
    """The Jacobian works under jit, vmap and grad, and within itself."""

    def f(x: Any) -> Any:
        return jnp.prod(jnp.sin(x))

    found = fwdrev.jacobian(fwdrev.jacobian(f, decide=decide), decide=decide)
    x = jnp.linspace(0.5, 1.0, 3)
    batch = jnp.stack([x, 2 * x])
    assert_same(jax.jit(jax.vmap(found))(batch), jax.jit(jax.vmap(jax.hessian(f)))(batch))
    assert_same(jax.grad(lambda x: jnp.sum(found(x)))(x), jax.grad(lambda x: jnp.sum(jax.hessian(f)(x)))(x))
    assert clock.asked == []
    assert_same(found(x), jax.hessian(f)(x))


def test_what_jax_refuses_is_refused(clock: Clock) -> None:
    """Forward mode alone would accept integers and complex numbers as outputs."""
    for f in (lambda x: x.astype(int), lambda x: x * 1j):
        with pytest.raises(TypeError, match="output"):
            fwdrev.jacobian(f, decide="measure")(jnp.ones(3))
    assert clock.asked == []


def test_a_chunk_is_measured(clock: Clock) -> None:
    """Chunks are measured as they run, and the auxiliary output may be anything."""
    found = fwdrev.jacobian(lambda x: (tall(x), "beside"), has_aux=True, chunk=30, decide="measure")
    J, beside = found(jnp.ones(3))
    assert (J.shape, beside) == ((40, 3), "beside")
    assert clock.asked == [["forward", "reverse"]]


def test_counts_decide_clear_cases(clock: Clock) -> None:
    """Few inputs mean forward, few outputs reverse. Nothing is measured or written."""
    for f, size, mode in ((tall, 3, "forward"), (wide, 40, "reverse")):
        clock.called.clear()
        fwdrev.jacobian(f)(jnp.ones(size))
        assert clock.called == [mode]
    assert clock.asked == []
    assert not choice_file.choice_path("any").parent.exists()


def test_it_is_measured_once_for_each_shape(clock: Clock) -> None:
    """A dtype counts as part of the shape, the value of a number does not."""
    found = fwdrev.jacobian(lambda x, k: tall(x) * k, decide="measure")
    for x in (np.ones(3), np.ones(3), np.ones(4), np.ones(3, np.float32), np.ones(4)):
        for k in (1.0, 2.0):
            found(x, k)
    assert clock.asked == 3 * [["forward", "reverse"]]
    assert clock.called[-1] == "forward"


def test_a_trace_finds_what_a_call_found_out(clock: Clock) -> None:
    """A measured choice overrides counts; before that call counts decide, provisionally."""
    clock.fast = "reverse"
    found, x = fwdrev.jacobian(tall, decide="measure"), jnp.ones(3)
    jax.jit(found)(x)
    assert clock.called == ["forward"]
    assert clock.asked == []
    assert not choice_file.choice_path("any").parent.exists()
    found(x)
    assert len(clock.asked) == 1
    clock.called.clear()
    jax.jit(lambda x: found(x))(x)  # noqa: PLW0108 - a new function, since jit remembers traced ones
    assert clock.called == ["reverse"]
    for again in (fwdrev.jacobian(lambda x: tall(x), decide="measure"), fwdrev.jacobian(tall, decide="measure")):  # noqa: PLW0108
        clock.called.clear()
        again(x)  # finds the file
        assert clock.called == ["reverse"]
    assert len(clock.asked) == 1


def test_what_was_asked_for_is_part_of_what_is_remembered(clock: Clock) -> None:
    """Another argument, chunk or function is measured anew."""

    def f(x: Any, y: Any) -> Any:
        return tall(x) * y.sum()

    x = jnp.ones(3)
    for options in ({}, {"argnums": 1}, {"chunk": 30}, {}):
        fwdrev.jacobian(f, decide="measure", **options)(x, x)  # type: ignore[arg-type]
    fwdrev.jacobian(lambda x, y: jnp.exp(f(x, y)), decide="measure")(x, x)
    assert len(clock.asked) == 4


def test_a_number_in_the_program_is_nothing_new(clock: Clock) -> None:
    """A closure made anew in each step, over another step size, needs one measurement and one file."""
    for k in (0.5, 2.0, 1e-9, -3.0, float("inf")):
        fwdrev.jacobian(lambda x, k=k: tall(x) * k, decide="measure")(jnp.ones(3))
    assert len(clock.asked) == 1
    assert len(list(choice_file.choice_path("any").parent.iterdir())) == 1


def test_stages_are_another_function_where_their_boundary_is(clock: Clock) -> None:
    """The same composition, cut elsewhere, has another mixed mode."""
    x = jnp.ones(3)
    fwdrev.jacobian([tall, wide], decide="measure")(x)
    fwdrev.jacobian([lambda x: wide(tall(x)), lambda y: y], decide="measure")(x)
    assert len(clock.asked) == 2


def test_old_files_go(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that makes new functions forever leaves a limited number of files."""
    monkeypatch.setattr(choice_file, "_MOST", 2)
    for size in range(2, 6):
        fwdrev.jacobian(tall, decide="measure")(jnp.ones(size))
    assert len(clock.asked) == 4
    assert len(list(choice_file.choice_path("any").parent.iterdir())) == 2


_OTHER_PROCESS = """
import jax.numpy as jnp, numpy as np, fwdrev
from fwdrev.api import fastest
def refuse(arms, expected):
    raise SystemExit("measured again")
fastest.raced = refuse
def tall(x):
    return jnp.sin(jnp.ones((40, x.shape[0]), x.dtype) @ x)
print(fwdrev.jacobian(tall, decide="measure")(np.ones(3)).shape)
"""


def test_another_process_need_not_measure(clock: Clock) -> None:
    """Another process finds the file."""
    fwdrev.jacobian(tall, decide="measure")(np.ones(3))
    assert len(clock.asked) == 1
    done = subprocess.run([sys.executable, "-c", _OTHER_PROCESS], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(40, 3)\n", "")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 2, "mode": "sideways"}', '{"format": 9, "mode": "forward"}']
)
def test_a_damaged_file_is_measured_again(clock: Clock, text: str) -> None:
    """One warning covers all, and the file is replaced."""
    _both_sizes()
    files = sorted(choice_file.choice_path("any").parent.iterdir())
    assert len(files) == 2
    for file in files:
        file.write_text(text)
    with pytest.warns(UserWarning, match="the mode of a Jacobian is measured instead of remembered") as told:
        _both_sizes()
    assert len(told) == 1
    assert len(clock.asked) == 4
    assert [json.loads(file.read_text())["mode"] for file in files] == ["forward", "forward"]
    assert sorted(choice_file.choice_path("any").parent.iterdir()) == files


def test_a_folder_that_cannot_be_written(clock: Clock, tmp_path: Path) -> None:
    """A folder that cannot be written causes one warning and no error."""
    (tmp_path / "fwdrev").write_text("in the way")
    with pytest.warns(UserWarning, match="cannot be") as told:
        _both_sizes()
    assert len(told) == 1
    assert len(clock.asked) == 2


def test_counts_decide_when_measuring_fails(clock: Clock) -> None:
    """Counts decide when memory is short; nothing is kept on disk."""
    clock.fails = True
    fwdrev.jacobian(wide, decide="measure")(jnp.ones(40))
    assert clock.called[-1] == "reverse"
    assert not choice_file.choice_path("any").parent.exists()


@DECIDE
def test_a_mode_that_would_take_all_memory_is_not_tried(clock: Clock, decide: str) -> None:
    """A mode that needs a million columns of a million rows does not run."""
    n = 1_000_000
    fwdrev.jacobian(lambda x: (x**2).sum(), decide=decide)(jnp.ones(n))
    assert clock.asked == []
    assert clock.called == ["reverse"]


def test_a_mode_that_jax_refuses_is_not_taken(clock: Clock) -> None:
    """JAX refuses reverse mode through a while_loop and forward mode through a custom_vjp: neither is measured."""

    def loop(x: Any) -> Any:
        return jax.lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x))[1]

    @jax.custom_vjp
    def own(x: Any) -> Any:
        return x**2

    own.defvjp(lambda x: (own(x), x), lambda x, u: (2 * x * u,))
    x = jnp.ones(3)
    for decide in ("measure", "count"):
        assert_same(fwdrev.jacobian(loop, decide=decide)(x), jnp.eye(3) * 4)
        assert_same(fwdrev.jacobian(own, decide=decide)(x), jnp.eye(3) * 2)
    assert clock.asked == []


def test_python_that_branches_on_values(clock: Clock) -> None:
    """A function that cannot be traced is differentiated as by jax.jacobian."""

    def f(x: Any) -> Any:
        return jnp.sin(x) if x[0] > 0 else x

    found = fwdrev.jacobian(f, decide="measure")
    assert_same(found(jnp.ones(3)), jax.jacobian(f)(jnp.ones(3)))
    assert clock.called == ["reverse"]
    assert "cannot be traced (TracerBoolConversionError)" in found.explain(jnp.ones(3)).reason


@pytest.mark.usefixtures("clock")
def test_errors_of_the_function_pass_through() -> None:
    """Errors of the function are unchanged."""

    def f(_x: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        fwdrev.jacobian(f)(jnp.ones(3))
    with pytest.raises(TypeError, match="jacrev requires real- or complex-valued inputs"):
        fwdrev.jacobian(jnp.sin)(jnp.arange(3))
    with pytest.raises(ValueError, match="argnums"):
        fwdrev.jacobian(jnp.sin, 1)(jnp.ones(3))


def test_stages(clock: Clock) -> None:
    """Mixed mode works, and is one of three to choose from."""
    stages = [tall, wide, tall]
    x = jnp.linspace(0.0, 1.0, 40)
    expected = jax.jacobian(lambda x: tall(wide(tall(x))))(x)
    for options in ({"mode": "mixed"}, {"mode": "forward"}, {}, {"mode": "mixed", "chunk": 3}, {"chunk": 7}):
        assert_same(fwdrev.jacobian(stages, **options)(x), expected)
    clock.fast = "mixed"
    found = fwdrev.jacobian(stages, decide="measure")
    found(x)
    clock.called.clear()
    assert_same(found(x), expected)
    assert clock.asked == [["forward", "mixed", "reverse"]]
    assert clock.called == []  # neither of the two


def test_what_closes_over_tracers_is_counted(clock: Clock) -> None:
    """A closure over tracers is only counted, though its argument is no tracer."""
    x = jnp.ones(3)
    found = jax.jit(lambda p: fwdrev.jacobian(lambda x: tall(p * x), decide="measure")(x))(2.0)
    assert_same(found, jax.jacobian(lambda x: tall(2.0 * x))(x))
    assert clock.asked == []


def test_measured_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Here the real clock runs; the garbage collector stays as it was."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = jnp.ones(3)
    gc.disable()
    try:
        assert_same(fwdrev.jacobian(tall, decide="measure")(x), jax.jacobian(tall)(x))
        assert not gc.isenabled()
    finally:
        gc.enable()
    (file,) = choice_file.choice_path("any").parent.iterdir()
    stored = json.loads(file.read_text())
    assert stored["mode"] == min(stored["seconds"], key=stored["seconds"].__getitem__)


@pytest.mark.usefixtures("clock")
def test_no_warning_without_need() -> None:
    """An empty cache is no damage."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fwdrev.jacobian(tall, decide="measure")(jnp.ones(3))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mode": "backward"}, "unknown mode 'backward': known are auto, forward, mixed, reverse"),
        ({"decide": "guess"}, "unknown way to decide 'guess': known are count, measure"),
        ({"chunk": 0}, "a chunk of 0: give a whole number"),
        ({"mode": "mixed"}, "give the stages of the function"),
    ],
)
def test_what_cannot_be_meant(options: dict[str, Any], message: str) -> None:
    """Nonsense is refused before anything is computed."""
    with pytest.raises(InputError, match=message):
        fwdrev.jacobian(tall, **options)


def test_the_key_is_that_of_the_program() -> None:
    """The addresses of functions and the values of constants do not count; their shapes do."""
    kept = []

    def key(size: int, value: float) -> str:
        def on_host(x: Any) -> Any:
            return x

        kept.append(on_host)  # otherwise the next one might get its address
        constant = jnp.full(size, value)

        def f(x: Any) -> Any:
            return jax.pure_callback(on_host, x, x).sum() * constant

        x = jnp.ones(3)
        return choice_file.choice_key([jax.make_jaxpr(f)(x)], x, {})

    assert key(2, 1.0) == key(2, 3.0) != key(5, 1.0)


def test_explain_says_which_mode_and_why() -> None:
    """The explanation has the expected costs of each mode for these arguments; a named mode is the reason itself."""
    found = fwdrev.jacobian(tall).explain(jnp.ones(3))
    assert found.mode == "forward"
    assert found.seconds.keys() == found.bytes.keys() == {"forward", "reverse"}
    assert found.seconds["forward"] < found.seconds["reverse"]
    assert found.bytes["reverse"] >= 40 * 40 * 4
    lines = str(found).splitlines()
    assert lines[0].startswith("forward: counts expect it to take 0.")
    assert [line.split(":")[0].strip() for line in lines[1:]] == ["forward", "reverse"]
    named = fwdrev.jacobian(tall, mode="reverse").explain(jnp.ones(3))
    assert (named.mode, named.reason, named.seconds) == ("reverse", "asked for by its name", found.seconds)


def test_explain_of_a_mode_that_is_named_computes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing to choose, no product is computed and nothing is timed, however `by` decides."""
    for name in ("products_of", "by_clock"):
        monkeypatch.setattr(f"fwdrev.api.jax_jacobian.{name}", pytest.fail)
    named = fwdrev.jacobian(tall, mode="forward", decide="measure").explain(jnp.ones(3))
    assert (named.mode, set(named.seconds)) == ("forward", {"forward", "reverse"})


def counted_calls(f: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """The function, and a list with an entry for each time that its Python runs."""
    calls: list[int] = []

    def noted(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return f(*args, **kwargs)

    return noted, calls


@DECIDE
@pytest.mark.parametrize("f", [tall, wide], ids=["forward", "reverse"])
@pytest.mark.usefixtures("clock")
def test_the_python_of_a_function_runs_once_more(f: Any, decide: str) -> None:
    """The extra run is the trace; later calls run it once, as jax.jacobian does."""
    noted, calls = counted_calls(f)
    found = fwdrev.jacobian(noted, decide=decide)
    for expected in (2, 1, 1):
        calls.clear()
        found(jnp.ones(30))
        assert len(calls) == expected


def test_a_value_that_makes_another_program_is_another_choice() -> None:
    """A value may change the number of outputs, or take a branch that only reverse mode supports."""

    @jax.custom_vjp
    def own(x: Any) -> Any:
        return x**2

    own.defvjp(lambda x: (own(x), x), lambda x, u: (2 * x * u,))
    found = fwdrev.jacobian(lambda x, k: jnp.tile(x, 5) if k == 0 else own(x))
    assert_same(found(jnp.ones(3), 0), jnp.tile(jnp.eye(3), (5, 1)))
    assert_same(found(jnp.ones(3), 1), 2 * jnp.eye(3))
    many = fwdrev.jacobian(lambda x, k: jnp.tile(x.sum(), k))
    assert [many.explain(jnp.ones(100), k).mode for k in (1, 20_000, 1)] == ["reverse", "forward", "reverse"]


def test_values_that_change_nothing_are_soon_taken_as_given() -> None:
    """After eight of them a new value costs no more than an old one, and a failing mode is replaced."""

    @jax.custom_vjp
    def own(x: Any) -> Any:
        return x

    own.defvjp(lambda x: (x, None), lambda _, u: (u,))

    def f(x: Any, step: int) -> Any:
        return tall(own(x) if step == 30 else x) * step

    noted, calls = counted_calls(f)
    found = fwdrev.jacobian(noted)
    for step in range(1, 25):
        calls.clear()
        found(jnp.ones(3), step)
        assert len(calls) == (2 if step <= 8 else 1)
    for _ in range(2):
        assert_same(found(jnp.ones(3), 30), jax.jacobian(f)(jnp.ones(3), 30))


@pytest.mark.parametrize(
    "value", ["text", None, print, Direction.FORWARD, {1, 2}, object(), frozenset({1}), float("nan")]
)
def test_other_arguments_may_be_anything(value: Any) -> None:
    """Other arguments may be hashable or not."""
    found = fwdrev.jacobian(lambda x, other: tall(x) if other is not found else x)
    for _ in range(2):
        assert_same(found(jnp.ones(3), value), jax.jacobian(tall)(jnp.ones(3)))


class Odd:
    """An object that can be neither hashed nor compared."""

    def __eq__(self, other: object) -> bool:
        """Raises."""
        raise RuntimeError

    __hash__ = None  # type: ignore[assignment]


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class WithTable:
    """A pytree with an array in a static field, which cannot be compared with another one."""

    x: Any
    table: Any = dataclasses.field(metadata={"static": True})


@pytest.mark.parametrize(
    ("f", "args"),
    [
        (lambda x, _: tall(x), (np.ones(3), Odd())),
        pytest.param(
            lambda x, d: tall(x) * d[1],
            (np.ones(3), {1: 2.0, "a": 3.0}),
            marks=pytest.mark.skipif(Version(jax.__version__) < Version("0.10.2"), reason="jax.jacobian sorts them"),
        ),
        (lambda s: tall(s.x), (WithTable(np.ones(3), np.ones(2)),)),
        (lambda x, s: tall(x) * s.table[0], (np.ones(3), WithTable(1.0, np.ones(2)))),
    ],
    ids=["an odd object", "keys that cannot be sorted", "static array", "static array beside"],
)
def test_what_cannot_be_a_key_is_decided_afresh(f: Any, args: tuple[Any, ...]) -> None:
    """Each call decides by counts, and returns what jax.jacobian returns."""
    found = fwdrev.jacobian(f)
    for _ in range(3):
        for one, other in zip(*map(jax.tree.leaves, (found(*args), jax.jacobian(f)(*args))), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_choices_do_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go."""
    monkeypatch.setattr(choices, "_MOST", 4)
    table = choices.Choices()
    chosen = choices.Chosen(function=len, choice=ModeChoice(reason=""))
    for size in range(9):
        table.keep(choices.Key.of("tree", [((size,), (size,))]), chosen)
    assert len(table._known) == len(table._families) == 4
    assert table.find(choices.Key.of("tree", [((8,), (8,))])) is chosen
    assert table.find(choices.Key.of("tree", [((0,), (0,))])) is None


def test_modes_that_disagree_are_told_and_reverse_mode_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The warning has both numbers; under a trace reverse mode is used from then on. A warning may be an error."""
    real = products_of

    def pushed_wrong(f: Any, x: Any) -> Any:
        found = real(f, x)
        return dataclasses.replace(found, pushed=2 * found.pushed, apart=1 / 3)

    found = fwdrev.jacobian(tall)
    assert jax.jit(lambda x: found.explain(x).mode == "forward")(jnp.ones(3))
    monkeypatch.setattr("fwdrev.api.jax_jacobian.products_of", pushed_wrong)
    with pytest.warns(UserWarning, match=r"tall: .*forward mode gives .* and reverse mode .*; reverse mode is taken"):
        assert_same(found(jnp.ones(3)), jax.jacobian(tall)(jnp.ones(3)))
    assert found.explain(jnp.ones(3)).contradicted
    assert jax.jit(lambda x: found.explain(x).mode == "reverse")(jnp.ones(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(UserWarning, match="tall"):
            found(jnp.ones(5))
        assert_same(found(jnp.ones(5)), jax.jacobian(tall)(jnp.ones(5)))


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: x[0] * jnp.ones(1000) + jnp.mean(x[1]), (np.ones(()), np.ones((0,)))),
        (lambda x: jnp.tile(jnp.sqrt(x), 9), np.arange(3.0)),
        (lambda x: jnp.tile(jnp.where(x > 0, jnp.log(x), 0.0), 9), np.arange(3.0)),
        (lambda x: jnp.tile(jnp.linalg.norm(x), 9), np.zeros(3)),
    ],
    ids=["an empty mean", "a root of zero", "a branch that is not taken", "a norm at zero"],
)
def test_what_is_not_finite_is_that_of_reverse_mode(f: Any, x: Any) -> None:
    """NaN agrees with NaN; there is no warning, since there are no two numbers to compare."""
    found = fwdrev.jacobian(f)
    assert_same(found(x), jax.jacobian(f)(x))
    assert found.explain(x).mode == "reverse"


@DECIDE
def test_what_prints_or_calls_python_is_counted_only(clock: Clock, decide: str) -> None:
    """The function runs as often as under jax.jacobian: once, or once for each tangent."""
    seen: list[float] = []

    def printing(x: Any) -> Any:
        jax.debug.callback(lambda s: seen.append(float(s)), x.sum())
        return tall(x)

    found = fwdrev.jacobian(printing, decide=decide)
    assert found(jnp.ones(3)).shape == (40, 3)
    jax.effects_barrier()  # type: ignore[no-untyped-call]
    assert len(seen) == 1
    assert clock.asked == []
    assert clock.called == ["forward"]


def test_a_program_that_cannot_be_counted_is_that_of_jax(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of JAX may have unreadable programs: the user's call still works."""

    def fail(*_: Any) -> Any:
        raise KeyError("num_carry")

    monkeypatch.setattr("fwdrev.api.jax_jacobian.count_modes", fail)
    found = fwdrev.jacobian(tall)
    assert_same(found(jnp.ones(3)), jax.jacobian(tall)(jnp.ones(3)))
    assert found.explain(jnp.ones(3)).reason == "the modes cannot be counted (KeyError)"
