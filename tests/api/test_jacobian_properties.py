"""All our Jacobians of random functions of random trees are those of JAX.

The functions are compositions of a few steps and a shape of the outputs; the trees hold arrays of all dtypes, numbers
of Python and None; other arguments are static and may change the function. FWDREV_EXAMPLES sets how many
examples there are in all: 15 if it is not set, 2000 for a thorough search, which takes a quarter of an hour or more.
"""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st

import fwdrev
from fwdrev.modes.core.jacobians import jacobian_by
from fwdrev.modes.functions.staged import mixed
from tests.api.drawn import DTYPES, OUTPUTS, REAL, STEPS, Drawn, function, stages, tame, trees
from tests.programs import forget_if_large
from tests.reports.comparing import assert_same, outcome

_EXAMPLES = int(os.environ.get("FWDREV_EXAMPLES", "15"))

_TESTS = 5
"""The number of tests that share the examples."""

SEARCH = settings(
    max_examples=max(1, _EXAMPLES // _TESTS),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty cache, as on a new machine; ranks are promoted, as JAX does by default."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with jax.numpy_rank_promotion("allow"):
        yield


STATIC = st.sampled_from([1, 2, 9, 3.0, np.int64(4)])
KINDS = st.sampled_from(["plain", "hand", None, ("a", 1), frozenset({1}), 2.5])


@st.composite
def drawn(draw: st.DrawFn, dtypes: list[Any]) -> Drawn:
    """Two or three calls; only the first one has odd values, since it compares the two modes."""
    steps = tuple(draw(st.lists(st.sampled_from(sorted(STEPS)), max_size=3)))
    options: dict[str, Any] = {"argnums": draw(st.sampled_from([0, 0, 1, -3, (0,), (1, 0), [0, 1]]))}
    if draw(st.integers(0, 3)) == 0:
        options["has_aux"] = True
    if dtypes is not REAL:
        options |= draw(st.sampled_from([{}, {"allow_int": True}, {"holomorphic": True}]))
    first = (draw(trees(dtypes, odd=True)), draw(st.sampled_from([1.5, 0.5, None])), draw(STATIC), "plain")
    calls: list[tuple[Any, Any, Any, Any]] = [first]
    for _ in range(draw(st.integers(1, 2))):
        tree = draw(st.sampled_from([tame(first[0]), None]))
        tree = draw(trees(dtypes, odd=False)) if tree is None else tree
        calls.append((tree, first[1], draw(STATIC), draw(KINDS)))
    return Drawn(steps, draw(st.sampled_from(sorted(OUTPUTS))), options, calls)


def check(drawn: Drawn) -> None:
    """Expects that each call of the same Jacobian has the value of jax.jacobian, or the same type of exception."""
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
    """The trees hold arrays and numbers of all real dtypes."""
    check(drawn)


@SEARCH
@given(drawn(DTYPES))
def test_trees_of_all_dtypes(drawn: Drawn) -> None:
    """Complex numbers, integers and booleans occur too, most of which JAX refuses."""
    check(drawn)


@pytest.mark.long
@settings(SEARCH, max_examples=2 * _EXAMPLES)
@given(drawn(DTYPES))
def test_more_trees_of_all_dtypes(drawn: Drawn) -> None:
    """More random trees of all dtypes agree."""
    check(drawn)


@SEARCH
@given(st.sampled_from(sorted(STEPS)), st.sampled_from(sorted(STEPS)), st.sampled_from(REAL), STATIC, KINDS)
@example("sin", "sin", np.float64, 9, "hand")
def test_tall_functions(one: str, other: str, dtype: Any, k: Any, kind: Any) -> None:
    """With few inputs and many outputs forward mode is cheaper; static values change in between."""
    x, y = np.array([0.5, 0.75, 1.25]).astype(dtype), np.array([0.25, 1.5, 0.5]).astype(dtype)
    calls = [(x, None, 9, "plain"), (y, None, k, kind), (x, None, 9, "hand"), (y, None, 9, "plain")]
    check(Drawn((one, other), "tiled", {}, calls))


@st.composite
def named(draw: st.DrawFn, dtypes: list[Any], modes: list[str]) -> tuple[Drawn, str, int | None]:
    """One call with a named mode and chunk; no step lets the Jacobian cancel."""
    step = draw(st.sampled_from(["sin", "square", "compiled", "integer", "single"]))
    options: dict[str, Any] = {"argnums": draw(st.sampled_from([0, 1, -3, (0,), (1, 0), [0, 1], np.int64(0), 5]))}
    options |= draw(st.sampled_from([{}, {}, {"has_aux": True}, {"holomorphic": True}, {"allow_int": True}]))
    args = (draw(trees(dtypes, odd=False)), draw(st.sampled_from([1.5, None, 2])), draw(st.sampled_from([1, 3])), None)
    outputs = draw(st.sampled_from(sorted(OUTPUTS)))
    chunk = draw(st.sampled_from([None, 1, 2, 100]))
    return Drawn((step,), outputs, options, [args]), draw(st.sampled_from(modes)), chunk


def check_named(asked: tuple[Drawn, str, int | None]) -> None:
    """Expects JAX's value in that mode, to the last entry, or the same type of exception."""
    drawn, mode, chunk = asked
    f, options = function(drawn), dict(drawn.options)
    args: tuple[Any, dict[str, Any]] = (drawn.calls[0], {})
    truth = any(jnp.result_type(leaf) == jnp.bool_ for leaf in jax.tree.leaves(args))
    assume(not (truth and options.get("allow_int")))  # an internal error of JAX: "a bytes-like object is required"
    if mode == "mixed":
        known, refusal = outcome(jax.jacrev(f, **options), args)
        value, error = outcome(mixed(stages(drawn), chunk=chunk, **options), args)
    else:
        value, error = outcome(jacobian_by(f, mode, chunk=chunk, **options), args)
        if mode == "forward":
            options.pop("allow_int", None)
        known, refusal = outcome({"forward": jax.jacfwd, "reverse": jax.jacrev}[mode](f, **options), args)
    assert error == refusal
    if refusal is None:
        assert_same(value, known, cancels=False)
    forget_if_large()


@SEARCH
@given(named(REAL, ["forward", "reverse", "mixed"]))
def test_named_modes_of_real_trees(asked: tuple[Drawn, str, int | None]) -> None:
    """Named modes run at once and in chunks of any size."""
    check_named(asked)


@SEARCH
@given(named(DTYPES, ["forward", "reverse", "mixed"]))
def test_named_modes_of_all_dtypes(asked: tuple[Drawn, str, int | None]) -> None:
    """Complex numbers, integers and booleans occur too, most of which JAX refuses."""
    check_named(asked)


@pytest.mark.parametrize("chunk", [None, 2])
@pytest.mark.parametrize("mode", ["auto", "forward", "reverse", "mixed"])
@pytest.mark.parametrize(
    ("f", "x"), [(lambda _: {"y": jnp.ones(2)}, None), (lambda _: None, 1.5), (lambda _: (), np.ones(2))]
)
def test_of_nothing_and_by_nothing(f: Any, x: Any, mode: str, chunk: int | None) -> None:
    """JAX refuses a Jacobian by no argument, and in reverse mode one of no output; the search found this."""
    by_jax = jax.jacfwd if mode == "forward" else jax.jacobian
    known, refusal = outcome(by_jax(f), ((x,), {}))
    found = fwdrev.jacobian([f, lambda y: y] if mode == "mixed" else f, np.int64(0), mode=mode, chunk=chunk)
    assert outcome(found, ((x,), {})) == (known, refusal)
