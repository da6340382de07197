"""The problems that fwdrev brings: `driven`, `mlp` and `autoencoder`.

A factory takes n, m, a random generator and a dtype, then its own options as keywords with defaults; its docstring's
first line is what `fwdrev problems` prints.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Literal

import numpy as np

from fwdrev.modes.activation import Activate, activation
from fwdrev.modes.arrays import Matrix, Vector
from fwdrev.modes.chain import Chain
from fwdrev.modes.dense import Dense
from fwdrev.modes.driven import Driven
from fwdrev.modes.errors import InputError, unknown
from fwdrev.modes.instance import Problem
from fwdrev.modes.layer import Layer
from fwdrev.modes.loss import SoftmaxCrossEntropy, SquaredError

__all__ = ["autoencoder", "driven", "mlp"]

Rng = np.random.Generator

_LARGEST = 10_000
"""Of depths and widths: a square matrix of that size has 800 MB."""


def driven(
    n: int,
    m: int,
    rng: Rng,
    dtype: np.dtype[np.floating],
    *,
    depth: int = 4,
    width: int = 64,
    n_of: Literal["theta", "x"] = "theta",
) -> Problem:
    """tanh(A x + B θ + c), `depth` times: n parameters spread over the layers, m outputs, all sizes free.

    n counts the parameters θ, and x has `width` entries; with n_of="x" it is the other way round. Layers get n / depth
    parameters each, rounded, so some get none where n < depth.
    """
    _positive(depth=depth, width=width)
    if n_of not in ("theta", "x"):
        raise unknown("n_of", n_of, ["theta", "x"])
    n_x, n_theta = (width, n) if n_of == "theta" else (n, width)
    sizes = [n_x, *[width] * (depth - 1), m]
    shares = [n_theta * (k + 1) // depth - n_theta * k // depth for k in range(depth)]
    layers = tuple(
        Driven(_matrix(rng, b, a, dtype), _matrix(rng, b, p, dtype), 0.1 * _vector(rng, b, dtype))
        for (a, b), p in zip(pairwise(sizes), shares, strict=True)
    )
    return Problem(
        name="driven",
        chain=Chain(layers, dtype),
        x=_vector(rng, n_x, dtype),
        theta=_vector(rng, n_theta, dtype),
        n=n,
    )


def mlp(
    n: int,
    m: int,
    rng: Rng,
    dtype: np.dtype[np.floating],
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
    _positive(depth=depth, width=width)
    layers = _network([n, *[width] * (depth - 1), m], sigma)
    return _network_problem("mlp", n, [*layers, *_loss(loss, m, rng, dtype)], rng, dtype)


def autoencoder(
    n: int,
    m: int,
    rng: Rng,
    dtype: np.dtype[np.floating],
    *,
    hidden: int = 64,
    waist: int = 8,
    sigma: str = "tanh",
) -> Problem:
    """n inputs, squeezed through a waist: dense layers n → hidden → waist → hidden → m."""
    _positive(hidden=hidden, waist=waist)
    return _network_problem("autoencoder", n, _network([n, hidden, waist, hidden, m], sigma), rng, dtype)


def _network(sizes: list[int], sigma: str) -> list[Layer]:
    """Dense layers with activations between them, none behind the last."""
    layers: list[Layer] = []
    for a, b in pairwise(sizes):
        layers += [Dense(a, b), Activate(b, activation(sigma))]
    return layers[:-1]


def _loss(name: str, m: int, rng: Rng, dtype: np.dtype[np.floating]) -> list[Layer]:
    if name == "none":
        return []
    if name == "squared":
        return [SquaredError(_vector(rng, m, dtype))]
    if name == "softmax":
        return [SoftmaxCrossEntropy(np.eye(1, m, int(rng.integers(m)), dtype=dtype)[0])]
    raise unknown("loss", name, ["none", "softmax", "squared"])


def _network_problem(name: str, n: int, layers: Iterable[Layer], rng: Rng, dtype: np.dtype[np.floating]) -> Problem:
    """Weights of variance 1 / inputs keep every layer's values of order one."""
    chain = Chain(tuple(layers), dtype)
    x = _vector(rng, n, dtype)
    theta = [_vector(rng, a.n_params, dtype) / dtype.type(np.sqrt(a.n_in + 1)) for a in chain.layers]
    return Problem(name=name, chain=chain, x=x, theta=np.concatenate(theta), n=n)


def _vector(rng: Rng, size: int, dtype: np.dtype[np.floating]) -> Vector:
    return rng.standard_normal(size).astype(dtype)


def _matrix(rng: Rng, rows: int, columns: int, dtype: np.dtype[np.floating]) -> Matrix:
    """Of variance 1 / columns, so that products of many keep their size."""
    made: Matrix = (rng.standard_normal((rows, columns)) / np.sqrt(max(columns, 1))).astype(dtype)
    return made


def _positive(**options: int) -> None:
    for name, given in options.items():
        if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= _LARGEST:
            msg = f"{name} = {given!r}: give a whole number from 1 to {_LARGEST}"
            raise InputError(msg)
