"""The best rule of two numbers: "forward when n < a + b · m", n the columns and m the rows of the Jacobian.

    best = simple_rule([problem.points for problem in problems])
    print(best.code)            # def use_forward(n, m): return n < 12 + 1.6 * m

The numbers have two digits at most, so all rules there are can be tried: what is found is the best of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.results.rules.rules import Rule

_TIED = 1e-9
"""Mean logarithms that differ by less are equal, but for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimpleRule:
    """Forward when n < a + b · m; an infinite `a` is always, and 0 and 0 is never."""

    a: float
    b: float

    def forward(self, n: int, m: int) -> bool:
        """Whether it picks forward mode."""
        return n < self.a + self.b * m

    @property
    def when(self) -> str:
        """`n < 12 + 1.6 m`, `always` or `never`."""
        return self._condition(" ")

    @property
    def code(self) -> str:
        """A function in Python."""
        plain = {"always": "True", "never": "False"}
        condition = self._condition(" * ")
        return f"def use_forward(n, m): return {plain.get(condition, condition)}"

    @property
    def rule(self) -> Rule:
        """The same as a `Rule`, which can be scored."""
        return Rule(name="best simple rule", when=self.when, source="fitted to what was measured", forward=self.forward)

    def to_json(self) -> dict[str, Any]:
        """Plain data; without numbers where it is always."""
        a, b = (self.a, self.b) if math.isfinite(self.a) else (None, None)
        return {"a": a, "b": b, "forward_when": self.when, "code": self.code}

    def _condition(self, times: str) -> str:
        if math.isinf(self.a):
            return "always"
        share = "m" if self.b == 1 else f"{_text(self.b)}{times}m"
        terms = [text for text, factor in ((_text(self.a), self.a), (share, self.b)) if factor > 0]
        return f"n < {' + '.join(terms)}" if terms else "never"


ALWAYS, NEVER = SimpleRule(a=math.inf, b=0.0), SimpleRule(a=0.0, b=0.0)
"""The two rules that need no number."""


def simple_rule(planes: Sequence[tuple[Matrix, Vector]]) -> SimpleRule:
    """The one with the smallest mean log slow-down over `planes`, each of which weighs the same.

    A plane is (cells, 2), the columns and rows of a Jacobian, and (cells,), log(time of forward / of reverse). Of equal
    ones it is never or always, else that with the fewest digits (a factor of 1 has none), then with the fewest terms,
    then the one whose border is farthest from every cell.
    """
    sizes = np.concatenate([shapes for shapes, _ in planes])
    weighted = np.concatenate([logs / (logs.size * len(planes)) for _, logs in planes])
    sizes, which = np.unique(sizes.astype(float), axis=0, return_inverse=True)
    lost = np.bincount(which.ravel(), weights=weighted)  # what forward mode costs more, or less, at each size
    return min(_simplest(sizes, lost), key=lambda rule: (-_distance(rule, sizes), rule.a, rule.b))


def _simplest(sizes: Matrix, lost: Vector) -> list[SimpleRule]:
    """All rules as good as the best one that take least to remember."""
    n, m = sizes.T
    offsets = np.array([0.0, *_round_numbers(1.0, n.max())])
    slopes = np.array([0.0, *_round_numbers(n.min() / m.max() / 10, n.max() / m.min())])
    total = np.stack([(n < offsets[:, np.newaxis] + b * m) @ lost for b in slopes])
    least = min(total.min(), lost.sum())
    if total[0, 0] <= least + _TIED:
        return [NEVER]
    if lost.sum() <= least + _TIED:
        return [ALWAYS]
    digits = np.array([_digits(b) * (b != 1) for b in slopes])[:, np.newaxis] + [_digits(a) for a in offsets]
    effort = 2 * digits + (slopes[:, np.newaxis] * offsets > 0)
    tied = total <= least + _TIED
    rows, columns = (tied & (effort == effort[tied].min())).nonzero()
    return [SimpleRule(a=float(offsets[j]), b=float(slopes[i])) for i, j in zip(rows, columns, strict=True)]


def _round_numbers(low: float, high: float) -> list[float]:
    """All of two digits, from the power of ten below `low` to the one above `high`."""
    exponents = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    return [float(f"{tens}e{exponent - 1}") for exponent in exponents for tens in range(10, 100)]


def _digits(number: float) -> int:
    """The digits that a reader has to remember: none for 0."""
    return len(f"{number:e}".partition("e")[0].replace(".", "").rstrip("0"))


def _distance(rule: SimpleRule, sizes: Matrix) -> float:
    """How far its border is from the nearest cell, as a logarithm; rounded, so that equal ones are equal."""
    n, m = sizes.T
    if rule in {ALWAYS, NEVER}:
        return math.inf
    return round(float(np.abs(np.log((rule.a + rule.b * m) / n)).min()), 9)


def _text(number: float) -> str:
    """Without an exponent: `0.05`, `1.6`, `120`."""
    return np.format_float_positional(number, trim="-")
