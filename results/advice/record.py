"""Advice on a user's function as a record; `words` has it in words.

advice = fwdrev.advise(f, x)
advice.recommend                        # "forward"
advice.times_faster["reverse"]          # Estimate(point=9.1, low=8.4, high=9.9, …): forward is 9.1 times faster
advice.code                             # "jax.jit(jax.jacfwd(f))"
print(advice)                           # a table of the arms, then what to use and why
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fwdrev.bench.records.trials import Facts
from fwdrev.results.advice.words import HEAD, MODES, advice_words, arm_rows, function_text, remarks
from fwdrev.results.display import Displayed, aligned
from fwdrev.results.stats.estimate import Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvisedArm:
    """A way to compute the Jacobian.

    `seconds` of a call; `memory_bytes`, its result included; `compile_seconds`; `counted_seconds`, as predicted from
    counts, where nothing was measured; `reason`: why it was left out, or not measured to the end.
    """

    name: str
    code: str | None
    seconds: Estimate | None = None
    memory_bytes: int | None = None
    compile_seconds: float | None = None
    counted_seconds: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """Where `forward` and `reverse`, two arms of which one is recommended, would take the same time at other sizes.

    At m = `outputs` with the inputs as they are, or at n = `inputs` with the outputs as they are. Extrapolated: beyond
    the overhead of a call, the time of forward mode is taken to grow with n and that of reverse mode with m. The
    intervals are those of the two times alone.
    """

    forward: str
    reverse: str
    outputs: Estimate
    inputs: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Displayed):
    """What to use for a function of n inputs and m outputs.

    `times_faster`: for each other arm that has a time, how many times faster the recommended one is: the time of the
    other ÷ its own. `runner_up` is the fastest of the others; `tie`: these two are within the noise, and the one with
    less memory is recommended. `rounds` were measured, each in a process of its own if `fresh`; without any, `measured`
    says whether a few calls were timed or operations counted.
    """

    facts: Facts
    recommend: str
    runner_up: str | None
    times_faster: Mapping[str, Estimate]
    tie: bool
    arms: tuple[AdvisedArm, ...]
    break_even: BreakEven | None
    rounds: int
    fresh: bool
    measured: bool

    def __str__(self) -> str:
        """As the command prints it; the last line is the code."""
        table = aligned([HEAD, *arm_rows(self)])
        return "\n".join([function_text(self), "", *table, *remarks(self), "", *advice_words(self), "", self.code])

    @property
    def n(self) -> int:
        """The inputs."""
        return self.facts.n

    @property
    def m(self) -> int:
        """The outputs."""
        return self.facts.m

    @property
    def plain(self) -> str | None:
        """The mode that one would take without advice: the faster of the two, if another arm is recommended."""
        others = [name for name in MODES if name in self.times_faster]
        return min(others, key=lambda name: self.times_faster[name].point, default=None)

    @property
    def code(self) -> str:
        """The line to use."""
        return next(arm.code for arm in self.arms if arm.name == self.recommend and arm.code is not None)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "function": self.facts.given,
            "n": self.n,
            "m": self.m,
            "dtype": self.facts.dtype,
            "device": self.facts.device,
            "batch": self.facts.batch,
            "recommend": self.recommend,
            "runner_up": self.runner_up,
            "times_faster": {name: asdict(times) for name, times in self.times_faster.items()},
            "tie": self.tie,
            "code": self.code,
            "arms": [asdict(arm) for arm in self.arms],
            "break_even": None if self.break_even is None else asdict(self.break_even),
            "measured": self.measured,
            "rounds": self.rounds,
            "fresh_processes": self.fresh,
            "notes": list(self.facts.notes),
        }
