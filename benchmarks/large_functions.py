"""Functions as people have them, each with more than 10,000 inputs or outputs: networks, images, equations, fits.

for name, make in large_functions():
    f, args = make()
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["large_functions"]

Made = tuple[Callable[..., Any], tuple[Any, ...]]

_RNG = np.random.default_rng(0)


def large_functions() -> Iterator[tuple[str, Callable[[], Made]]]:
    """Name, and what makes the function and its arguments."""
    for make in (
        *(network_outputs, network_loss, image_classes, denoising, blur, total_variation, heat, burgers, poisson),
        *(diffusion_fit, autoregression, smoothing, decay_fit, polynomial_fit, logistic_fit, wide_logistic),
        *(factorization, embeddings, pose_graph, observed_wave, attention),
    ):
        yield f"large {make.__name__.replace('_', ' ')}", make


def _network(layers: Any, x: Any) -> Any:
    for w in layers:
        x = jnp.tanh(x @ w)
    return x


def _layers(*sizes: int) -> list[Any]:
    return [_RNG.standard_normal(shape) / shape[0] ** 0.5 for shape in pairwise(sizes)]


def network_outputs() -> Made:
    """10 outputs with respect to 37,800 parameters."""
    x = _RNG.standard_normal(20)
    return (lambda layers: _network(layers, x)), (_layers(20, 180, 180, 10),)


def network_loss() -> Made:
    """A loss of 100 samples with respect to 13,000 parameters."""
    x, y = _RNG.standard_normal((100, 30)), _RNG.standard_normal((100, 5))
    return (lambda layers: ((_network(layers, x) - y) ** 2).mean()), (_layers(30, 100, 90, 5),)


def _convolved(image: Any, kernel: Any) -> Any:
    return jax.lax.conv_general_dilated(image[None, None], kernel[None, None], (1, 1), "SAME")[0, 0]


def image_classes() -> Made:
    """10 classes of a picture of 112 × 112 points."""
    kernel, W = _RNG.standard_normal((5, 5)), _RNG.standard_normal((10, 112 * 112 // 16))

    def classes(image: Any) -> Any:
        h = jnp.tanh(_convolved(image, kernel)).reshape(28, 4, 28, 4).mean((1, 3))
        return W @ h.ravel()

    return classes, (_RNG.standard_normal((112, 112)),)


def denoising() -> Made:
    """A picture of 104 × 104 points, to as many residuals: nine entries a row."""
    kernel, noisy = _RNG.standard_normal((3, 3)), _RNG.standard_normal((104, 104))
    return (lambda image: jnp.tanh(_convolved(image, kernel)) - noisy), (_RNG.standard_normal((104, 104)),)


def blur() -> Made:
    """25 numbers of a point spread function, to 128 × 128 points."""
    image = _RNG.standard_normal((128, 128))
    return (lambda kernel: _convolved(image, kernel)), (_RNG.standard_normal((5, 5)),)


def total_variation() -> Made:
    """22,500 points to a number."""

    def loss(image: Any) -> Any:
        dx, dy = image[1:, :-1] - image[:-1, :-1], image[:-1, 1:] - image[:-1, :-1]
        return jnp.sqrt(dx**2 + dy**2 + 1e-3).sum()

    return loss, (_RNG.standard_normal((150, 150)),)


def heat() -> Made:
    """The residual of a heat equation on 20,000 points: three entries a row."""

    def residual(u: Any) -> Any:
        k = 1 + u**2
        flux = (k[1:] + k[:-1]) / 2 * (u[1:] - u[:-1])
        return jnp.diff(flux) + jnp.exp(-u[1:-1])

    return residual, (_RNG.standard_normal(20_000),)


def burgers() -> Made:
    """A step of Burgers' equation on a ring of 12,000 points."""

    def step(u: Any) -> Any:
        right, left = jnp.roll(u, -1), jnp.roll(u, 1)
        return u - 0.1 * u * (right - left) + 0.01 * (right - 2 * u + left)

    return step, (_RNG.standard_normal(12_000),)


def poisson() -> Made:
    """The residual of a nonlinear Poisson equation on 102 × 102 points: five entries a row."""

    def residual(u: Any) -> Any:
        v = jnp.pad(u, 1)
        return v[2:, 1:-1] + v[:-2, 1:-1] + v[1:-1, 2:] + v[1:-1, :-2] - 4 * u - jnp.exp(u)

    return residual, (_RNG.standard_normal((102, 102)),)


def diffusion_fit() -> Made:
    """Three coefficients of a diffusion, 60 steps of it on 200 points: 12,000 observations."""
    start = _RNG.standard_normal(200)

    def observed(c: Any) -> Any:
        def step(u: Any, _: Any) -> Any:
            u = u + 0.1 * c[0] * (jnp.roll(u, 1) - 2 * u + jnp.roll(u, -1)) - 0.01 * c[1] * u + 0.01 * c[2]
            return u, u

        return jax.lax.scan(step, start, None, length=60)[1]

    return observed, (np.array([1.0, 0.5, 0.1]),)


def autoregression() -> Made:
    """The residuals of a model with feedback: 4 parameters, 12,000 times."""
    series = _RNG.standard_normal(12_000)

    def residuals(p: Any) -> Any:
        def step(e: Any, y: Any) -> Any:
            error = y - p[0] - p[1] * jnp.tanh(e) - p[2] * e**2 * p[3]
            return 0.1 * error, error

        return jax.lax.scan(step, 0.0, series)[1]

    return residuals, (np.array([0.1, 0.3, 0.01, 0.5]),)


def smoothing() -> Made:
    """A loss of a series of 20,000 numbers."""
    noisy = _RNG.standard_normal(20_000)
    return (lambda x: ((x - noisy) ** 2).sum() + (jnp.diff(x, 2) ** 2).sum()), (_RNG.standard_normal(20_000),)


def decay_fit() -> Made:
    """Four parameters, 50,000 residuals."""
    t = np.linspace(0.0, 5.0, 50_000)
    y = np.exp(-t) + 0.1 * _RNG.standard_normal(50_000)
    return (lambda p: p[0] * jnp.exp(-p[1] * t) + p[2] * jnp.sin(p[3] * t) - y), (np.array([1.0, 0.9, 0.1, 2.0]),)


def polynomial_fit() -> Made:
    """Eight coefficients, 40,000 residuals."""
    t = np.linspace(-1.0, 1.0, 40_000)
    return (lambda c: jnp.polyval(c, t) - jnp.cos(t)), (_RNG.standard_normal(8),)


def logistic_fit() -> Made:
    """Ten weights, 20,000 samples, which are an argument."""
    X, y = _RNG.standard_normal((20_000, 10)), _RNG.integers(0, 2, 20_000).astype(float)
    return (lambda w: jax.nn.sigmoid(X @ w) - y), (_RNG.standard_normal(10),)


def wide_logistic() -> Made:
    """15,000 weights, 20 samples."""
    X = _RNG.standard_normal((20, 15_000)) / 100
    return (lambda w: jax.nn.sigmoid(X @ w)), (_RNG.standard_normal(15_000),)


def factorization() -> Made:
    """The residuals of a matrix of 150 × 70 with 5 factors: five entries of each factor a row."""
    Y = _RNG.standard_normal((150, 70))
    return (lambda U, V: U @ V.T - Y), (_RNG.standard_normal((150, 5)), _RNG.standard_normal((70, 5)))


def embeddings() -> Made:
    """12 scores of words, with respect to a table of 2,000 words in 16 dimensions."""
    words = _RNG.integers(0, 2000, (12, 30))
    return (lambda table: jnp.tanh(table[words].mean(1)).sum(1)), (_RNG.standard_normal((2000, 16)),)


def pose_graph() -> Made:
    """4,000 poses in the plane, the differences of neighbours in the frame of the first: six entries a row."""

    def residuals(poses: Any) -> Any:
        a, b = poses[:-1], poses[1:]
        c, s = jnp.cos(a[:, 2]), jnp.sin(a[:, 2])
        dx, dy = b[:, 0] - a[:, 0], b[:, 1] - a[:, 1]
        return jnp.stack([c * dx + s * dy - 1, c * dy - s * dx, b[:, 2] - a[:, 2]], axis=1)

    return residuals, (_RNG.standard_normal((4000, 3)),)


def observed_wave() -> Made:
    """Five observations of a wave after 40 steps, with respect to its 10,500 first values."""
    W = _RNG.standard_normal((5, 10_500)) / 100

    def observed(u: Any) -> Any:
        def step(state: Any, _: Any) -> Any:
            now, before = state
            later = 2 * now - before + 0.2 * (jnp.roll(now, 1) - 2 * now + jnp.roll(now, -1)) - 0.01 * now**3
            return (later, now), None

        return W @ jax.lax.scan(step, (u, u), None, length=40)[0][0]

    return observed, (_RNG.standard_normal(10_500),)


def attention() -> Made:
    """16 outputs of an attention over 160 tokens in 64 dimensions."""
    Q, K, V = (_RNG.standard_normal((64, 16)) / 8 for _ in range(3))

    def outputs(x: Any) -> Any:
        weights = jax.nn.softmax((x @ Q) @ (x @ K).T / 4)
        return (weights @ (x @ V)).mean(0)

    return outputs, (_RNG.standard_normal((160, 64)),)
