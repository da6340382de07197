"""Trials of a user's function: what is measured of each way to compute its Jacobian, wherever that happens.

`FunctionTrials` measures in this process, `FunctionProcess` in processes of their own; whoever decides what to measure
next (`fwdrev.results.advice_rounds`) sees no difference.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from fwdrev.modes.errors import FwdrevError

__all__ = ["Expected", "Facts", "LostArmError", "Prepared", "Trials", "Values"]

Values = dict[str, list[float]]
"""Seconds per call of each arm in each block, paired by position."""


class LostArmError(FwdrevError):
    """An arm cannot be measured; `arm` is None where no arm was to blame."""

    def __init__(self, arm: str | None, reason: str) -> None:
        """The reason in one line."""
        super().__init__(reason)
        self.arm, self.reason = arm, reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A function at a point.

    `codes`: the line of code of each arm, in the order in which they should be tried; `left_out`: why others are no
    arms; `overhead_seconds`: what a call takes that computes nothing; `quotient`: J · v by differences, (m,).
    """

    name: str
    n: int
    m: int
    dtype: str
    device: str
    batch: int | None = None
    codes: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    overhead_seconds: float = 0.0
    quotient: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An arm that is compiled and was called.

    `memory_bytes`: what the program holds at its peak, its result included, and `held_bytes` without it; `seconds`: of
    a call, from a few of them; `products`: J · v, then u · J, for the same v and u as those of every other arm;
    `offers`: the codes of arms that are worth a try, now that this one's memory is known. What is not compiled has no
    `compile_seconds`, and what nobody tells no memory.
    """

    compile_seconds: float | None
    memory_bytes: int | None
    held_bytes: int | None
    seconds: float
    products: Sequence[float] = ()
    offers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What counts say: of each arm its code and the seconds of a call, and why others have none."""

    codes: Mapping[str, str]
    seconds: Mapping[str, float]
    reasons: Mapping[str, str]


@runtime_checkable
class Trials(Protocol):
    """A function whose arms can be prepared and timed.

    `fresh`: whether each round is timed in a process of its own.
    """

    fresh: bool

    def facts(self, seconds: float) -> Facts:
        """Look at the function, within so many seconds; raises InputError for one that cannot be differentiated."""
        ...

    def expected(self, seconds: float) -> Expected:
        """What counts let expect; compiles nothing."""
        ...

    def prepare(self, arm: str, seconds: float) -> Prepared:
        """Compile an arm and call it; raises LostArmError, also when that takes longer."""
        ...

    def round(self, loops: Mapping[str, int], blocks: int, seed: int, seconds: float) -> Values:
        """Time arms that were prepared; raises LostArmError."""
        ...
