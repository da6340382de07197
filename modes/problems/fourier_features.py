"""`fourier-features`: a network that sees its input through sines and cosines."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Order, Vector
from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.layer import Linearization
from fwdrev.modes.core.linear_map import Diagonal, Scaled
from fwdrev.modes.core.problem import Problem, positive
from fwdrev.modes.core.structured_map import Zero
from fwdrev.modes.layers.activation import Activate, activation
from fwdrev.modes.layers.dense import Dense
from fwdrev.modes.layers.sized import SizedLayer
from fwdrev.modes.problems.sampling import Precision, Rng, matrix, vector, weights


def fourier_features(
    n: int, m: int, rng: Rng, dtype: Precision, *, features: int = 64, width: int = 32, sigma: str = "tanh"
) -> Problem:
    """A Fourier-feature network: n inputs → cos 2πBx and sin 2πBx, `features` of each → dense `width` → dense m.

    B is drawn and fixed; θ are weights and biases of the dense layers.

    Source: Tancik et al., Fourier features let networks learn high frequency functions in low dimensional domains
    (2020).
    """
    positive(features=features, width=width)
    W = (2 * np.pi * matrix(rng, features, n, dtype)).astype(dtype)
    waves = FourierFeatures(n_in=n, n_out=2 * features, W=W)
    layers = (waves, Dense(2 * features, width), Activate(width, activation(sigma)), Dense(width, m))
    theta = weights(rng, [(a.n_params, a.n_in) for a in layers], dtype)
    return Problem(name="fourier-features", chain=Chain(layers, dtype), x=vector(rng, n, dtype), theta=theta, n=n)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FourierFeatures(SizedLayer):
    """x^{k+1} = (cos W x, sin W x), W the frequencies, (n_out / 2, n_in); J_x = diag(-sin W x, cos W x) · (W ; W)."""

    W: AnyArray

    def value(self, x: AnyArray, theta: AnyArray) -> AnyArray:
        """The cosines, then the sines."""
        xp, z = x.__array_namespace__(), self.W @ x
        return xp.concat([xp.cos(z), xp.sin(z)])

    def linearization(self, dtype: np.dtype[Any], order: Order = "C") -> "_FourierLinearization":
        """A workspace that holds W twice and a slope for each feature."""
        return _FourierLinearization(self, dtype, order)


class _FourierLinearization(Linearization):
    __slots__ = ("_W", "_slopes")

    J_x: Scaled

    def __init__(self, layer: FourierFeatures, dtype: np.dtype[Any], order: Order) -> None:
        self._W = np.asarray(layer.W, dtype)
        self._slopes = np.empty(layer.n_out, dtype)
        twice = np.asarray(np.concatenate([layer.W, layer.W]), dtype, order=order)
        self.J_x = Scaled(Diagonal(self._slopes), twice)
        self.J_theta = Zero(layer.n_out, 0, dtype)

    def move_to(self, x: Vector, theta: Vector) -> Vector:
        z = self._W.dot(x)
        cosines, sines = np.cos(z), np.sin(z)
        self._slopes[: z.size] = -sines
        self._slopes[z.size :] = cosines
        return np.concatenate([cosines, sines])
