"""Trials of a user's function: prepares and times each way to compute its Jacobian.

`FunctionTrials` measures in this process, `FunctionProcess` in separate processes; the code that decides on the next
measurement (`fwdrev.results.advice.rounds`) sees no difference.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol, runtime_checkable

from fwdrev.modes.errors import FwdrevError

Values = dict[str, list[float]]
"""Seconds per call of each arm in each block, paired by position."""


class LostArmError(FwdrevError):
    """An arm cannot be measured; `arm` is None if no arm is to blame.

    `late`: a larger budget might be enough; the arm would need about `needs` seconds of it, if that is
    known. An arm lost for another reason fails with any budget.
    """

    def __init__(self, arm: str | None, reason: str, *, late: bool = False, needs: float | None = None) -> None:
        """The reason in one line."""
        super().__init__(reason)
        self.arm, self.reason, self.late, self.needs = arm, reason, late, needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The facts about a function at a point.

    `name` is what a line of code calls it, `title` the function as it was given; `codes`: the line of code of each arm;
    `left_out`: why others are left out; `precision`: the coarsest dtype among inputs and outputs; `overhead_seconds`:
    of a call that computes nothing, `call_seconds`: of a call of the function; `quotient`: J · v by differences, (m,),
    or nothing where that would take too long.
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
    precision: str = ""
    framework: str = "jax"
    overhead_seconds: float = 0.0
    call_seconds: float = 0.0
    quotient: Sequence[float] = ()
    title: str = ""

    @property
    def given(self) -> str:
        """The function as it was given, for a person."""
        return self.title or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """An arm that was compiled and called.

    `memory_bytes`: the program's peak, its result included; `seconds`: of a call, from a few calls;
    `products`: J · v, then u · J, for the same v and u as those of every other arm. What is not compiled has no
    `compile_seconds`, and PyTorch does not report its memory.
    """

    compile_seconds: float | None
    memory_bytes: int | None
    seconds: float
    products: Sequence[float] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Predictions from counts: the code, the seconds per call and the peak bytes of each arm, or why there are none.

    `reasons`: arms that cannot be computed, or do not fit into memory; `late`: arms that could not be counted in time.
    `held`: bytes that decide the chunk size of an arm with chunks. `unknown`: primitives counted
    only by their sizes.
    """

    codes: Mapping[str, str] = field(default_factory=dict)
    seconds: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    late: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, int] = field(default_factory=dict)
    unknown: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def lost(cls, arm: str, reason: str, *, late: bool) -> "Expected":
        """These counts without that arm."""
        return cls(late={arm: reason}) if late else cls(reasons={arm: reason})

    def __or__(self, other: "Expected") -> "Expected":
        """The union of both; the other one wins where they differ."""
        return Expected(
            **{part.name: {**getattr(self, part.name), **getattr(other, part.name)} for part in fields(self)}
        )


@runtime_checkable
class Trials(Protocol):
    """A function whose arms can be prepared and timed; `fresh`: each round runs in its own process."""

    fresh: bool

    def facts(self, seconds: float) -> Facts:
        """Look at the function, within `seconds`; raises InputError if it cannot be differentiated."""
        ...

    def expected(self, seconds: float) -> Expected:
        """Predict every arm from its counts, within `seconds`; compiles nothing."""
        ...

    def prepare(self, arm: str, seconds: float) -> Prepared:
        """Compile an arm and call it; raises LostArmError, also if that takes longer than `seconds`."""
        ...

    def round(self, loops: Mapping[str, int], blocks: int, seed: int, seconds: float) -> Values:
        """Time arms that were prepared; raises LostArmError."""
        ...


_ALIKE = 2.0
"""Arms whose durations differ by no more than this factor share one loop count: unequal counts bias the ratio of arms
that are nearly equal (nanobench saw 1.2 %)."""


def loops_of(seconds: Mapping[str, float], block_seconds: float) -> dict[str, int]:
    """Calls per block of each arm, at least one, from the `seconds` of a call."""
    loops: dict[str, int] = {}
    slowest = math.inf
    for name in sorted(seconds, key=seconds.__getitem__, reverse=True):
        if seconds[name] * _ALIKE < slowest:
            slowest = max(seconds[name], 1e-9)
            count = max(1, round(block_seconds / slowest))
        loops[name] = count
    return loops
