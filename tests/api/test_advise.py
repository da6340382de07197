"""`fwdrev.advise` on real functions, in this process."""

import importlib.util
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fwdrev
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.staged import composed


@pytest.fixture
def no_asdex(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the results independent of an installed asdex."""
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "asdex" else found(name, *rest)
    )


X = np.ones(2)


def tall(x: Any) -> Any:
    """Two inputs, many outputs."""
    return jnp.sin(jnp.arange(500.0)[:, None] * x[None]).sum(1)


def waist(x: Any) -> Any:
    """From many to two numbers."""
    return jnp.tanh(jnp.stack([x.sum(), (x * x).sum()]))


@pytest.mark.usefixtures("no_asdex")
def test_a_function_is_measured() -> None:
    """All available arms are measured, in rounds of this process; the code names the function."""
    found = fwdrev.advise(tall, np.ones(2), budget=4.0)
    known = {arm.name: arm for arm in found.arms if arm.seconds is not None}
    assert set(known) == {"forward", "reverse"}
    assert (found.n, found.m, found.measured, found.fresh) == (2, 500, True, False)
    assert found.recommend == "forward"
    assert found.code == "jax.jit(jax.jacfwd(tall))"
    assert found.times_faster["reverse"].point > 1
    assert found.facts.given == "tall"
    assert all(arm.memory_bytes for arm in known.values())


def test_counts_need_no_run() -> None:
    """A clear case has the same recommendation without times; the function is only traced."""

    def traced(x: Any) -> Any:
        assert isinstance(x, jax.core.Tracer)
        return tall(x)

    found = fwdrev.advise(traced, np.ones(2), measure=False)
    assert (found.recommend, found.measured) == ("forward", False)
    assert all(arm.seconds is None for arm in found.arms)
    assert fwdrev.advise(lambda x: (x * x).sum(), np.ones(50), measure=False).code == "jax.jit(jax.jacrev(f))"
    assert re.match(
        r"lambda \(test_advise\.py, line \d+\): n = 2", str(fwdrev.advise(lambda x: x * x, X, measure=False))
    )


@pytest.mark.usefixtures("no_asdex")
def test_counts_know_of_chunks() -> None:
    """If an array of all passes is far larger than the result, fewer passes at once are recommended."""
    W = np.ones((400, 300))
    found = fwdrev.advise(lambda x: jnp.tanh(W * x[None]).sum(0)[:200], np.ones(300), measure=False)
    chunked = {arm.name: arm.code for arm in found.arms if arm.name.endswith("-chunked")}
    assert set(chunked) == {"forward-chunked", "reverse-chunked"}
    assert 'mode="forward", chunk=' in str(chunked["forward-chunked"])
    small = fwdrev.advise(lambda x: jnp.tanh(W[:4] * x[None]).sum(0), np.ones(300), measure=False)
    assert {arm.name for arm in small.arms if arm.counted_seconds is not None} == {"forward", "reverse"}


@pytest.mark.parametrize(
    ("f", "told"),
    [
        (lambda x: x if x[0] > 0 else -x, "branches on a value"),
        (lambda x: x.astype(int), "which has no derivative: return"),
        (lambda _: "text", "JAX"),
        (lambda x: x[:0], "returns no numbers"),
    ],
)
def test_what_counts_refuse(f: Any, told: str) -> None:
    """Running the function refuses the same."""
    with pytest.raises(InputError, match=told):
        fwdrev.advise(f, np.ones(3), measure=False)


@pytest.mark.usefixtures("no_asdex")
@pytest.mark.parametrize(
    ("f", "told"),
    [
        (lambda x: jax.lax.stop_gradient(x) * 2, "do not confirm"),
        (lambda x: jnp.sqrt(x * 0), "NaN or infinity"),
        (lambda x: x * 0 + 3, "is zero at this point"),
        (lambda x: x * 2, None),
    ],
)
def test_an_odd_jacobian_is_doubted(f: Any, told: str | None) -> None:
    """A wrong Jacobian is doubted however fast it is."""
    notes = fwdrev.advise(f, np.ones(3), budget=1.0).facts.notes
    assert len(notes) == (told is not None)
    assert told is None or told in notes[0]


def test_stages_may_be_the_function() -> None:
    """Stages are a sequence, as for fwdrev.jacobian; a function of other sizes than theirs is refused."""
    stages = [waist, lambda h: jnp.outer(h, h)]
    found = fwdrev.advise(stages, np.ones(9), measure=False)
    assert (found.n, found.m) == (9, 4)
    assert str(found).startswith("waist, f2: n = 9 inputs")
    assert "lambda x: f2(waist(x))" in {arm.name: str(arm.code) for arm in found.arms}["forward"]
    assert "mixed" in {arm.name for arm in found.arms}
    with pytest.raises(InputError, match="the stages return 2 numbers and f 4"):
        fwdrev.advise(composed(stages), np.ones(9), stages=stages[:1], measure=False)


def test_a_budget_may_be_written() -> None:
    """The command accepts the same texts; nothing is measured during a trace."""
    with pytest.raises(InputError, match="give seconds such as 120s"):
        fwdrev.advise(tall, np.ones(2), budget="soon")
    with pytest.raises(InputError, match="argument 0 is traced"):
        jax.jit(lambda x: fwdrev.advise(tall, x).m)(np.ones(2))
    assert fwdrev.advise(tall, np.ones(2), budget="4s").rounds > 0


def test_equal_counts_are_a_tie() -> None:
    """Counts cannot distinguish them."""
    found = fwdrev.advise(tall, np.ones(2), measure=False)
    assert not found.tie
    assert "within the noise" not in str(found)
    square = fwdrev.advise(lambda x: x * 2, np.ones(6), measure=False)
    assert square.tie
    assert "within the noise" in str(square)


def test_stages_are_named() -> None:
    """Lambdas have no names of their own."""
    stages = [waist, lambda h: jnp.outer(h, h)]
    found = fwdrev.advise(composed(stages), np.ones(9), stages=stages, measure=False)
    mixed = next(arm for arm in found.arms if arm.name == "mixed")
    assert mixed.code == 'jax.jit(fwdrev.jacobian([waist, f2], mode="mixed"))'


def test_stages_that_are_another_function_are_found_out() -> None:
    """The stages' Jacobian is not that of the function, and differences confirm it."""
    found = fwdrev.advise(waist, np.linspace(0.0, 0.1, 9), stages=[waist, lambda h: 2 * h], budget=2.0)
    mixed = next(arm for arm in found.arms if arm.name == "mixed")
    assert found.recommend != "mixed"
    assert mixed.reason is not None
    assert "its Jacobian is not that of" in mixed.reason


def test_a_missing_rule_leaves_the_other_mode() -> None:
    """The function has a rule for reverse mode only."""

    @jax.custom_vjp
    def function(x: Any) -> Any:
        return jnp.sin(x)

    function.defvjp(lambda x: (jnp.sin(x), x), lambda x, g: (jnp.cos(x) * g,))
    found = fwdrev.advise(function, np.ones(3), budget=2.0)
    assert (found.recommend, found.runner_up) == ("reverse", None)
    with pytest.raises(fwdrev.InputError, match="has no derivative"):
        fwdrev.advise(function, np.arange(3))
