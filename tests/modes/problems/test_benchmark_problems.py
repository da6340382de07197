"""Problems of other benchmarks, and networks: Jacobians equal those of NumPy loops, shapes the published ones."""

import re
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
import pytest

from fwdrev.modes import Chain, Dense, InputError, Problem, Wrt, engine, nearest_shape, problem
from fwdrev.modes.core.jax_compile import value_of
from fwdrev.modes.problems.gmm import MixtureLikelihood
from fwdrev.modes.problems.hand import drawn_hand
from fwdrev.modes.problems.hand_tracking import SkinDistances
from fwdrev.modes.problems.rotation import rotated
from tests.cases import COMPUTING, case_id, make
from tests.independent import VALUES, complex_step, mixture

Row = tuple[str, int, int, dict[str, Any]]

SMALL: list[Row] = [
    ("gmm", 18, 1, {"points": 5}),
    ("gmm", 20, 1, {"dimension": 3, "points": 4}),
    ("lstm", 38, 1, {"characters": 4}),
    ("lstm", 33, 1, {"characters": 3, "layers": 1}),
    ("bundle-adjustment", 36, 15, {}),
    ("bundle-adjustment", 46, 12, {"cameras": 3}),
    ("hand-tracking", 32, 9, {}),
    ("control", 3, 5, {}),
    ("control", 12, 2, {}),
    ("control", 12, 3, {"system": "lotka-volterra"}),
    ("convolution", 25, 2, {"channels": 2}),
    ("convolution", 1, 3, {"channels": 1}),
    ("fourier-features", 3, 2, {"features": 4, "width": 3}),
]
"""Every problem, small; for `control`, chains written out and one that is a loop."""

FIRST = list({row[0]: row for row in reversed(SMALL)}.values())
"""One row of each problem."""

_SLOW = {"bundle-adjustment", "convolution", "gmm", "hand-tracking", "lstm"}
"""Their six engines take many seconds to compile."""


def _quick(rows: list[Row], is_quick: Callable[[Row], bool]) -> list[Any]:
    """The other rows are long."""
    return [pytest.param(row, marks=() if is_quick(row) else pytest.mark.long) for row in rows]


def _jacobian(name: str, p: Problem, wrt: Wrt) -> np.ndarray[Any, Any]:
    return np.asarray(engine(name).prepare(p.chain, wrt)(p.x, p.theta))


@pytest.mark.parametrize("case", _quick(SMALL, lambda row: row in FIRST), ids=case_id)
def test_jacobians_agree_with_independent_ones(case: Row) -> None:
    """Jacobians agree with respect to θ and to x; the values agree as well, in NumPy and in JAX."""
    p = make(case)
    value, split = VALUES[p.name], p.x.size
    np.testing.assert_allclose(p.chain.value(p.x, p.theta), value(p, p.x, p.theta), rtol=1e-11, atol=1e-12)
    in_jax = value_of(p.chain, jax.numpy.asarray(p.x), jax.numpy.asarray(p.theta))
    np.testing.assert_allclose(in_jax, value(p, p.x, p.theta), rtol=1e-11, atol=1e-12)
    expected = complex_step(lambda v: value(p, v[:split], v[split:]), np.concatenate([p.x, p.theta]))
    J = _jacobian("jax-vjp", p, Wrt.BOTH)
    assert J.shape == (p.m, split + p.theta.size)
    np.testing.assert_allclose(J, expected, rtol=1e-9, atol=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("case", _quick(FIRST, lambda row: row[0] not in _SLOW), ids=case_id)
def test_engines_agree_on_benchmark_problems(case: Row) -> None:
    """All of them agree, with respect to x and θ."""
    p = make(case)
    first, *others = (_jacobian(name, p, Wrt.BOTH) for name in COMPUTING)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-9, atol=1e-13 * np.abs(first).max())


@pytest.mark.parametrize("case", _quick(FIRST, lambda row: row[0] not in {"hand-tracking", "lstm"}), ids=case_id)
def test_single_precision_is_enough(case: Row) -> None:
    """A seed gives the same point in both precisions, and the same Jacobian, within the tolerance of a sweep."""
    name, n, m, options = case
    expected = _jacobian("jax-vjp", make(case), Wrt.THETA)
    J = _jacobian("jax-vjp", problem(name, n=n, m=m, dtype="float32", **options), Wrt.THETA)
    assert J.dtype == np.float32
    assert np.abs(J - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", [row[0] for row in FIRST])
def test_values_are_finite_and_of_the_asked_precision(name: str, dtype: str) -> None:
    """Values are right for several seeds, at sizes of a sweep."""
    n, m = nearest_shape(name, 256, 64)
    for seed in range(4):
        p = problem(name, n=n, m=m, seed=seed, dtype=dtype)
        value = p.chain.value(p.x, p.theta)
        assert value.dtype == p.x.dtype == p.theta.dtype == dtype
        assert np.isfinite(value).all()
        assert (p.n, p.m) == (n, m)


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    [
        ("gmm", {"dimension": 2}, (30, 1)),
        ("gmm", {"dimension": 10}, (330, 1)),
        ("gmm", {"dimension": 64}, (53_625, 1)),
        ("lstm", {"layers": 2}, (14 * (2 * 2 * 4 + 3), 1)),
        ("lstm", {"layers": 4}, (14 * (2 * 4 * 4 + 3), 1)),
        ("bundle-adjustment", {"cameras": 49}, (11 * 49 + 3 * 7776 + 31_843, 3 * 31_843)),
        ("hand-tracking", {}, (26 + 2 * 100, 3 * 100)),
        ("control", {}, (500, 10)),
        ("convolution", {}, (28 * 28, 10)),
        ("fourier-features", {}, (300, 7)),
    ],
)
def test_published_shapes(name: str, options: dict[str, Any], shape: tuple[int, int]) -> None:
    """The problem has them, and can be made at that size; n counts θ, or in the networks the inputs x."""
    n, m = shape
    assert nearest_shape(name, n, m, options) == shape
    p = problem(name, n=n, m=m, **options)
    assert p.chain.n_out == m
    assert n == (p.x.size if name in {"convolution", "fourier-features"} else p.chain.n_params)
    assert p.chain.value(p.x, p.theta).shape == (m,)


@pytest.mark.parametrize(
    ("name", "asked", "options", "found"),
    [
        ("gmm", (31, 9), {}, (30, 1)),
        ("lstm", (1, 1), {}, (19, 1)),
        ("lstm", (30, 1), {"layers": 1}, (33, 1)),
        ("bundle-adjustment", (1, 1), {}, (26, 3)),
        ("bundle-adjustment", (64, 16), {}, (63, 15)),
        ("bundle-adjustment", (10**6, 10**6), {}, (10**6, 999_999)),
        ("hand-tracking", (4, 1024), {}, (708, 1023)),
        ("convolution", (3, 5), {}, (4, 5)),
        ("convolution", (10**6, 5), {}, (10**6, 5)),
    ],
)
def test_what_is_nearest(name: str, asked: tuple[int, int], options: dict[str, Any], found: tuple[int, int]) -> None:
    """The nearest shape is its own nearest."""
    assert nearest_shape(name, *asked, options) == found
    assert nearest_shape(name, *found, options) == found


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("gmm", {"dimension": 0}, "dimension = 0: give a whole number from 1"),
        ("gmm", {"points": -1}, "points = -1: give"),
        ("lstm", {"layers": 0}, "layers = 0: give"),
        ("lstm", {"characters": 0}, "characters = 0: give"),
        ("bundle-adjustment", {"cameras": 0}, "cameras = 0: give"),
        ("convolution", {"channels": 0}, "channels = 0: give"),
        ("fourier-features", {"features": 0}, "features = 0: give"),
        ("control", {"system": "cartpole"}, "unknown system 'cartpole': known are cart-pole, lotka-volterra"),
    ],
)
def test_options_are_checked(name: str, options: dict[str, Any], message: str) -> None:
    """The message has the given and the allowed values."""
    with pytest.raises(InputError, match=re.escape(message)):
        problem(name, n=(n := nearest_shape(name, 36, 3))[0], m=n[1], **options)


def test_an_observation_touches_31_entries_at_most() -> None:
    """Camera, point and weight enter two errors, the weight alone the third; no entry is left untouched.

    Two of the 31 are always zero: an error along one axis does not know the principal point's other coordinate.
    """
    c, q, p = 3, 6, 12
    made = problem("bundle-adjustment", n=11 * c + 3 * q + p, m=3 * p, cameras=c)
    layer: Any = made.chain.layers[0]
    allowed = np.zeros((3 * p, made.n), bool)
    for i, (camera, point) in enumerate(zip(layer.seen_by, layer.points, strict=True)):
        rows, start = [2 * i, 2 * i + 1], 11 * c + 3 * point
        allowed[rows, 11 * camera : 11 * camera + 11] = True
        allowed[rows, start : start + 3] = True
        allowed[[*rows, 2 * p + i], 11 * c + 3 * q + i] = True
    assert allowed.sum() == 31 * p
    touched = _jacobian("jax-vjp", made, Wrt.THETA) != 0
    assert not (touched & ~allowed).any()
    assert touched.sum() == 29 * p
    assert touched.any(axis=0).all()


def test_a_point_of_the_hand_touches_the_pose_and_itself() -> None:
    """A row has at most 26 + 2 entries; each part of the pose matters."""
    p = problem("hand-tracking", n=26 + 2 * 60, m=3 * 60)
    J = _jacobian("jax-vjp", p, Wrt.THETA)
    own = np.kron(np.eye(60), np.ones((3, 2))) > 0
    assert (J[:, 26:][~own] == 0).all()
    assert (np.abs(J[:, 26:][own].reshape(-1, 6)).max(axis=1) > 1e-3).all()
    assert (np.abs(J[:, :26]).max(axis=0) > 1e-3).all()


def test_the_hand_at_rest_is_its_own_skin() -> None:
    """22 bones have weights that add up to one at each vertex, each with skin of its own; unposed, nothing moves."""
    hand = drawn_hand(np.random.default_rng(4))
    assert hand.relative.shape == hand.undo.shape == (22, 3, 4)
    assert hand.vertices.shape == (528, 3)
    assert hand.triangles.shape == (704, 3)
    assert (np.unique(hand.triangles) == np.arange(528)).all()
    np.testing.assert_allclose(hand.weights.sum(axis=1), 1, rtol=1e-15)
    assert (hand.weights.max(axis=0) == 1).all()
    x, theta = np.zeros(3 * 704), np.concatenate([np.zeros(26), np.tile([1.0, 0.0], 704)])
    layer = SkinDistances(
        n_in=x.size,
        n_out=x.size,
        n_params=theta.size,
        relative=hand.relative,
        undo=hand.undo,
        vertices=hand.vertices,
        weights=hand.weights,
        corners=hand.triangles,
    )
    at = -layer.value(x, theta)
    np.testing.assert_allclose(at.reshape(-1, 3), hand.vertices[hand.triangles[:, 0]], atol=1e-13)


def test_a_prior_with_more_degrees_of_freedom() -> None:
    """The prior's scale and its degrees are those of the formula."""
    sizes = {"n_in": 12, "n_out": 1, "n_params": 2 * (1 + 3 + 6)}
    layer = MixtureLikelihood(**sizes, dimension=3, components=2, points=4, gamma=0.7, extra=2)
    rng = np.random.default_rng(5)
    x, theta = rng.standard_normal(layer.n_in), rng.standard_normal(layer.n_params)
    np.testing.assert_allclose(layer.value(x, theta), mixture(layer, x, theta), rtol=1e-12)
    J = engine("jax-vjp").prepare(Chain((layer,)), "theta")(x, theta)
    np.testing.assert_allclose(J, complex_step(lambda t: mixture(layer, x, t), theta), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("far", [1e3, 1e6])
def test_a_mixture_far_away_has_a_likelihood(far: float) -> None:
    """There, every density is zero in floating point."""
    p = problem("gmm", n=12, m=1, points=3)
    J = engine("jax-vjp").prepare(p.chain, "theta")(p.x + far, p.theta)
    assert np.isfinite(np.asarray(J)).all()
    assert np.isfinite(p.chain.value(p.x + far, p.theta)).all()


def test_a_rotation_that_begins() -> None:
    """If r is zero, p stays, and moves with r × p."""
    p = np.array([[1.0, -2.0, 3.0]])
    np.testing.assert_array_equal(rotated(np.zeros((1, 3)), p), p)
    J = jax.jacrev(lambda r: rotated(r[None], jax.numpy.asarray(p))[0])(jax.numpy.zeros(3))
    np.testing.assert_array_equal(J, np.cross(np.eye(3), p[0]).T)


def test_a_long_rollout_is_a_loop() -> None:
    """The rollout's program does not grow with the steps; its forward and reverse mode agree with the recursions."""
    programs = []
    for n in (100, 300):
        p = problem("control", n=n, m=4)
        traced = jax.make_jaxpr(lambda x, theta, p=p: value_of(p.chain, x, theta))(p.x, p.theta)
        programs.append([str(one.primitive) for one in traced.eqns])
    assert programs[0] == programs[1]
    assert "scan" in programs[0]
    expected = _jacobian("forward", p, Wrt.BOTH)
    for name in ("reverse", "bracketed", "jax-jvp", "jax-vjp"):
        np.testing.assert_allclose(_jacobian(name, p, Wrt.BOTH), expected, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("wrt", Wrt)
def test_a_layer_many_times_in_a_row(wrt: Wrt) -> None:
    """The layer may stand between others, with parameters of its own each time."""
    again = Dense(3, 3)
    chain = Chain((Dense(2, 3), *(again,) * 9, Dense(3, 3), Dense(3, 2)))
    rng = np.random.default_rng(3)
    x, theta = rng.standard_normal(2), rng.standard_normal(chain.n_params)
    first, *others = (np.asarray(engine(name).prepare(chain, wrt)(x, theta)) for name in COMPUTING)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-10, atol=1e-12 * np.abs(first).max())
