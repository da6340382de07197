"""`fwdrev.jacobian` returns what jax.jacobian returns, by the mode that was measured or counted to be the cheaper."""

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

import fwdrev
from fwdrev.modes import InputError
from fwdrev.modes.function_cost import cost_by_mode
from fwdrev.modes.jacobians import jacobian_by
from fwdrev.results import choice_file
from fwdrev.results.choosing import DECISIVE, HEAVY
from tests.test_modes_jacobians import STATE, assert_same, orbit

DECIDE = pytest.mark.parametrize("decide", ["measure", "count"])


class Clock:
    """What stands for measuring: how often it was asked for which modes, what it says, which modes then are called."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fast = "forward"
        self.called: list[str] = []
        self.fails = self.counting = False

    def median_seconds(self, arms: Mapping[str, Callable[[], object]]) -> dict[str, float]:
        """The fast one takes a second."""
        if self.fails:
            raise MemoryError
        self.asked.append(list(arms))
        return {name: 1.0 if name == self.fast else 2.0 for name in arms}

    def cost_by_mode(self, *args: Any, **options: Any) -> Any:
        """As ever; it calls the Jacobians, to trace them."""
        self.counting = True
        try:
            return cost_by_mode(*args, **options)
        finally:
            self.counting = False

    def jacobian_by(self, f: Any, mode: str, *args: Any, **options: Any) -> Any:
        """As ever, noted when it is called from outside."""
        jacobian = jacobian_by(f, mode, *args, **options)

        def noted(*args: Any, **kwargs: Any) -> Any:
            if not self.counting:
                self.called.append(mode)
            return jacobian(*args, **kwargs)

        return noted


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    """Instead of pyperf's, with an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(choice_file, "_warned", [])
    found = Clock()
    monkeypatch.setattr("fwdrev.results.choosing.median_seconds", found.median_seconds)
    monkeypatch.setattr("fwdrev.results.choosing.jacobian_by", found.jacobian_by)
    monkeypatch.setattr("fwdrev.results.choosing.cost_by_mode", found.cost_by_mode)
    return found


def tall(x: Any) -> Any:
    """Three to forty."""
    return jnp.sin(jnp.ones((40, x.shape[0]), x.dtype) @ x)


def _both_sizes() -> None:
    for size in (3, 4):
        fwdrev.jacobian(tall)(jnp.ones(size))


def wide(x: Any) -> Any:
    """Many to two."""
    return jnp.sin(jnp.ones((2, x.shape[0]), x.dtype) @ x)


@DECIDE
@pytest.mark.parametrize("argnums", [0, 1, (1, 0)])
@pytest.mark.usefixtures("clock")
def test_trees(decide: str, argnums: Any) -> None:
    """Of arrays, numbers and two dtypes: with different dtypes only reverse mode returns the same as jax.jacobian."""
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
    assert_same(fwdrev.jacobian(f, **options)(x), jax.jacobian(f, **known)(x))


@DECIDE
def test_transformed(clock: Clock, decide: str) -> None:
    """Under jit, vmap and grad, and within itself."""

    def f(x: Any) -> Any:
        return jnp.prod(jnp.sin(x))

    found = fwdrev.jacobian(fwdrev.jacobian(f, decide=decide), decide=decide)
    x = jnp.linspace(0.5, 1.0, 3)
    batch = jnp.stack([x, 2 * x])
    assert_same(jax.jit(jax.vmap(found))(batch), jax.jit(jax.vmap(jax.hessian(f)))(batch))
    assert_same(jax.grad(lambda x: jnp.sum(found(x)))(x), jax.grad(lambda x: jnp.sum(jax.hessian(f)(x)))(x))
    assert clock.asked == []


def test_what_jax_refuses_is_refused(clock: Clock) -> None:
    """Integers and complex numbers as outputs, which forward mode alone would take."""
    for f in (lambda x: x.astype(int), lambda x: x * 1j):
        with pytest.raises(TypeError, match="output"):
            fwdrev.jacobian(f)(jnp.ones(3))
    assert clock.asked == []


def test_a_chunk_is_counted(clock: Clock) -> None:
    """As it runs, and what comes beside the function's value may be anything."""
    found = fwdrev.jacobian(lambda x: (tall(x), "beside"), has_aux=True, chunk=2)
    J, beside = found(jnp.ones(3))
    assert (J.shape, beside) == ((40, 3), "beside")
    assert clock.asked == [["forward", "reverse"]]


def test_counts_decide_clear_cases(clock: Clock) -> None:
    """Few inputs: forward; few outputs: reverse. Nothing is measured, nothing written."""
    for f, size, mode in ((tall, 3, "forward"), (wide, 40, "reverse")):
        clock.called.clear()
        fwdrev.jacobian(f, decide="count")(jnp.ones(size))
        assert clock.called == [mode]
    assert clock.asked == []
    assert not choice_file.choice_path("any").parent.exists()


def test_it_is_measured_once_for_each_shape(clock: Clock) -> None:
    """And dtype; a number that changes is nothing new."""
    found = fwdrev.jacobian(lambda x, k: tall(x) * k)
    for x in (np.ones(3), np.ones(3), np.ones(4), np.ones(3, np.float32), np.ones(4)):
        for k in (1.0, 2.0):
            found(x, k)
    assert clock.asked == 3 * [["forward", "reverse"]]
    assert clock.called[-1] == "forward"


def test_a_trace_finds_what_a_call_found_out(clock: Clock) -> None:
    """Though counts say otherwise; before that call, counts it is, and they are not kept against it."""
    clock.fast = "reverse"
    found, x = fwdrev.jacobian(tall), jnp.ones(3)
    jax.jit(found)(x)
    assert clock.called == ["forward"]
    assert clock.asked == []
    assert not choice_file.choice_path("any").parent.exists()
    found(x)
    assert len(clock.asked) == 1
    for again in (lambda x: found(x), fwdrev.jacobian(lambda x: tall(x)), fwdrev.jacobian(tall)):  # noqa: PLW0108
        clock.called.clear()
        jax.jit(again)(x)  # a new function, since jit remembers what it has traced; the others find the file
        assert clock.called == ["reverse"]
    assert len(clock.asked) == 1


def test_what_was_asked_for_is_part_of_what_is_remembered(clock: Clock) -> None:
    """Another argument, another chunk, another function: measured anew."""

    def f(x: Any, y: Any) -> Any:
        return tall(x) * y.sum()

    x = jnp.ones(3)
    for options in ({}, {"argnums": 1}, {"chunk": 2}, {}):
        fwdrev.jacobian(f, **options)(x, x)  # type: ignore[arg-type]
    fwdrev.jacobian(lambda x, y: 2 * f(x, y))(x, x)
    assert len(clock.asked) == 4


_OTHER_PROCESS = """
import jax.numpy as jnp, numpy as np, fwdrev
from fwdrev.results import choosing
def refuse(arms):
    raise SystemExit("measured again")
choosing.median_seconds = refuse
def tall(x):
    return jnp.sin(jnp.ones((40, x.shape[0]), x.dtype) @ x)
print(fwdrev.jacobian(tall)(np.ones(3)).shape)
"""


def test_another_process_need_not_measure(clock: Clock) -> None:
    """It finds the file."""
    fwdrev.jacobian(tall)(np.ones(3))
    assert len(clock.asked) == 1
    done = subprocess.run([sys.executable, "-c", _OTHER_PROCESS], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("(40, 3)\n", "")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": 1, "mode": "sideways"}', '{"format": 9, "mode": "forward"}']
)
def test_a_damaged_file_is_measured_again(clock: Clock, text: str) -> None:
    """One warning for all, and it is replaced."""
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
    """One warning, no error."""
    (tmp_path / "fwdrev").write_text("in the way")
    with pytest.warns(UserWarning, match="cannot be") as told:
        _both_sizes()
    assert len(told) == 1
    assert len(clock.asked) == 2


def test_counts_decide_when_measuring_fails(clock: Clock) -> None:
    """As where there is not enough memory; nothing is kept on disk."""
    clock.fails = True
    fwdrev.jacobian(wide)(jnp.ones(40))
    assert clock.called[-1] == "reverse"
    assert not choice_file.choice_path("any").parent.exists()


def test_what_is_hopeless_is_not_measured(clock: Clock) -> None:
    """It would take all memory: a million columns of a million rows."""
    n = 1_000_000
    assert n * n > DECISIVE * HEAVY
    fwdrev.jacobian(lambda x: (x**2).sum())(jnp.ones(n))
    assert clock.asked == []
    assert clock.called == ["reverse"]


def test_a_mode_that_jax_refuses_is_not_taken(clock: Clock) -> None:
    """Neither is it measured: reverse mode through a while_loop, forward mode through a custom_vjp."""

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
    """Can't be traced: it is differentiated as jax.jacobian does it."""

    def f(x: Any) -> Any:
        return jnp.sin(x) if x[0] > 0 else x

    assert_same(fwdrev.jacobian(f)(jnp.ones(3)), jax.jacobian(f)(jnp.ones(3)))
    assert clock.called == ["reverse"]


@pytest.mark.usefixtures("clock")
def test_errors_of_the_function_pass_through() -> None:
    """As they are."""

    def f(_x: Any) -> Any:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        fwdrev.jacobian(f)(jnp.ones(3))
    with pytest.raises(TypeError, match="jacrev requires real- or complex-valued inputs"):
        fwdrev.jacobian(jnp.sin)(jnp.arange(3))
    with pytest.raises(ValueError, match="argnums"):
        fwdrev.jacobian(jnp.sin, 1)(jnp.ones(3))


def test_stages(clock: Clock) -> None:
    """Mixed mode, and three modes to choose from."""
    stages = [tall, wide, tall]
    x = jnp.linspace(0.0, 1.0, 40)
    expected = jax.jacobian(lambda x: tall(wide(tall(x))))(x)
    for options in ({"mode": "mixed"}, {"mode": "forward"}, {"decide": "count"}):
        assert_same(fwdrev.jacobian(stages, **options)(x), expected)  # type: ignore[arg-type]
    clock.fast = "mixed"
    found = fwdrev.jacobian(stages)
    found(x)
    clock.called.clear()
    assert_same(found(x), expected)
    assert clock.asked == [["forward", "reverse", "mixed"]]
    assert clock.called == []  # neither of the two


def test_what_closes_over_tracers_is_counted(clock: Clock) -> None:
    """Though its argument is none."""
    x = jnp.ones(3)
    found = jax.jit(lambda p: fwdrev.jacobian(lambda x: tall(p * x))(x))(2.0)
    assert_same(found, jax.jacobian(lambda x: tall(2.0 * x))(x))
    assert clock.asked == []


def test_measured_for_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With the clock itself; the garbage collector stays as it was."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    x = jnp.ones(3)
    gc.disable()
    try:
        assert_same(fwdrev.jacobian(tall)(x), jax.jacobian(tall)(x))
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
        fwdrev.jacobian(tall)(jnp.ones(3))


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
    """Is said before anything is computed."""
    with pytest.raises(InputError, match=message):
        fwdrev.jacobian(tall, **options)


def test_the_key_is_that_of_the_program() -> None:
    """Not where its functions lie in memory, nor the values of constants; their shapes are."""
    kept = []

    def key(size: int, value: float) -> str:
        def on_host(x: Any) -> Any:
            return x

        kept.append(on_host)  # or the next one might get its place
        constant = jnp.full(size, value)

        def f(x: Any) -> Any:
            return jax.pure_callback(on_host, x, x).sum() * constant

        return choice_file.choice_key(jax.make_jaxpr(f)(jnp.ones(3)), {})

    assert key(2, 1.0) == key(2, 3.0) != key(5, 1.0)
