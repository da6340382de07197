"""A monotone cubic through points: it does not overshoot, so it has a zero only where the points change sign.

The cubic of Fritsch and Butland (1984), as in scipy.interpolate.PchipInterpolator, which takes seven times as long
to make: the crossover of a 7 × 7 plane took 49 ms instead of 27, with the same result.
"""

import numpy as np

from fwdrev.modes.core.arrays import AnyArray, Vector


class MonotoneCubic:
    """The cubic through two or more points (x, y), x ascending."""

    def __init__(self, x: Vector, y: Vector) -> None:
        """`x` and `y` of shape (k,)."""
        width = np.diff(x)
        chord = np.diff(y) / width
        slope = _slopes(width, chord)
        bend = (slope[:-1] + slope[1:] - 2 * chord) / width
        self._x = x
        self._powers = y[:-1], slope[:-1], (chord - slope[:-1]) / width - bend, bend / width

    def __call__(self, piece: AnyArray, at: AnyArray) -> AnyArray:
        """The value at `at`, which lies between the points `piece` and `piece` + 1."""
        a, b, c, d = (power[piece] for power in self._powers)
        s = at - self._x[piece]
        return ((d * s + c) * s + b) * s + a


def _slopes(width: Vector, chord: Vector) -> Vector:
    """The slopes (k,): inside, a weighted harmonic mean of the chords on both sides, or 0 where they differ in sign."""
    if chord.size == 1:
        return np.repeat(chord, 2)
    slope = np.zeros(chord.size + 1)
    left, right = 2 * width[1:] + width[:-1], width[1:] + 2 * width[:-1]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        mean = (left + right) / (left / chord[:-1] + right / chord[1:])
    slope[1:-1] = np.where(np.sign(chord[:-1]) * np.sign(chord[1:]) > 0, mean, 0.0)
    slope[0] = _end(*width[:2].tolist(), *chord[:2].tolist())
    slope[-1] = _end(*width[:-3:-1].tolist(), *chord[:-3:-1].tolist())
    return slope


def _end(width: float, next_width: float, chord: float, next_chord: float) -> float:
    """The slope at an end: that of the parabola through three points, limited where it would overshoot."""
    slope = ((2 * width + next_width) * chord - width * next_chord) / (width + next_width)
    if np.sign(slope) != np.sign(chord):
        return 0.0
    if np.sign(chord) != np.sign(next_chord) and abs(slope) > 3 * abs(chord):
        return 3 * chord
    return slope
