"""The problems that fwdrev brings: `driven`, `mlp` and `autoencoder`.

A factory takes n, m, a random generator and a dtype, then its own options as keywords with defaults; its docstring's
first line is what `fwdrev problems` prints.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.layer import Layer
from fwdrev.modes.core.problem import Problem, positive
from fwdrev.modes.errors import unknown
from fwdrev.modes.layers.activation import Activate, activation
from fwdrev.modes.layers.dense import Dense
from fwdrev.modes.layers.driven import Driven
from fwdrev.modes.layers.loss import SoftmaxCrossEntropy, SquaredError
from fwdrev.modes.problems.sampling import Precision, Rng, matrix, vector, weights


def driven(
    n: int,
    m: int,
    rng: Rng,
    dtype: Precision,
    *,
    depth: int = 4,
    width: int = 64,
    n_of: Literal["theta", "x"] = "theta",
) -> Problem:
    """tanh(A x + B θ + c), `depth` times: n parameters spread over the layers, m outputs, all sizes free.

    n counts the parameters θ, and x has `width` entries; with n_of="x" it is the other way round. Layers get n / depth
    parameters each, rounded, so some get none where n < depth.
    """
    positive(depth=depth, width=width)
    if n_of not in ("theta", "x"):
        raise unknown("n_of", n_of, ["theta", "x"])
    n_x, n_theta = (width, n) if n_of == "theta" else (n, width)
    sizes = [n_x, *[width] * (depth - 1), m]
    shares = [n_theta * (k + 1) // depth - n_theta * k // depth for k in range(depth)]
    layers = tuple(
        Driven(matrix(rng, b, a, dtype), matrix(rng, b, p, dtype), 0.1 * vector(rng, b, dtype))
        for (a, b), p in zip(pairwise(sizes), shares, strict=True)
    )
    x, theta = vector(rng, n_x, dtype), vector(rng, n_theta, dtype)
    return Problem(name="driven", chain=Chain(layers, dtype), x=x, theta=theta, n=n)


def mlp(
    n: int,
    m: int,
    rng: Rng,
    dtype: Precision,
    *,
    depth: int = 3,
    width: int = 32,
    sigma: str = "tanh",
    loss: Literal["none", "softmax", "squared"] = "none",
) -> Problem:
    """The network of the question: n inputs, `depth` dense layers of `width`, m outputs; θ are weights and biases.

    With a loss ("softmax", "squared") the m outputs are compared with a target and the chain ends in one number, so
    that its Jacobian is the gradient of training.
    """
    positive(depth=depth, width=width)
    layers = _network([n, *[width] * (depth - 1), m], sigma)
    return _network_problem("mlp", n, [*layers, *_loss(loss, m, rng, dtype)], rng, dtype)


def autoencoder(
    n: int, m: int, rng: Rng, dtype: Precision, *, hidden: int = 64, waist: int = 8, sigma: str = "tanh"
) -> Problem:
    """n inputs, squeezed through a waist: dense layers n → hidden → waist → hidden → m."""
    positive(hidden=hidden, waist=waist)
    return _network_problem("autoencoder", n, _network([n, hidden, waist, hidden, m], sigma), rng, dtype)


def _network(sizes: list[int], sigma: str) -> list[Layer]:
    """Dense layers with activations between them, none behind the last."""
    layers: list[Layer] = []
    for a, b in pairwise(sizes):
        layers += [Dense(a, b), Activate(b, activation(sigma))]
    return layers[:-1]


def _loss(name: str, m: int, rng: Rng, dtype: Precision) -> list[Layer]:
    if name == "none":
        return []
    if name == "squared":
        return [SquaredError(vector(rng, m, dtype))]
    if name == "softmax":
        return [SoftmaxCrossEntropy(np.eye(1, m, int(rng.integers(m)), dtype=dtype)[0])]
    raise unknown("loss", name, ["none", "softmax", "squared"])


def _network_problem(name: str, n: int, layers: Sequence[Layer], rng: Rng, dtype: Precision) -> Problem:
    x = vector(rng, n, dtype)
    theta = weights(rng, [(a.n_params, a.n_in) for a in layers], dtype)
    return Problem(name=name, chain=Chain(tuple(layers), dtype), x=x, theta=theta, n=n)
