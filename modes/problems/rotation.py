"""Rotations by an axis times an angle (Rodrigues)."""

from fwdrev.modes.core.arrays import AnyArray


def rotated(r: AnyArray, points: AnyArray) -> AnyArray:
    """p + sin|r|/|r| · r×p + (1 - cos|r|)/|r|² · r×(r×p) for each row p of the points, r likewise or the same.

    At r = 0 it uses p + r×p + ½ r×(r×p), which has the right derivatives there.
    """
    xp = r.__array_namespace__()
    square = xp.sum(r * r, axis=1, keepdims=True)
    still = square == 0
    half = xp.sqrt(xp.where(still, 1, square)) / 2
    first = xp.where(still, 1, xp.sin(2 * half) / (2 * half))
    second = xp.where(still, 0.5, 0.5 * (xp.sin(half) / half) ** 2)
    across = _cross(r, points)
    return points + first * across + second * _cross(r, across)


def _cross(a: AnyArray, b: AnyArray) -> AnyArray:
    xp = a.__array_namespace__()
    i, j, k = (a[:, c] for c in range(3))
    u, v, w = (b[:, c] for c in range(3))
    return xp.stack([j * w - k * v, k * u - i * w, i * v - j * u], axis=1)
