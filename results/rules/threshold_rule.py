"""The best rule of two numbers: "forward when n < a + b · m", n the columns and m the rows of the Jacobian.

    best = simple_rule([problem.points for problem in problems])
    print(best.code)            # def use_forward(n, m): return n < 12 + 1.6 * m

The numbers have at most two digits, so the search tries all rules and finds the best.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.results.rules.rules import Rule

_TIED = 1e-9
"""Mean logarithms that differ by less are equal except for rounding."""


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
        """This rule as a `Rule`, which can be scored."""
        return Rule(name="best simple rule", when=self.when, source="fitted to what was measured", forward=self.forward)

    def to_json(self) -> dict[str, Any]:
        """This rule as plain data; without numbers for "always"."""
        a, b = (self.a, self.b) if math.isfinite(self.a) else (None, None)
        return {"a": a, "b": b, "forward_when": self.when, "code": self.code}

    def _condition(self, times: str) -> str:
        if math.isinf(self.a):
            return "always"
        share = "m" if self.b == 1 else f"{_text(self.b)}{times}m"
        terms = [text for text, factor in ((_text(self.a), self.a), (share, self.b)) if factor > 0]
        return f"n < {' + '.join(terms)}" if terms else "never"


ALWAYS, NEVER = SimpleRule(a=math.inf, b=0.0), SimpleRule(a=0.0, b=0.0)
"""The two rules without numbers."""


def simple_rule(planes: Sequence[tuple[Matrix, Vector]]) -> SimpleRule:
    """The rule with the smallest mean log slow-down over `planes`, all with the same weight.

    A plane is (cells, 2), the columns and rows of a Jacobian, and (cells,), log(time of forward / of reverse). Of equal
    rules it prefers never or always, then the fewest digits (a factor of 1 has none), then the fewest terms,
    then the border farthest from every cell.
    """
    sizes = np.concatenate([shapes for shapes, _ in planes])
    weighted = np.concatenate([logs / (logs.size * len(planes)) for _, logs in planes])
    sizes, which = np.unique(sizes.astype(float), axis=0, return_inverse=True)
    lost = np.bincount(which.ravel(), weights=weighted)  # the extra log cost of forward mode at each size
    return min(_simplest(sizes, lost), key=lambda rule: (-_distance(rule, sizes), rule.a, rule.b))


def _simplest(sizes: Matrix, lost: Vector) -> list[SimpleRule]:
    """All rules as good as the best, with the fewest digits."""
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
    """All numbers of two digits from the power of ten below `low` to the one above `high`."""
    exponents = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    return [float(f"{tens}e{exponent - 1}") for exponent in exponents for tens in range(10, 100)]


def _digits(number: float) -> int:
    """The digits that a reader must remember: none for 0."""
    return len(f"{number:e}".partition("e")[0].replace(".", "").rstrip("0"))


def _distance(rule: SimpleRule, sizes: Matrix) -> float:
    """The log distance of its border from the nearest cell, rounded so that ties are ties."""
    n, m = sizes.T
    if rule in {ALWAYS, NEVER}:
        return math.inf
    return round(float(np.abs(np.log((rule.a + rule.b * m) / n)).min()), 9)


def _text(number: float) -> str:
    """A number without an exponent: `0.05`, `1.6`, `120`."""
    return np.format_float_positional(number, trim="-")
