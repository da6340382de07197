"""Problems from physics and chemistry: `helmholtz`, `heart-dipole`, `propane-combustion` and `brusselator`.

They have no parameters: n counts the entries of x, and a sweep is with respect to x. Where a starting point was
published, it is the problem's point, whatever the seed.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.problem import Problem, of_inputs
from fwdrev.modes.errors import unknown
from fwdrev.modes.layers.sized import Formula
from fwdrev.modes.problems.sampling import Precision, Rng, matrix
from fwdrev.modes.problems.shapes import family, shaped


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Helmholtz(Formula):
    """Σ x_i log(x_i / (1 - b·x)) - (xᵀ A x) / (√8 b·x) · log((1 + (1 + √2) b·x) / (1 + (1 - √2) b·x)), R T = 1."""

    A: AnyArray
    b: AnyArray

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        xp = x.__array_namespace__()
        filled = self.b @ x
        ideal = xp.sum(x * xp.log(x / (1 - filled)))
        logs = xp.log((1 + (1 + math.sqrt(2)) * filled) / (1 + (1 - math.sqrt(2)) * filled))
        return (ideal - (x @ self.A @ x) / (math.sqrt(8) * filled) * logs).reshape(1)


@shaped("m = 1, any n", nearest=lambda n, _m: (n, 1))
def helmholtz(n: int, m: int, rng: Rng, dtype: Precision) -> Problem:
    """Helmholtz energy of a mixed fluid of n substances: one output (Griewank, in Mathematical Programming, 1989).

    x are amounts, b volumes of the molecules, together less than the whole; A is a symmetric matrix of attractions.
    """
    A = matrix(rng, n, n, dtype)
    layer = _Helmholtz(n_in=n, n_out=m, A=(A + A.T) / 2, b=rng.uniform(0.2, 0.8, n).astype(dtype))
    return of_inputs("helmholtz", (rng.uniform(0.5, 1, n) / n).astype(dtype), layer)


_HEARTS = {
    1: (
        (0.485, -0.0019, -0.0581, 0.015, 0.105, 0.0406, 0.167, -0.399),
        (0.299, 0.186, -0.0273, 0.0254, -0.474, 0.474, -0.0892, 0.0892),
    ),
    2: ((-0.69, -0.044, -1.57, -1.31, -2.65, 2.0, -12.6, 9.48), (-0.3, -0.39, 0.3, -0.344, -1.2, 2.69, 1.59, -1.5)),
    3: (
        (-0.816, -0.017, -1.826, -0.754, -4.839, -3.259, -14.023, 15.467),
        (-0.041, -0.775, 0.03, -0.047, -2.565, 2.565, -0.754, 0.754),
    ),
    4: (
        (-0.809, -0.021, -2.04, -0.614, -6.903, -2.934, -26.328, 18.639),
        (-0.056, -0.753, 0.026, -0.047, -2.991, 2.991, -0.568, 0.568),
    ),
    5: (
        (-0.807, -0.021, -2.379, -0.364, -10.541, -1.961, -51.551, 21.053),
        (-0.074, -0.733, 0.013, -0.034, -3.632, 3.632, -0.289, 0.289),
    ),
}
"""The five experiments: measured moments and starting point."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Dipoles(Formula):
    """Moments of two dipoles: (Σ_j p_j z_j^k)_{k = 0 … 3} - measured, in real and imaginary parts.

    x = (a, b, c, d, t, u, v, w): the dipoles p = (a + ic, b + id) at the places z = (t + iv, u + iw).
    """

    measured: AnyArray

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        xp = x.__array_namespace__()
        real, imaginary, at, above = x[:2], x[2:4], x[4:6], x[6:]
        moments = []
        for _ in range(4):
            moments += [xp.sum(real), xp.sum(imaginary)]
            real, imaginary = real * at - imaginary * above, imaginary * at + real * above
        return xp.stack(moments) - self.measured


@shaped("n = m = 8", nearest=lambda *_, **_options: (8, 8))
def heart_dipole(n: int, m: int, _rng: Rng, dtype: Precision, *, experiment: Literal[1, 2, 3, 4, 5] = 1) -> Problem:
    """Human heart dipole: 8 equations (MINPACK-2, ANL/MCS-P153-0692; Dennis, Gay and Vu, 1985).

    The point is the published start of one of five experiments, chosen by the seed.
    """
    if experiment not in _HEARTS:
        raise unknown("experiment", experiment, [str(known) for known in _HEARTS])
    measured, start = (np.array(numbers, dtype) for numbers in _HEARTS[experiment])
    return of_inputs("heart-dipole", start, _Dipoles(n_in=n, n_out=m, measured=measured))


_PRESSURE, _AIR = 40.0, 10.0
"""The pressure in atmospheres, and the amount of air per unit of propane."""

_EQUILIBRIUM = {5: 1.930e-1, 6: 2.597e-3, 7: 3.448e-3, 8: 1.799e-5, 9: 2.155e-4, 10: 3.846e-5}
"""K_5 … K_10, the equilibrium constants."""


class _Propane(Formula):
    """The residuals of four atom balances, of six equilibria, and of the sum x_11 of the moles of ten products."""

    __slots__ = ()

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        xp, k = x.__array_namespace__(), _EQUILIBRIUM
        x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, total = (x[i] for i in range(11))
        share = _PRESSURE / total
        root = xp.sqrt(share)
        equations = [
            x1 + x4 - 3,
            2 * x1 + x2 + x4 + x7 + x8 + x9 + 2 * x10 - _AIR,
            2 * x2 + 2 * x5 + x6 + x7 - 8,
            2 * x3 + x9 - 4 * _AIR,
            k[5] * x2 * x4 - x1 * x5,
            k[6] * xp.sqrt(x2 * x4) - xp.sqrt(x1) * x6 * root,
            k[7] * xp.sqrt(x1 * x2) - xp.sqrt(x4) * x7 * root,
            k[8] * x1 - x4 * x8 * share,
            k[9] * x1 * xp.sqrt(x3) - x4 * x9 * root,
            k[10] * x1**2 - x4**2 * x10 * share,
            total - xp.sum(x[:10]),
        ]
        return xp.stack(equations)


@shaped("n = m = 11", nearest=lambda *_: (11, 11))
def propane_combustion(n: int, m: int, _rng: Rng, dtype: Precision) -> Problem:
    """Combustion of propane in air, full formulation: 11 equations (MINPACK-2, ANL/MCS-P153-0692), at their start."""
    k, root = _EQUILIBRIUM, math.sqrt(_PRESSURE)
    start = [5, 2.5, 5, 0.1, 0.05 * k[5], k[6] / root, 50 * k[7] / root]
    start += [1000 * k[8] / _PRESSURE, 500 * k[9] / root, 50_000 * k[10] / _PRESSURE, 20]
    return of_inputs("propane-combustion", np.array(start, dtype), _Propane(n_in=n, n_out=m))


_A, _B, _DIFFUSION = 3.4, 1.0, 0.1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Brusselator(Formula):
    """(u', v') on a periodic grid of N × N points in the unit square, by differences of second order."""

    N: int

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        xp = x.__array_namespace__()
        u, v = x.reshape(2, self.N, self.N)
        reacting = u * u * v

        def spread(w: AnyArray) -> AnyArray:
            around = sum(xp.roll(w, step, axis=axis) for step in (1, -1) for axis in (0, 1))
            return _DIFFUSION * self.N**2 * (around - 4 * w)

        rates = [_B + reacting - (_A + 1) * u + spread(u), _A * u - reacting + spread(v)]
        return xp.stack(rates).reshape(-1)


@shaped("n = m = 2 N²", nearest=family(lambda k: (2 * k * k, 2 * k * k)))
def brusselator(n: int, m: int, _rng: Rng, dtype: Precision) -> Problem:
    """Brusselator with diffusion in two dimensions, N × N points: sparse (Hairer and Wanner, 1996, BRUSS-2D).

    u' = 1 + u² v - 4.4 u + 0.1 Δu and v' = 3.4 u - u² v + 0.1 Δv, at the published initial values.
    """
    N = math.isqrt(n // 2)
    at = np.arange(N) / N
    hump = at * (1 - at) ** 1.5
    start = np.stack([np.broadcast_to(22 * hump, (N, N)), np.broadcast_to(27 * hump[:, np.newaxis], (N, N))])
    return of_inputs("brusselator", start.reshape(-1).astype(dtype), _Brusselator(n_in=n, n_out=m, N=N))
