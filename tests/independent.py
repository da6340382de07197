"""Independent versions of the benchmark problems: NumPy loops that accept complex numbers, for a complex step."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.special import multigammaln

from fwdrev.modes import Problem

__all__ = ["VALUES", "complex_step", "mixture"]

Array = np.ndarray[Any, Any]


def complex_step(value: Callable[[Array], Array], at: Array) -> Array:
    """Computes Im f(v + i h e_j) / h for each j, exact to rounding since nothing is subtracted."""
    h = 1e-30
    return np.stack([value(at + 1j * h * e).imag / h for e in np.eye(at.size)], axis=1)


def mixture(layer: Any, x: Array, theta: Array) -> Array:
    """A Gaussian mixture, by loops over points and Gaussians."""
    K, D, N = layer.components, layer.dimension, layer.points
    alphas, means = theta[:K], theta[K : K + K * D]
    size = D * (D + 1) // 2
    total = -N * D / 2 * np.log(2 * np.pi) - N * np.log(np.exp(alphas).sum())
    roots = []
    for k in range(K):
        entries = iter(theta[K + K * D + k * size : K + K * D + (k + 1) * size])
        Q = np.zeros((D, D), theta.dtype)
        for i in range(D):
            Q[i, i] = np.exp(next(entries))
        for column in range(D):
            for row in range(column + 1, D):
                Q[row, column] = next(entries)
        roots.append(Q)
        log_det = np.log(np.diag(Q)).sum()
        degrees = D + layer.extra + 1
        C = degrees * D * (np.log(layer.gamma) - np.log(2) / 2) - multigammaln(degrees / 2, D)
        total += layer.gamma**2 / 2 * (Q**2).sum() - layer.extra * log_det - C
    for i in range(N):
        density = 0
        for k, Q in enumerate(roots):
            z = Q @ (x[i * D : (i + 1) * D] - means[k * D : (k + 1) * D])
            density += np.exp(alphas[k] - (z**2).sum() / 2) * np.prod(np.diag(Q))
        total += np.log(density)
    return np.array([total])


def recurrent(layer: Any, x: Array, theta: Array) -> Array:
    """A recurrent network, by loops over characters and cells."""
    b, text = layer.bits, layer.text
    state = [list(x[k * b : (k + 1) * b]) for k in range(2 * layer.layers)]
    extra = theta[8 * layer.layers * b :]
    total = 0
    for now, following in pairwise(text):
        signal = [now[i] * extra[i] for i in range(b)]
        for k in range(layer.layers):
            w = theta[8 * b * k : 8 * b * k + 4 * b]
            bias = theta[8 * b * k + 4 * b : 8 * b * (k + 1)]
            hidden, cell = state[2 * k], state[2 * k + 1]
            for i in range(b):
                forget = 1 / (1 + np.exp(-(signal[i] * w[i] + bias[i])))
                into = 1 / (1 + np.exp(-(hidden[i] * w[b + i] + bias[b + i])))
                out = 1 / (1 + np.exp(-(signal[i] * w[2 * b + i] + bias[2 * b + i])))
                change = np.tanh(hidden[i] * w[3 * b + i] + bias[3 * b + i])
                cell[i] = cell[i] * forget + into * change
                hidden[i] = out * np.tanh(cell[i])
            signal = list(hidden)
        y = np.array([signal[i] * extra[b + i] + extra[2 * b + i] for i in range(b)])
        total += (following * (y - np.log(np.exp(y).sum() + 2))).sum()
    return np.array([-total / (b * (len(text) - 1))])


def _rotation(r: Array) -> Array:
    """The matrix I + sin|r| N + (1 - cos|r|) N², N the cross product with r / |r|."""
    angle = np.sqrt((r * r).sum())
    a, b, c = r / angle
    N = np.array([[0, -c, b], [c, 0, -a], [-b, a, 0]])
    out: Array = np.eye(3) + np.sin(angle) * N + (1 - np.cos(angle)) * N @ N
    return out


def reprojections(layer: Any, x: Array, theta: Array) -> Array:
    """Bundle adjustment, by a loop over observations."""
    p, c = len(layer.points), layer.n_cameras
    errors: list[Any] = []
    weights = theta[-p:]
    for i, (which, point) in enumerate(zip(layer.seen_by, layer.points, strict=True)):
        camera = theta[11 * which : 11 * which + 11]
        X = theta[11 * c + 3 * point : 11 * c + 3 * point + 3]
        there = _rotation(camera[:3]) @ (X - camera[3:6])
        y = there[:2] / there[2]
        square = y[0] ** 2 + y[1] ** 2
        seen = y * (1 + camera[9] * square + camera[10] * square**2) * camera[6] + camera[7:9]
        errors += list(weights[i] * (seen - x[2 * i : 2 * i + 2]))
    return np.array([*errors, *(1 - w * w for w in weights)])


def hand(layer: Any, x: Array, theta: Array) -> Array:
    """The hand, by a loop over bones from the wrist, then one over vertices."""
    parents = [-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19, 0]
    last = np.array([[0, 0, 0, 1]])
    rest: list[Array] = []
    posed: list[Array] = []
    for bone, parent in enumerate(parents):
        flexion = spread = 0.0
        finger, joint = divmod(bone - 1, 4)
        if 1 <= bone <= 20 and joint > 0:
            angles = theta[6 + 4 * finger : 10 + 4 * finger]
            flexion, spread = (angles[0], angles[1]) if joint == 1 else (angles[joint], 0.0)
        about_x = _about(0, flexion)
        about_z = _about(2, spread)
        relative = np.vstack([layer.relative[bone], last])
        moved = relative @ about_z @ about_x
        rest.append(relative if parent < 0 else rest[parent] @ relative)
        posed.append(moved if parent < 0 else posed[parent] @ moved)
    skin = []
    for vertex, weights in zip(layer.vertices, layer.weights, strict=True):
        at = np.append(vertex, 1)
        bent = sum(weights[b] * (posed[b] @ (np.linalg.inv(rest[b]) @ at)) for b in range(22) if weights[b])
        skin.append(_rotation(theta[:3]) @ bent[:3] + theta[3:6])
    errors: list[Any] = []
    for i, (a, b, c) in enumerate(layer.corners):
        u, v = theta[26 + 2 * i : 28 + 2 * i]
        errors += list(x[3 * i : 3 * i + 3] - (u * skin[a] + v * skin[b] + (1 - u - v) * skin[c]))
    return np.array(errors)


def _about(axis: int, angle: Any) -> Array:
    """A rotation about a coordinate axis, (4, 4)."""
    i, j = ((1, 2), (2, 0), (0, 1))[axis]
    turn = np.eye(4, dtype=np.result_type(angle, float))
    turn[i, i] = turn[j, j] = np.cos(angle)
    turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
    return turn


def _cart_pole(x: Array, u: Any) -> Array:
    """The accelerations, which solve mass matrix · (a, α) = forces, from the Lagrangian."""
    M, m, l, g = 1.0, 0.1, 0.5, 9.81  # noqa: E741 - the symbols of mechanics
    s, c = np.sin(x[1]), np.cos(x[1])
    mass = np.array([[M + m, m * l * c], [m * l * c, m * l * l]])
    accelerations = np.linalg.solve(mass, np.array([u + m * l * x[3] ** 2 * s, m * g * l * s]))
    return np.array([x[2], x[3], *accelerations])


def _fish(x: Array, u: Any) -> Array:
    return np.array([x[0] * (1 - x[1] - 0.4 * u), x[1] * (x[0] - 1 - 0.2 * u)])


def rollout(layers: Any, x: Array, theta: Array) -> Array:
    """A rollout, by a loop over the steps, then one over the sensors."""
    *steps, sensors = layers
    f, h = {4: (_cart_pole, 0.02), 2: (_fish, 0.1)}[steps[0].n_in]  # by the size of the state
    for u in theta:
        a = f(x, u)
        b = f(x + h * a / 2, u)
        c = f(x + h * b / 2, u)
        x = x + h * (a + 2 * b + 2 * c + f(x + h * c, u)) / 6
    out: Array = np.tanh(sensors.A @ x + sensors.c)
    return out


def convolutions(layers: Any, x: Array, theta: Array) -> Array:
    """Convolutions by a loop over pixels; outside the image all is zero."""
    side, image, at = layers[0].side, x.reshape(1, *[layers[0].side] * 2), 0
    for layer in (layers[0], layers[2]):
        side, before = (side + 1) // 2, image
        kernels = theta[at : at + 9 * layer.channels_out * layer.channels_in]
        kernels = kernels.reshape(layer.channels_out, layer.channels_in, 3, 3)
        at += kernels.size + layer.channels_out
        image = np.zeros((layer.channels_out, side, side), theta.dtype)
        for channel, row, column in np.ndindex(*image.shape):
            total = theta[at - layer.channels_out + channel]
            for i, dy, dx in np.ndindex(layer.channels_in, 3, 3):
                y, z = 2 * row + dy - 1, 2 * column + dx - 1
                if 0 <= y < before.shape[1] and 0 <= z < before.shape[2]:
                    total += kernels[channel, i, dy, dx] * before[i, y, z]
            image[channel, row, column] = np.tanh(total)
    return _dense(layers[4], image.ravel(), theta[at:])


def waves(layers: Any, x: Array, theta: Array) -> Array:
    """Cosines and sines, then two dense layers."""
    z = [sum(w * one for w, one in zip(row, x, strict=True)) for row in layers[0].W]
    first = layers[1].n_params
    hidden = np.tanh(_dense(layers[1], np.array([*np.cos(z), *np.sin(z)]), theta[:first]))
    return _dense(layers[3], hidden, theta[first:])


def _dense(layer: Any, x: Array, theta: Array) -> Array:
    m, n = layer.n_out, layer.n_in
    return np.array([sum(theta[i * n + j] * x[j] for j in range(n)) + theta[m * n + i] for i in range(m)])


def _only(value: Callable[[Any, Array, Array], Array]) -> Callable[[Problem, Array, Array], Array]:
    return lambda p, x, theta: value(p.chain.layers[0], x, theta)


def _all(value: Callable[[Any, Array, Array], Array]) -> Callable[[Problem, Array, Array], Array]:
    return lambda p, x, theta: value(p.chain.layers, x, theta)


VALUES: dict[str, Callable[[Problem, Array, Array], Array]] = {
    "gmm": _only(mixture),
    "lstm": _only(recurrent),
    "bundle-adjustment": _only(reprojections),
    "hand-tracking": _only(hand),
    "control": _all(rollout),
    "convolution": _all(convolutions),
    "fourier-features": _all(waves),
}
"""(problem, x, θ) -> f(x, θ)."""
