"""In which order arms are tried, which are not worth it, and what may be recommended while others were late.

order = Order(expected={"forward": 3.0, "reverse": 1e-4}, long_seconds=0.4)
order.hopeless("forward", ["reverse"])      # "by counts 3e+04 times slower than reverse: not tried"
order.blocked("forward", ["reverse"])       # "not tried: reverse, expected to be faster, was late"
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

__all__ = ["LONG", "OPTIONAL", "OPTIONAL_SHARE", "Order"]

_HOPELESS, LONG, _LARGE = 10.0, 0.02, 1 << 30
"""An arm is not tried if it is expected to take so many times as long as the best, and a call that part of the budget
or so many bytes: trying it would cost more than it could tell."""

OPTIONAL, OPTIONAL_SHARE = frozenset({"coloured"}), 0.4
"""Arms of which only a sample is counted, and their share of the time that is left. When they are late the others may
be recommended, unless these are hopeless beside them."""

_LIKE = 0.98
"""Of two expected times: from there on they count as equal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What counts let expect: seconds of a call, bytes at its peak; `long_seconds`: calls that count as long."""

    long_seconds: float
    expected: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, int] = field(default_factory=dict)

    def hopeless(self, name: str, prepared: Iterable[str]) -> str | None:
        """Why an arm need not be tried beside those that were prepared."""
        mine, expected = self.expected.get(name, 0.0), self.expected
        best = min((each for each in prepared if each in expected), key=expected.__getitem__, default="")
        if not best or mine < _HOPELESS * expected[best]:
            return None
        if mine < self.long_seconds and self.peaks.get(name, 0) < _LARGE:
            return None
        return f"by counts {mine / expected[best]:.2g} times slower than {best}: not tried"

    def blocked(self, name: str, late: Iterable[str]) -> str | None:
        """Why an arm could not be recommended, whatever it takes."""
        first, _ = self.faster(name, late)
        return None if first is None else f"not tried: {first}, expected to be faster, was late"

    def faster(self, name: str, late: Iterable[str]) -> tuple[str | None, str | None]:
        """Of the arms that were late, the fastest that keeps an arm from being recommended, and the fastest of all."""
        faster = sorted((each for each in late if self._is_less(each, name)), key=self.expected.__getitem__)
        return next((each for each in faster if self._blocks(each, name)), None), next(iter(faster), None)

    def _is_less(self, one: str, other: str) -> bool:
        """Whether one arm is expected to be faster than the other; not where nothing is expected of it."""
        return one in self.expected and self.expected[one] < _LIKE * self.expected.get(other, math.inf)

    def _blocks(self, late: str, name: str) -> bool:
        if late not in OPTIONAL:
            return True
        return self.expected.get(name, math.inf) >= max(_HOPELESS * self.expected[late], self.long_seconds)
