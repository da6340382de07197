"""A user's own function is a chain of one layer, or of its stages, and every engine accepts it."""

from typing import Any

import numpy as np
import pytest

import fwdrev
from fwdrev.modes import Chain, Dense, InputError, Wrt, engine
from fwdrev.modes.layers.jax_layer import JaxLayer
from tests.cases import COMPUTING


def _stage(x: Any, theta: Any) -> Any:
    import jax.numpy as jnp

    return jnp.concatenate([jnp.sin(x) * theta[0], jnp.cumsum(x) + theta[1]])


@pytest.mark.parametrize("wrt", [*(pytest.param(wrt, marks=pytest.mark.long) for wrt in (Wrt.X, Wrt.THETA)), Wrt.BOTH])
def test_engines_agree_on_a_users_function(wrt: Wrt) -> None:
    """Engines agree on it between layers of ours, too."""
    chain = Chain((JaxLayer(_stage, inputs=3, params=2), Dense(6, 2), JaxLayer(_stage, inputs=2, params=2)))
    rng = np.random.default_rng(0)
    x, theta = rng.standard_normal(3), rng.standard_normal(chain.n_params)
    first, *others = (np.asarray(engine(name).prepare(chain, wrt)(x, theta)) for name in COMPUTING)
    assert first.shape == (4, chain.n_columns(wrt))
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-10, atol=1e-12)


def test_a_single_function_without_parameters() -> None:
    """Forward mode is n pushes, reverse mode m pulls."""
    chain = Chain((fwdrev.JaxLayer(lambda x, _theta: x[:2] ** 2, inputs=5),))
    J = engine("forward").prepare(chain, "x")(np.arange(5.0), np.zeros(0))
    np.testing.assert_array_equal(J, [[0, 0, 0, 0, 0], [0, 2, 0, 0, 0]])
    assert engine("jax-jvp").cost(chain, "x").passes == 5
    assert engine("jax-vjp").cost(chain, "x").passes == 2
    assert engine("reverse").cost(chain, "x").multiply_adds > 0


def test_a_function_that_returns_no_vector_is_refused() -> None:
    """The message has its result."""
    with pytest.raises(InputError, match="let it return one vector"):
        Chain((JaxLayer(lambda x, _theta: x.sum(), inputs=5), Dense(1, 1)))
