"""Advice on a user's function as a record, and in words for a terminal and a notebook.

advice = fwdrev.advise(f, x)
advice.recommend, advice.ratio          # "forward", Estimate(point=0.11, low=0.10, high=0.12, …)
advice.code                             # "jax.jit(jax.jacfwd(f))"
print(advice)                           # a table of the arms, then what to use and why
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from fwdrev.bench.records.trials import Facts
from fwdrev.results.display import Displayed, aligned
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.text.quantities import bytes_text, number_text, seconds_text
from fwdrev.results.text.summary import percent

_LITTLE = 1.1
"""Ratios below are told as a share, those from here on as a factor."""

_NEARBY = 32.0
"""A factor in size beyond which no extrapolation of the crossover holds."""

HEAD = ("arm", "time", "95 % interval", "memory", "compile")
"""Of the columns of `arm_rows`."""


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
    """Where forward and reverse mode would break even, if only the outputs (at this n) or inputs (at this m) changed.

    Extrapolated: beyond the overhead of a call the time of forward mode is taken to grow with n, of reverse with m.
    """

    outputs: float
    inputs: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Displayed):
    """What to use for a function of n inputs and m outputs.

    `ratio`: the time of what is recommended ÷ that of `runner_up`, the fastest of the others; `tie`: these two are
    within the noise, and the one with less memory is recommended. `rounds` were measured, each in a process of its own
    if `fresh`; without any, `measured` says whether a few calls were timed or operations counted.
    """

    facts: Facts
    recommend: str
    runner_up: str | None
    ratio: Estimate | None
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
    def code(self) -> str:
        """The line to use."""
        return next(arm.code for arm in self.arms if arm.name == self.recommend and arm.code is not None)

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "function": self.facts.name,
            "n": self.n,
            "m": self.m,
            "dtype": self.facts.dtype,
            "device": self.facts.device,
            "batch": self.facts.batch,
            "recommend": self.recommend,
            "runner_up": self.runner_up,
            "ratio": None if self.ratio is None else asdict(self.ratio),
            "tie": self.tie,
            "code": self.code,
            "arms": [asdict(arm) for arm in self.arms],
            "break_even": None if self.break_even is None else asdict(self.break_even),
            "measured": self.measured,
            "rounds": self.rounds,
            "fresh_processes": self.fresh,
            "notes": list(self.facts.notes),
        }


def function_text(advice: Advice) -> str:
    """`residuals: n = 3 inputs, m = 1000 outputs, float32 on cpu`."""
    facts = advice.facts
    batch = "" if facts.batch is None else f" of each of {facts.batch} samples"
    return f"{facts.name}: n = {facts.n} inputs, m = {facts.m} outputs{batch}, {facts.dtype} on {facts.device}"


def arm_rows(advice: Advice) -> list[tuple[str, ...]]:
    """The cells of the table, of the arms that have a time: name, time, interval, memory, compile time."""
    return [_row(arm) for arm in advice.arms if arm.seconds is not None or arm.counted_seconds is not None]


def remarks(advice: Advice) -> list[str]:
    """Why arms were left out, or not measured to the end."""
    whys = ((arm, "left out, " if arm.seconds is None else "") for arm in advice.arms if arm.reason is not None)
    return [f"{arm.name}: {out}{arm.reason}" for arm, out in whys]


def advice_words(advice: Advice) -> list[str]:
    """Sentences: what to use and by how much, what that rests on, other sizes, and what else is worth knowing."""
    notes = (f"note: {note}" for note in advice.facts.notes)
    return [_recommendation(advice), _basis(advice), *_other_sizes(advice), *notes]


def _row(arm: AdvisedArm) -> tuple[str, ...]:
    e = arm.seconds
    time = "" if e is None else seconds_text(e.point)
    if e is None and arm.counted_seconds is not None:
        time = f"≈ {seconds_text(arm.counted_seconds)}"
    interval = "" if e is None or e.low is None or e.high is None else f"{seconds_text(e.low)} … {seconds_text(e.high)}"
    memory = "" if arm.memory_bytes is None else bytes_text(arm.memory_bytes)
    compiled = "" if arm.compile_seconds is None else seconds_text(arm.compile_seconds)
    return arm.name, time, interval, memory, compiled


def _recommendation(advice: Advice) -> str:
    name, other, ratio = advice.recommend, advice.runner_up, advice.ratio
    if other is None or ratio is None:
        hopeless = any(arm.counted_seconds is not None for arm in advice.arms)
        why = "counts expect the others to be far slower" if hopeless else "it is the only one that could be measured"
        return f"Use {name}: {why}."
    if advice.tie:
        ends = (
            "" if ratio.low is None or ratio.high is None else f" ({100 * ratio.low:.0f} % … {100 * ratio.high:.0f} %)"
        )
        takes = f"{name} takes {100 * ratio.point:.0f} % of the time of {other}{ends}"
        return f"{name[:1].upper()}{name[1:]} and {other} are within the noise: {takes}. Use {name}{_less(advice)}."
    held = ratio.low is not None and ratio.high is not None and ratio.low <= 1 <= ratio.high
    unsure = ", though equal times are within its interval" if held else ""
    return f"Use {name}: it is {_faster(ratio)} faster than {other}{unsure}."


def _less(advice: Advice) -> str:
    """Why this one of two that are equally fast."""
    memory = {arm.name: arm.memory_bytes for arm in advice.arms}
    mine, its = memory[advice.recommend], memory.get(str(advice.runner_up))
    return ", which needs less memory" if mine is not None and its is not None and mine < its else ""


def _faster(ratio: Estimate) -> str:
    """`3.2 times (95 % interval 3.1 … 3.3)`, or in per cent where that is little."""
    point = 1 / ratio.point
    if point < _LITTLE:
        return f"{100 * (point - 1):.1f} %{_ends(ratio, lambda r: f'{100 * (1 / r - 1):.1f} %')}"
    return f"{number_text(point)} times{_ends(ratio, lambda r: number_text(1 / r))}"


def _ends(ratio: Estimate, text: Callable[[float], str]) -> str:
    if ratio.low is None or ratio.high is None:
        return ""
    return f" ({percent(ratio.level)} interval {text(ratio.high)} … {text(ratio.low)})"


def _basis(advice: Advice) -> str:
    if not advice.measured:
        return "Counted, not measured: the operations of the programs as JAX traces them, at fixed rates."
    if not advice.rounds:
        return "From a few calls only, no round fitted into the budget: a larger one gives an interval."
    if advice.rounds == 1:
        return "Measured in one round, from which there is no interval."
    return f"Measured in {advice.rounds} rounds in {'fresh processes' if advice.fresh else 'this process'}."


def _other_sizes(advice: Advice) -> Iterator[str]:
    """Whether another size nearby would change it."""
    found, n, m = advice.break_even, advice.n, advice.m
    if found is None:
        return
    places = []
    if _near(found.outputs, m):
        places.append(f"m = {found.outputs:.0f} outputs (n = {n} as here; more favour forward)")
    if _near(found.inputs, n):
        places.append(f"n = {found.inputs:.0f} inputs (m = {m} as here; more favour reverse)")
    if places:
        yield f"Other sizes: forward and reverse should break even near {' or '.join(places)}."
    else:
        yield f"Other sizes: within a factor of {_NEARBY:g} in n or m, forward and reverse would not change places."
    yield "That is extrapolated, forward growing with n and reverse with m; measure there to be sure."


def _near(size: float, here: int) -> bool:
    return size >= 1 and here / _NEARBY <= size <= here * _NEARBY
