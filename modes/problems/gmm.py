"""`gmm`: the log likelihood of a mixture of Gaussians, ADBench's problem of one output and many inputs."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from fwdrev.modes.core.arrays import AnyArray, Namespace
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.problem import Problem, positive
from fwdrev.modes.layers.sized import Formula
from fwdrev.modes.problems.sampling import Precision, Rng, vector
from fwdrev.modes.problems.shapes import family, shaped


def _shape(components: int, *, dimension: int, **_: object) -> tuple[int, int]:
    positive(dimension=dimension)
    return components * _parameters(dimension), 1


def _parameters(dimension: int) -> int:
    """The parameters of one Gaussian of that dimension."""
    return 1 + dimension + dimension * (dimension + 1) // 2


@shaped("m = 1, n = K (1 + D + D(D + 1)/2)", nearest=family(_shape))
def gmm(n: int, m: int, rng: Rng, dtype: Precision, *, dimension: int = 2, points: int = 100) -> Problem:
    """A Gaussian mixture's log likelihood: K Gaussians in D dimensions, at `points` points; D is `dimension`.

    θ holds, one after the other, the log weights of the K Gaussians, their means, and for each the inverse of its
    covariance's root: the logarithms of the diagonal, then the rest, by columns. x holds the points, which are random.

    Source: Šrajer, Kukelova, Fitzgibbon, A benchmark of selected algorithmic differentiation tools on some problems in
    computer vision and machine learning (2018), and ADBench, github.com/microsoft/ADBench. Published (D, K) are
    (2, 5), n = 30; (10, 5), n = 330; up to (64, 25), n = 53 625; with 1000 points and more.
    """
    positive(dimension=dimension, points=points)
    components = n // _parameters(dimension)
    icf = dimension * (dimension + 1) // 2
    diagonals = 0.3 * rng.standard_normal((components, dimension))
    below = rng.standard_normal((components, icf - dimension)) / np.sqrt(dimension)
    roots = np.hstack([diagonals, below])
    theta = [vector(rng, components, dtype), vector(rng, components * dimension, dtype), roots.ravel().astype(dtype)]
    x = vector(rng, points * dimension, dtype)
    layer = MixtureLikelihood(
        n_in=x.size, n_out=m, n_params=n, dimension=dimension, components=components, points=points
    )
    return Problem(name="gmm", chain=Chain((layer,), dtype), x=x, theta=np.concatenate(theta), n=n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MixtureLikelihood(Formula):
    """Σ_i log Σ_k exp(α_k + Σ q_k - ½ ‖Q_k (x_i - μ_k)‖²) - N log Σ_k exp α_k - ½ N D log 2π + the prior, one number.

    Q_k is lower triangular with diagonal exp q_k. The inverse Wishart prior of scale `gamma` and `extra` degrees of
    freedom has the sign of ADBench: Σ_k (½ γ² (‖exp q_k‖² + ‖l_k‖²) - extra Σ q_k) - K log C.
    """

    dimension: int
    components: int
    points: int
    gamma: float = 1.0
    extra: int = 0

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """The log likelihood, shape (1,)."""
        xp = x.__array_namespace__()
        K, D = self.components, self.dimension
        alpha, mu, roots = theta[:K], theta[K : K * (1 + D)].reshape(K, D), theta[K * (1 + D) :].reshape(K, -1)
        q, lower = roots[:, :D], roots[:, D:]
        diagonal = xp.exp(q)
        Q = xp.concat([diagonal, lower, xp.zeros_like(alpha)[:, None]], axis=1)[:, _places(D)]
        away = x.reshape(self.points, D).T[None] - mu[:, :, None]
        exponents = (alpha + xp.sum(q, axis=1))[:, None] - 0.5 * xp.sum((Q @ away) ** 2, axis=1)
        likelihood = xp.sum(_log_sum_exp(xp, exponents)) - self.points * xp.sum(_log_sum_exp(xp, alpha[:, None]))
        squares = xp.sum(diagonal**2) + xp.sum(lower**2)
        prior = 0.5 * self.gamma**2 * squares - self.extra * xp.sum(q)
        return (likelihood + prior + self._constant()).reshape(1)

    def _constant(self) -> float:
        """The terms that do not depend on θ; C is the normalisation of the Wishart distribution."""
        D = self.dimension
        degrees = D + self.extra + 1
        log_gamma = D * (D - 1) / 4 * math.log(math.pi) + sum(math.lgamma((degrees - j) / 2) for j in range(D))
        log_C = degrees * D * (math.log(self.gamma) - 0.5 * math.log(2)) - log_gamma
        return -0.5 * self.points * D * math.log(2 * math.pi) - self.components * log_C


def _places(dimension: int) -> Shaped[np.ndarray, "D D"]:
    """The index of each entry of Q_k: first the diagonal, then the columns below it, and a zero at the end."""
    places = np.full((dimension, dimension), dimension * (dimension + 1) // 2)
    np.fill_diagonal(places, np.arange(dimension))
    columns, rows = np.triu_indices(dimension, 1)
    places[rows, columns] = dimension + np.arange(rows.size)
    return places


def _log_sum_exp(xp: Namespace, rows: AnyArray) -> AnyArray:
    """The log-sum-exp of each column, shifted by its largest entry so that nothing overflows."""
    top = xp.max(rows, axis=0)
    return top + xp.log(xp.sum(xp.exp(rows - top[None]), axis=0))
