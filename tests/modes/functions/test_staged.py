"""Mixed mode: the Jacobian of a composition, bracketed where it is cheapest, is that of jax.jacobian."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fwdrev.modes import InputError
from fwdrev.modes.bracketing.search import Need, best_tree
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.functions.staged import StageCosts, checked_stages, composed, mixed
from fwdrev.modes.layers.jax_layer import JaxLayer
from tests.modes.core.test_jacobians import STATE, assert_same

Stage = Callable[[Any], Any]


def dense(n: int, m: int) -> Stage:
    """A layer of a network."""
    A = np.random.default_rng(n + m).standard_normal((m, n))
    return lambda x: jnp.tanh(jnp.asarray(A) @ x)


SIZES = {"waist": (12, 9, 2, 9, 12), "wide": (12, 9, 2), "tall": (2, 9, 12), "one": (4, 4), "empty": (3, 0, 2)}


def stages_of(name: str, times: int = 1) -> list[Stage]:
    """A network with layers of these widths, repeated."""
    sizes = [times * size for size in SIZES[name]]
    return [dense(n, m) for n, m in pairwise(sizes)]


@pytest.mark.parametrize("name", SIZES)
def test_networks(name: str) -> None:
    """Networks work under jit and vmap as well."""
    found, expected = mixed(stages_of(name)), jax.jit(jax.jacobian(composed(stages_of(name))))
    x = jnp.linspace(0.1, 1.0, SIZES[name][0])
    assert_same(found(x), expected(x))
    assert_same(jax.jit(jax.vmap(found))(jnp.stack([x, -x])), jax.vmap(expected)(jnp.stack([x, -x])))


@pytest.mark.parametrize(
    ("name", "written"), [("waist", "(4·3)·(2·1)"), ("wide", "2·1"), ("tall", "2·1"), ("one", "1")]
)
def test_the_waist_is_where_it_multiplies(name: str, written: str) -> None:
    """Counts of large layers decide; a wide network is pulled through and a tall one pushed."""
    sizes = [100 * size for size in SIZES[name]]
    stages = stages_of(name, 100)
    layers = tuple(JaxLayer(_without_parameters(f), inputs=n) for f, n in zip(stages, sizes, strict=False))
    _, tree = best_tree(StageCosts(Chain(layers), np.dtype(float)), Need.X)
    assert str(tree) == written
    if name in {"wide", "tall"}:
        assert tree.how.value == {"wide": "pull", "tall": "push"}[name]  # type: ignore[union-attr]


def _without_parameters(f: Stage) -> Callable[[Any, Any], Any]:
    return lambda x, _theta: f(x)


def _spread(state: dict[str, Any], k: float) -> dict[str, Any]:
    """Real, integer and complex arrays."""
    a, b = state["a"], state["b"]
    return {"p": jnp.outer(a, b) * k, "i": jnp.arange(3), "z": jnp.exp(1j * a) * k}


def _gather(parts: dict[str, Any]) -> tuple[Any, ...]:
    first = parts["p"].sum(0) * parts["i"][1].astype(float)
    return first, jnp.abs(jnp.fft.fft(parts["z"])), parts["p"].astype(jnp.float32)


@pytest.mark.parametrize("argnums", [0, -1, (1, 0)])
def test_stages_of_trees(argnums: Any) -> None:
    """Trees may have several dtypes, with integers and complex numbers between stages."""
    found, expected = mixed([_spread, _gather], argnums), jax.jacobian(composed([_spread, _gather]), argnums)
    assert_same(jax.jit(found)(STATE, 1.5), jax.jit(expected)(STATE, 1.5))


def test_holomorphic() -> None:
    """The Jacobian is complex."""
    stages: list[Stage] = [jnp.exp, lambda w: (w * w[0], w.sum())]
    z = jnp.arange(1, 4) * (1 + 0.5j)
    assert_same(mixed(stages, holomorphic=True)(z), jax.jacobian(composed(stages), holomorphic=True)(z))


def test_aux() -> None:
    """The last stage returns the auxiliary output."""
    stages: list[Stage] = [jnp.sin, lambda y: (y * 2, {"sum": y.sum()})]
    assert_same(mixed(stages, has_aux=True)(jnp.ones(3)), jax.jacobian(composed(stages), has_aux=True)(jnp.ones(3)))


def test_integers_and_complex_numbers_are_left_to_jax() -> None:
    """Where JAX refuses them, its words appear."""
    i = jnp.arange(3)
    found = mixed([lambda i: i * 2.0], allow_int=True)(i)
    assert_same(found, jax.jacobian(lambda i: i * 2.0, allow_int=True)(i))
    with pytest.raises(TypeError, match="jacrev requires real- or complex-valued inputs"):
        mixed([jnp.sin])(i)
    with pytest.raises(TypeError, match="jacrev requires real-valued outputs"):
        mixed([lambda x: x * 1j])(jnp.ones(2))


def test_within_itself() -> None:
    """Mixed mode works as a Hessian."""
    found = mixed([mixed([jnp.sin, jnp.prod])])
    x = jnp.linspace(0.5, 1.0, 3)
    assert_same(jax.jit(found)(x), jax.hessian(lambda x: jnp.prod(jnp.sin(x)))(x))


def test_stages_that_close_over_tracers() -> None:
    """The parameters may belong to a network that is being differentiated outside."""

    def loss(p: Any, x: Any) -> Any:
        return jnp.sum(mixed([lambda x: p * x, jnp.sin])(x))

    def expected(p: Any, x: Any) -> Any:
        return jnp.sum(jax.jacobian(lambda x: jnp.sin(p * x))(x))

    assert_same(jax.jit(jax.grad(loss))(2.0, jnp.ones(3)), jax.grad(expected)(2.0, jnp.ones(3)))


def test_the_plan_is_made_once_for_each_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    """Later calls reuse it."""
    made = []

    def planned(chain: Chain, dtype: Any) -> StageCosts:
        made.append(chain.n_in)
        return StageCosts(chain, dtype)

    monkeypatch.setattr("fwdrev.modes.functions.staged.StageCosts", planned)
    found = mixed([jnp.sin, jnp.cumsum])
    for size in (3, 3, 4, 3, 4):
        found(jnp.ones(size))
    assert made == [3, 4]


@pytest.mark.parametrize("stages", [[], jnp.sin, [jnp.sin, 3], None])
def test_what_is_no_stages(stages: Any) -> None:
    """The error says what stages are."""
    with pytest.raises(InputError, match=r"give the stages of the function, \[f_1, f_2, …\]"):
        checked_stages(stages)
