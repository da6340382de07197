"""The costs of choosing, in counts: calls of the function, of an external program, compilations, files."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fwdrev

X = np.linspace(0.1, 0.9, 3)

_MOST = 3
"""The most extra runs of the function's body, compared with jax.jacobian, at the first call."""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder in place of the user's."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with jax.numpy_rank_promotion("allow"):
        yield tmp_path


class Counted:
    """A function that counts its calls."""

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.calls = f, 0

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Counts one more call."""
        self.calls += 1
        return self.f(*args, **kwargs)

    def of(self, call: Callable[[], Any]) -> int:
        """The number of calls that this made."""
        before = self.calls
        jax.block_until_ready(call())  # type: ignore[no-untyped-call]
        return self.calls - before


def _tall(x: Any) -> Any:
    return jnp.tile(jnp.sin(x), 50)


def _wide(x: Any) -> Any:
    return jnp.sin(jnp.ones((2, x.size)) @ x)


def _scanned(x: Any) -> Any:
    return jax.lax.scan(lambda c, _: (jnp.sin(c), None), jnp.tile(x, 20), None, length=9)[0]


def _branching(x: Any) -> Any:
    return _tall(x) if x[0] > 0 else x


def _waiting(x: Any) -> Any:
    return jnp.sum(jax.lax.stop_gradient(x)) + jnp.tile(x, 9)


FUNCTIONS = {f.__name__: f for f in (_tall, _wide, _scanned, _branching, _waiting)}
EACH = pytest.mark.parametrize("name", FUNCTIONS)


@EACH
def test_the_body_runs_a_few_times_more_at_first(name: str) -> None:
    """Later it runs as often as under jax.jacobian."""
    ours, theirs = Counted(FUNCTIONS[name]), Counted(FUNCTIONS[name])
    found, expected = fwdrev.jacobian(ours), jax.jacobian(theirs)
    assert ours.of(lambda: found(X)) <= theirs.of(lambda: expected(X)) + _MOST
    for _ in range(3):
        assert ours.of(lambda: found(X)) == theirs.of(lambda: expected(X))


@EACH
def test_another_shape_is_another_first_call(name: str) -> None:
    """Going back to the first shape is not."""
    ours, theirs = Counted(FUNCTIONS[name]), Counted(FUNCTIONS[name])
    found, expected = fwdrev.jacobian(ours), jax.jacobian(theirs)
    once = theirs.of(lambda: expected(X))
    for x in (X, np.ones(5)):
        assert ours.of(lambda x=x: found(x)) <= once + _MOST  # type: ignore[misc]
    for x in (X, np.ones(5), X):
        assert ours.of(lambda x=x: found(x)) == once  # type: ignore[misc]


def test_numbers_that_change() -> None:
    """A Python number that is new at each call costs at most a trace each; an array costs none."""
    ours = Counted(lambda x, k: _tall(x) * k)
    found = fwdrev.jacobian(ours)
    found(X, np.float64(1.0))
    for k in range(2, 6):
        assert ours.of(lambda k=k: found(X, np.float64(k))) == 1  # type: ignore[misc]
    found(X, 1.0)
    for k in range(2, 6):
        assert ours.of(lambda k=k: found(X, float(k))) <= 1 + _MOST  # type: ignore[misc]


def test_compiled_it_is_traced_a_few_times() -> None:
    """Calls of the compiled function do not run the body."""
    ours, theirs = Counted(_tall), Counted(_tall)
    found, expected = jax.jit(fwdrev.jacobian(ours)), jax.jit(jax.jacobian(theirs))
    assert ours.of(lambda: found(X)) <= theirs.of(lambda: expected(X)) + _MOST
    assert ours.of(lambda: found(X)) == 0


class Simulator:
    """An external program that counts its runs, with a derivative rule that runs it once more."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self, x: Any) -> Any:
        """One sine for each entry."""

        @jax.custom_jvp
        def simulate(x: Any) -> Any:
            return jax.pure_callback(self._sin, jax.eval_shape(lambda: x), x, vmap_method="broadcast_all")

        @simulate.defjvp
        def _(primals: Any, tangents: Any) -> Any:
            (x,), (d,) = primals, tangents
            return simulate(x), d * simulate(x + np.pi / 2)

        return jnp.outer(simulate(x), jnp.arange(20.0))

    def _sin(self, x: Any) -> Any:
        self.runs += 1
        return np.sin(x)


def test_an_external_program_runs_a_few_times_more_at_first() -> None:
    """Later it runs as often as under jax.jacobian."""
    ours, theirs = Simulator(), Simulator()
    found, expected = fwdrev.jacobian(ours), jax.jacobian(theirs)
    runs = []
    for _ in range(3):
        before = ours.runs, theirs.runs
        np.testing.assert_allclose(found(X), expected(X))
        jax.effects_barrier()  # type: ignore[no-untyped-call]
        runs.append((ours.runs - before[0], theirs.runs - before[1]))
    assert runs[0][0] <= runs[0][1] + 2 * _MOST  # each evaluation runs it for the value and for the derivative
    assert runs[1] == runs[2]
    assert runs[1][0] == runs[1][1]


def test_effects_happen_as_often_as_with_jax() -> None:
    """Choosing never runs an impure callback."""
    seen: dict[str, list[float]] = {"ours": [], "theirs": []}

    def effective(side: str) -> Callable[[Any], Any]:
        def f(x: Any) -> Any:
            jax.debug.callback(lambda value: seen[side].append(float(value)), x[0])
            return _tall(x)

        return f

    found, expected = fwdrev.jacobian(effective("ours")), jax.jacobian(effective("theirs"))
    for x in (X, 2 * X):
        jax.block_until_ready((found(x), expected(x)))  # type: ignore[no-untyped-call]
        jax.effects_barrier()  # type: ignore[no-untyped-call]
    assert seen["ours"] == seen["theirs"]


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The functions that jax.jit has received since."""
    found: list[str] = []
    known = jax.jit

    def noted(fun: Any = None, *args: Any, **kwargs: Any) -> Any:
        if fun is not None:
            found.append(getattr(fun, "__name__", str(fun)))
        return known(fun, *args, **kwargs) if fun is not None else known(*args, **kwargs)

    monkeypatch.setattr(jax, "jit", noted)
    return found


@EACH
def test_nothing_is_compiled_for_the_choice(name: str, programs: list[str]) -> None:
    """jax.jit is called neither at the first call nor at a later one."""
    found = fwdrev.jacobian(FUNCTIONS[name])
    for x in (X, X, 2 * X):
        found(x)
    assert programs == []


def _compilations(call: Callable[[], Any]) -> int:
    """The number of programs that the compiler made for a call."""
    made: list[float] = []

    def listen(event: str, duration_secs: float, **_: Any) -> None:
        made.extend([duration_secs] * event.endswith("backend_compile_duration"))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        jax.block_until_ready(call())  # type: ignore[no-untyped-call]
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    return len(made)


def test_operations_are_compiled_once_for_each_mode() -> None:
    """jax.jacobian compiles every operation; ours may compile those of one more pass of each mode."""

    def f(x: Any) -> Any:
        for _ in range(9):
            x = jnp.sin(x) * x[0]
        return jnp.tile(x, 50)

    alone = _compilations(lambda: jax.jacobian(f)(np.linspace(0.1, 0.9, 11)))  # sizes that nothing else has compiled
    x = np.linspace(0.1, 0.9, 13)
    found = fwdrev.jacobian(f)
    assert _compilations(lambda: found(x)) <= 3 * alone
    assert _compilations(lambda: found(2 * x)) == 0


@EACH
def test_nothing_is_written(name: str, cache: Path) -> None:
    """Nothing is written by default; nothing is timed either."""
    fwdrev.jacobian(FUNCTIONS[name])(X)
    assert list(cache.iterdir()) == []


def test_measuring_writes_when_it_is_asked_for(cache: Path) -> None:
    """Only then the folder gets a file."""
    fwdrev.jacobian(_tall, decide="measure")(X)
    assert [path for path in cache.rglob("*") if path.is_file()]


def test_it_explains_itself() -> None:
    """The explanation has the mode, seconds and bytes of each mode, and a reason, as attributes and as text."""
    found = fwdrev.jacobian(_tall).explain(X)
    assert found.mode == "forward"
    assert found.seconds["forward"] < found.seconds["reverse"]
    assert found.bytes.keys() == found.seconds.keys()
    assert all(size > 0 for size in found.bytes.values())
    assert found.reason
    assert found.mode in str(found)
    assert found.reason in str(found)


def test_asking_for_an_explanation_changes_nothing() -> None:
    """The choice is the same before and after."""
    found = fwdrev.jacobian(_wide)
    before = found.explain(np.ones(40))
    found(np.ones(40))
    assert found.explain(np.ones(40)).mode == before.mode == "reverse"
