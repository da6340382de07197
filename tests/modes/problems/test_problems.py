"""Published problems: Jacobians equal independently written formulas, shapes the published ones."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwdrev.modes import Problem, Wrt, engine, nearest_shape, problem, problem_names
from tests.cases import COMPUTING
from tests.independent import complex_step

Array = np.ndarray[Any, Any]


def full_rank(p: Problem) -> Array:
    """(I; 0) - 2 / m."""
    return np.eye(p.m, p.n) - 2 / p.m


def rank_one(p: Problem) -> Array:
    """J_ij = i j."""
    return np.outer(np.arange(1, p.m + 1), np.arange(1, p.n + 1))


def arrow(p: Problem) -> Array:
    """I, and ones in the first column and in the first row."""
    J = np.eye(p.n)
    J[:, 0] += 1
    J[0] += 1
    return J


def helmholtz(p: Problem) -> Array:
    """The gradient, term by term."""
    A, b, x = p.chain.layers[0].A, p.chain.layers[0].b, p.x  # type: ignore[attr-defined]
    s, root = b @ x, np.sqrt(2)
    above, below = 1 + (1 + root) * s, 1 + (1 - root) * s
    share = (x @ A @ x) / (2 * root * s)
    ideal = np.log(x / (1 - s)) + 1 + b * x.sum() / (1 - s)
    shares = 2 * (A @ x) / (2 * root * s) - share / s * b
    slope = ideal - shares * np.log(above / below) - share * b * ((1 + root) / above - (1 - root) / below)
    return np.atleast_2d(slope)


def dipoles(p: Problem) -> Array:
    """Derivatives of Σ p z^k with respect to the complex p and z, which are analytic."""
    a, b, c, d, t, u, v, w = p.x
    columns = []
    for strength, place in ((a + 1j * c, t + 1j * v), (b + 1j * d, u + 1j * w)):
        of_p = np.array([place**k for k in range(4)])
        of_z = np.array([0] + [strength * k * place ** (k - 1) for k in range(1, 4)])
        columns.append([of_p, 1j * of_p, of_z, 1j * of_z])
    ordered = np.transpose([columns[j][i] for i in range(4) for j in range(2)])  # a b, c d, t u, v w
    return np.stack([ordered.real, ordered.imag], axis=1).reshape(8, 8)


def propane(p: Problem) -> Array:
    """A complex step through the balances of atoms and the equilibria, each product of reaction by its powers."""
    atoms = np.zeros((4, 11))  # of carbon, oxygen, hydrogen, nitrogen in the ten products
    atoms[0, [0, 3]] = 1
    atoms[1, [1, 3, 6, 7, 8]], atoms[1, [0, 9]] = 1, 2
    atoms[2, [5, 6]], atoms[2, [1, 4]] = 1, 2
    atoms[3, 8], atoms[3, 2] = 1, 2
    constants = [1.930e-1, 2.597e-3, 3.448e-3, 1.799e-5, 2.155e-4, 3.846e-5]
    sources: list[dict[int, float]] = [{1: 1, 3: 1}, {1: 0.5, 3: 0.5}, {0: 0.5, 1: 0.5}, {0: 1}, {0: 1, 2: 0.5}, {0: 2}]
    targets: list[dict[int, float]] = [
        {0: 1, 4: 1},
        {0: 0.5, 5: 1},
        {3: 0.5, 6: 1},
        {3: 1, 7: 1},
        {3: 1, 8: 1},
        {3: 2, 9: 1},
    ]
    pressures = [0, 0.5, 0.5, 1, 0.5, 1]

    def value(x: Array) -> Array:
        balances = list(atoms @ x - [3, 10, 8, 40])
        for k, source, target, power in zip(constants, sources, targets, pressures, strict=True):
            one, other = (np.prod([x[i] ** e for i, e in side.items()]) for side in (source, target))
            balances.append(k * one - other * (40 / x[10]) ** power)
        return np.array([*balances, x[10] - x[:10].sum()])

    return complex_step(value, p.x)


def brusselator(p: Problem) -> Array:
    """Blocks: derivatives of the reaction on diagonals, and a sum of Kronecker products for the diffusion."""
    points = p.n // 2
    N = round(np.sqrt(points))
    u, v = p.x[:points], p.x[points:]
    around = np.roll(np.eye(N), 1, axis=0) + np.roll(np.eye(N), -1, axis=0) - 2 * np.eye(N)
    diffusion = 0.1 * N**2 * (np.kron(around, np.eye(N)) + np.kron(np.eye(N), around))
    return np.block(
        [
            [np.diag(2 * u * v - 4.4) + diffusion, np.diag(u**2)],
            [np.diag(3.4 - 2 * u * v), diffusion - np.diag(u**2)],
        ]
    )


INDEPENDENT: list[tuple[str, int, int, dict[str, Any], Callable[[Problem], Array]]] = [
    ("mgh32", 5, 9, {}, full_rank),
    ("mgh32", 6, 6, {}, full_rank),
    ("mgh33", 4, 7, {}, rank_one),
    ("arrowhead", 6, 6, {}, arrow),
    ("arrowhead", 1, 1, {}, arrow),
    ("helmholtz", 1, 1, {}, helmholtz),
    ("helmholtz", 30, 1, {}, helmholtz),
    *(("heart-dipole", 8, 8, {"experiment": number}, dipoles) for number in range(1, 6)),
    ("propane-combustion", 11, 11, {}, propane),
    ("brusselator", 2, 2, {}, brusselator),
    ("brusselator", 8, 8, {}, brusselator),
    ("brusselator", 50, 50, {}, brusselator),
]
"""Problem, n, m, options, and its Jacobian by other means."""


def _id(case: object) -> str | None:
    return getattr(case, "__name__", None)


@pytest.mark.parametrize(("name", "n", "m", "options", "independent"), INDEPENDENT, ids=_id)
def test_jacobians_agree_with_independent_ones(
    name: str, n: int, m: int, options: dict[str, Any], independent: Callable[[Problem], Array]
) -> None:
    """JAX's agree to 1e-8 and better, and so does a complex step through the problem's own value."""
    p = problem(name, n=n, m=m, **options)
    expected = independent(p)
    assert expected.shape == (m, n) == (p.m, p.n)
    scale = np.abs(expected).max()
    J = np.asarray(engine("jax-vjp").prepare(p.chain, "x")(p.x, p.theta))
    assert np.abs(J - expected).max() <= 1e-12 * scale
    stepped = complex_step(lambda x: p.chain.value(x, p.theta), p.x)
    assert np.abs(stepped - expected).max() <= 1e-12 * scale


NAMES = sorted({row[0] for row in INDEPENDENT})
QUICK = {"arrowhead", "brusselator", "mgh32"}


@pytest.mark.parametrize("wrt", [pytest.param(Wrt.X, marks=pytest.mark.long), Wrt.BOTH])
@pytest.mark.parametrize("name", [row if row in QUICK else pytest.param(row, marks=pytest.mark.long) for row in NAMES])
def test_engines_agree_on_published_problems(name: str, wrt: Wrt) -> None:
    """All of them agree, at the smallest shape from eight on."""
    n, m = nearest_shape(name, 8, 8)
    p = problem(name, n=n, m=m)
    first, *others = (np.asarray(engine(one).prepare(p.chain, wrt)(p.x, p.theta)) for one in COMPUTING)
    assert first.shape == (m, n)
    for other in others:
        np.testing.assert_allclose(other, first, rtol=1e-10, atol=1e-10 * np.abs(first).max())


@pytest.mark.parametrize(
    ("name", "asked", "found"),
    [
        ("mgh32", (20, 50), (20, 50)),
        ("mgh33", (50, 20), (20, 20)),
        ("arrowhead", (50, 20), (20, 20)),
        ("helmholtz", (50, 20), (50, 1)),
        ("heart-dipole", (50, 20), (8, 8)),
        ("propane-combustion", (1, 1), (11, 11)),
        ("brusselator", (40, 40), (32, 32)),
        ("brusselator", (2048, 2048), (2048, 2048)),
    ],
)
def test_shapes_are_the_published_ones(name: str, asked: tuple[int, int], found: tuple[int, int]) -> None:
    """A problem takes the requested shape if it has it, otherwise one nearby."""
    assert nearest_shape(name, *asked) == found
    assert name in problem_names()


def test_propane_burns_to_the_published_solution() -> None:
    """Newton's method ends at the solution of the reduced formulation (Meintjes and Morgan, 1990), in its variables."""
    p = problem("propane-combustion", n=11, m=11)
    jacobian, x = engine("jax-jvp").prepare(p.chain, "x"), p.x
    for _ in range(40):
        step = np.linalg.solve(np.asarray(jacobian(x, p.theta)), p.chain.value(x, p.theta))
        x = x - step * min(1, 0.5 / np.max(step / x))
    found = x[3] / x[10], x[0] / x[3], np.sqrt(x[2] / x[10]), 1 / x[10]
    np.testing.assert_allclose(found, [0.003114102, 34.59792, 0.8593781, 0.03695186], rtol=1e-6)


@pytest.mark.parametrize("experiment", range(1, 6))
def test_dipoles_start_at_their_sums(experiment: int) -> None:
    """The published starting points have the measured sums."""
    p = problem("heart-dipole", n=8, m=8, experiment=experiment)
    left = p.chain.value(p.x, p.theta)
    assert np.abs(left[:2]).max() < 1e-15
    assert np.abs(left).max() > 0.1


def test_helmholtz_is_a_mixture() -> None:
    """Every logarithm has a positive argument, at any size."""
    for n in (1, 10, 400):
        p = problem("helmholtz", n=n, m=1, seed=n)
        layer: Any = p.chain.layers[0]
        assert 0 < layer.b @ p.x < 1
        assert (layer.A == layer.A.T).all()
        assert np.isfinite(p.chain.value(p.x, p.theta)).all()


def test_the_brusselator_rests_where_it_should() -> None:
    """At u = B, v = A / B nothing changes, and its Jacobian is sparse: at most six entries in a row."""
    p = problem("brusselator", n=72, m=72)
    rest = np.repeat([1.0, 3.4], 36)
    assert np.abs(p.chain.value(rest, p.theta)).max() < 1e-14
    J = np.asarray(engine("jax-vjp").prepare(p.chain, "x")(p.x, p.theta))
    assert np.count_nonzero(J, axis=1).max() == 6
