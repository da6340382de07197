"""The code to paste names the advised function: evaluated in its place, it computes the arm's Jacobian."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import fwdrev
from fwdrev.results.advice.names import Names, caller

X = np.linspace(0.1, 0.5, 4)


def energy(x: Any) -> Any:
    """A function to a number."""
    return (x**3).sum()


def outer(x: Any, scale: Any = 2.0) -> Any:
    """A function to a matrix."""
    return scale * jnp.outer(x, x)


def doubled(f: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator that keeps the name."""

    @functools.wraps(f)
    def twice(x: Any) -> Any:
        return 2 * f(x)

    return twice


@doubled
def decorated(x: Any) -> Any:
    """Its decorated value is twice as large."""
    return x**2


class Model:
    """A model with weights and methods, which can be called."""

    def __init__(self, w: float) -> None:
        """Sets one weight."""
        self.w = w

    def __call__(self, x: Any) -> Any:
        """The model as a function."""
        return self.w * x**2

    def residuals(self, x: Any) -> Any:
        """The model's method."""
        return jnp.sin(self.w * x)

    @staticmethod
    def plain(x: Any) -> Any:
        """A function in a class."""
        return x**2


model, other = Model(3.0), Model(5.0)
gradient = jax.grad(energy)
wrapped = doubled(outer)
mapped = jax.vmap(energy)
compiled = jax.jit(outer)
bound = functools.partial(outer, scale=3.0)
_hidden = Model(7.0)


@pytest.mark.parametrize(
    ("f", "name"),
    [
        (outer, "outer"),
        (gradient, "gradient"),
        (jax.grad(energy), "f"),
        (mapped, "mapped"),
        (compiled, "compiled"),
        (jax.jit(outer), "f"),
        (decorated, "decorated"),
        (wrapped, "wrapped"),
        (doubled(outer), "f"),
        (bound, "bound"),
        (functools.partial(outer, scale=3.0), "f"),
        (model, "model"),
        (Model(1.0), "f"),
        (_hidden, "f"),
        (model.residuals, "model.residuals"),
        (other.residuals, "other.residuals"),
        (Model(2.0).residuals, "f"),
        (Model.plain, "Model.plain"),
        (lambda x: x**2, "f"),
        (jnp.sin, "jnp.sin"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_name_stands_for_the_function(f: Callable[..., Any], name: str) -> None:
    """The name is right in the caller's scope, or else f. The pasted line computes the arm's Jacobian."""
    x = X if f is not mapped else X[:, None]
    given = {"f": f}
    del f
    advice = fwdrev.advise(given["f"], x, measure=False)
    assert f"({name})" in advice.code
    expected = jax.jacrev(given["f"])(x)
    for arm in advice.arms:
        if arm.code is not None and arm.name in {"forward", "reverse"}:
            pasted = eval(arm.code, {**globals(), **given, "jax": jax})  # noqa: S307 - our own code
            np.testing.assert_allclose(pasted(x), expected, rtol=1e-12)


def test_local_names_count() -> None:
    """Local names precede those of the module, and stand for that object alone."""
    squared = lambda x: x**2  # noqa: E731 - the test needs a lambda in a variable
    assert "jacfwd(squared)" in str([arm.code for arm in fwdrev.advise(squared, X, measure=False).arms])
    energy = doubled(outer)
    found = Names(caller())
    assert found.of(energy, "f") == "energy"
    assert found.of(wrapped, "f") == "wrapped"


def test_a_function_of_another_module_has_its_name_there() -> None:
    """No name in this module stands for it."""
    from fwdrev.modes.functions import candidates as function_arms

    names = Names(caller())
    assert names.of(function_arms.chunked_arm, "f") == "function_arms.chunked_arm"
    del function_arms
    assert Names(caller()).of(fwdrev.advise, "f") == "fwdrev.advise"
    assert Names(caller()).of(functools.reduce, "f") == "functools.reduce"


def test_stages_are_named_alike() -> None:
    """Each has its own name; equal names are numbered."""
    found = fwdrev.advise([outer, jax.jit(jnp.sum)], X, measure=False)
    mixed = next(arm.code for arm in found.arms if arm.name == "mixed")
    assert mixed is not None
    assert "[outer, f2]" in mixed
    same = next(arm.code for arm in fwdrev.advise([jnp.sin, jnp.sin], X, measure=False).arms if arm.name == "mixed")
    assert same is not None
    assert "[f1, f2]" in same
