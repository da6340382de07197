"""A layer with only a value: every engine differentiates it, and its arrays are arguments of the program."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from fwdrev.modes import AutodiffLayer, Chain, Dense, Wrt, engine
from tests.cases import COMPUTING


@dataclass(frozen=True, slots=True, eq=False)
class _Spring(AutodiffLayer):
    """A x + B θ, cubed: an array field of floats, one of integers, and another field."""

    A: Any
    picked: Any
    power: int = 3

    @property
    def n_in(self) -> int:
        return int(self.A.shape[1])

    @property
    def n_out(self) -> int:
        return int(self.A.shape[0])

    @property
    def n_params(self) -> int:
        return 2

    def value(self, x: Any, theta: Any) -> Any:
        return (self.A @ x + theta[self.picked]) ** self.power

    def jacobians(self, x: Any, theta: Any) -> tuple[Any, Any]:
        """The Jacobians by hand."""
        slope = self.power * (self.A @ x + theta[self.picked])[:, None] ** (self.power - 1)
        return slope * self.A, slope * np.eye(2)[self.picked]


def _spring(seed: int = 0) -> _Spring:
    return _Spring(np.random.default_rng(seed).standard_normal((4, 3)), np.array([0, 1, 1, 0]))


@pytest.mark.parametrize("wrt", Wrt)
@pytest.mark.parametrize("name", COMPUTING)
def test_every_engine_differentiates_a_value(name: str, wrt: Wrt) -> None:
    """The results follow the formula, with respect to x and to θ."""
    spring, rng = _spring(), np.random.default_rng(1)
    x, theta = rng.standard_normal(3), rng.standard_normal(2)
    J_x, J_theta = spring.jacobians(x, theta)
    expected = np.hstack([J_x] * wrt.has_x + [J_theta] * wrt.has_theta)
    J = engine(name).prepare(Chain((spring,)), wrt)(x, theta)
    np.testing.assert_allclose(J, expected, rtol=1e-12, atol=1e-12)


def test_between_layers_of_ours() -> None:
    """The layers around it receive and provide values of any library."""
    chain = Chain((_spring(), Dense(4, 2)))
    rng = np.random.default_rng(2)
    x, theta = rng.standard_normal(3), rng.standard_normal(chain.n_params)
    first, *others = (np.asarray(engine(name).prepare(chain, "both")(x, theta)) for name in COMPUTING)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-10, atol=1e-12)


def test_its_arrays_are_arguments_of_the_compiled_program() -> None:
    """Two layers that differ only in their arrays share a program; the arrays themselves differ."""
    one, other = (_spring(seed).linearization(np.dtype(np.float64)).J_x for seed in (3, 4))
    texts = [J._push.lower(*J.point, np.zeros((3, 1))).as_text() for J in (one, other)]  # type: ignore[attr-defined]
    assert texts[0] == texts[1]
    assert (one.point[0]["A"] != other.point[0]["A"]).any()  # type: ignore[attr-defined]


def test_single_precision_stays_single() -> None:
    """Single precision stays even for arrays made in double precision."""
    J = engine("forward").prepare(Chain((_spring(),), np.dtype(np.float32)), "x")(np.ones(3), np.ones(2))
    assert J.dtype == np.float32
