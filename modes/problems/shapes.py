"""The shapes of a problem: a rule in words, and a search for the shape nearest to n inputs and m outputs.

    @shaped("n = m = 8", nearest=lambda n, m: (8, 8))
    def heart_dipole(n, m, rng, dtype): ...

    @shaped("n = m = 2 N²", nearest=family(lambda N: (2 * N * N, 2 * N * N)))
    def brusselator(n, m, rng, dtype): ...

A factory without a rule accepts any n × m. A factory with a rule is only called with shapes that it allows.
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
"""(n, m, **options) -> the nearest (n, m) that the problem allows; all options are given, defaults included."""

ANY = "any n × m"
"""The words for a problem without a rule."""

NATURAL: Shape = (64, 16)
"""The shape that a problem is made with where none is given; problems that do not have it take the nearest."""

F = TypeVar("F", bound=Callable[..., Any])

RULE = "shape_rule"
"""The attribute of a factory that holds its rule."""


@dataclass(frozen=True, slots=True)
class ShapeRule:
    """The shapes of a problem in words, and the search for the nearest one; an allowed shape is its own nearest."""

    words: str
    nearest: Nearest


def shaped(words: str, *, nearest: Nearest) -> Callable[[F], F]:
    """Declare the shapes of a factory's problem; `nearest` raises InputError for options that it cannot take."""

    def with_rule(factory: F) -> F:
        setattr(factory, RULE, ShapeRule(words, nearest))
        return factory

    return with_rule


def distance(one: Shape, other: Shape) -> Fraction:
    """The distance of two shapes: the ratio of their n times the ratio of their m, exact so that ties are ties."""
    factors = [Fraction(max(sizes), min(sizes)) for sizes in zip(one, other, strict=True)]
    return factors[0] * factors[1]


def family(shape_of: Callable[..., Shape]) -> Nearest:
    """The nearest of the shapes `shape_of(k, **options)` for k = 1, 2, …; the smaller one in a tie.

    Neither n nor m shrinks with k, and n / m is monotonic. So the nearest shape lies where the family passes n
    or where it passes m, and the search tries only a few.
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
    """The nearest shape to n × m that is not too large, the smaller one in a tie; `least` if all are too large."""
    possible = [shape for shape in shapes if max(shape) <= LARGEST] or [least]
    return min(possible, key=lambda shape: (distance((n, m), shape), shape))


def completed(n: int | None, m: int | None, nearest: Callable[[int, int], Shape]) -> Shape:
    """Both sizes: one that is None is that of `NATURAL`, or the nearest to it that goes with the other."""
    if n is not None and m is not None:
        return n, m
    natural_n, natural_m = nearest(*NATURAL)
    if n is not None:
        shapes = [nearest(n, size) for size in (natural_m, n)]
        return n, next((shape for shape in shapes if shape[0] == n), shapes[0])[1]
    if m is not None:
        shapes = [nearest(size, m) for size in (natural_n, m)]
        return next((shape for shape in shapes if shape[1] == m), shapes[0])[0], m
    return natural_n, natural_m
