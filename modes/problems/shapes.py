"""Which shapes a problem has: a rule in words, and the shape of the problem that is nearest to n inputs, m outputs.

    @shaped("n = m = 8", nearest=lambda n, m: (8, 8))
    def heart_dipole(n, m, rng, dtype): ...

    @shaped("n = m = 2 N²", nearest=family(lambda N: (2 * N * N, 2 * N * N)))
    def brusselator(n, m, rng, dtype): ...

A factory without a rule makes any n × m. One with a rule is only called with shapes that the problem has.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from fwdrev.modes.core.data import Json
from fwdrev.modes.core.problem import LARGEST

Shape = tuple[int, int]
"""(n, m)."""

Nearest = Callable[..., Shape]
"""(n, m, **options) -> the nearest (n, m) that the problem has, with all of its options, defaults filled in."""

ANY = "any n × m"
"""In words, where there is no rule."""

F = TypeVar("F", bound=Callable[..., Any])

RULE = "shape_rule"
"""The attribute of a factory that has its rule."""


@dataclass(frozen=True, slots=True)
class ShapeRule:
    """The shapes of a problem in words, and how to find the nearest one; what is nearest to a shape of it is itself."""

    words: str
    nearest: Nearest


def shaped(words: str, *, nearest: Nearest) -> Callable[[F], F]:
    """Say of a factory which shapes its problem has; raise InputError in `nearest` for options that it cannot take."""

    def with_rule(factory: F) -> F:
        setattr(factory, RULE, ShapeRule(words, nearest))
        return factory

    return with_rule


def distance(one: Shape, other: Shape) -> Fraction:
    """By what factor the two differ in n, times that in m: exact, so that equally near shapes are known to be so."""
    factors = [Fraction(max(sizes), min(sizes)) for sizes in zip(one, other, strict=True)]
    return factors[0] * factors[1]


def family(shape_of: Callable[..., Shape]) -> Nearest:
    """The nearest of the shapes that `shape_of(k, **options)` gives for k = 1, 2, …; of two equally near the smaller.

    Neither n nor m shrinks with k, and n / m goes one way only. So the nearest shape stands where the family passes n
    or where it passes m, and few are looked at.
    """

    def nearest(n: int, m: int, **options: Json) -> Shape:
        def shape(k: int) -> Shape:
            return shape_of(k, **options)

        steps = range(1, LARGEST + 1)
        passed = [bisect_left(steps, n, key=lambda k: shape(k)[0]), bisect_left(steps, m, key=lambda k: shape(k)[1])]
        near = {shape(steps[min(max(at, 0), LARGEST - 1)]) for last in passed for at in (last - 1, last)}
        return nearest_of(near, n, m, least=shape(1))

    return nearest


def nearest_of(shapes: Iterable[Shape], n: int, m: int, *, least: Shape) -> Shape:
    """The nearest to n × m that is not too large, of two equally near the smaller; `least` where all are too large."""
    possible = [shape for shape in shapes if max(shape) <= LARGEST] or [least]
    return min(possible, key=lambda shape: (distance((n, m), shape), shape))
