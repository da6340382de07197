"""Advice: which way to compute the Jacobian of a user's function, by how much it is better, and what that rests on.

advice = fwdrev.advise(f, x)
advice.recommend, advice.ratio          # "forward", Estimate(point=0.11, low=0.10, high=0.12, …)
advice.code                             # "jax.jit(jax.jacfwd(f))"
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fwdrev.bench.records.trials import Facts, Prepared, Values
from fwdrev.modes.core.arrays import Vector
from fwdrev.results.display import Displayed
from fwdrev.results.stats.blocks import block_median
from fwdrev.results.stats.estimate import Estimate, log_mean

__all__ = ["Advice", "AdvisedArm", "Elsewhere", "Observed", "advice_of", "elsewhere", "ranked", "ratio_of"]

_NOISE = math.log(1.02)
"""Arms that are closer than this count as equally fast: where arrays lie in memory moves an arm by that."""

_NEAR = math.log(1.05)
"""The same for arms whose interval holds equal times; beyond it the faster one is recommended all the same."""

_LESS = 0.98
"""Of another arm's memory, at most: what counts as less."""

_MUCH = 2.0
"""Times the overhead of a call: what an arm has to take for its time to tell how it would grow."""


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

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        seconds = None if self.seconds is None else self.seconds.to_json()
        return {
            "name": self.name,
            "code": self.code,
            "seconds": seconds,
            "memory_bytes": self.memory_bytes,
            "compile_seconds": self.compile_seconds,
            "counted_seconds": self.counted_seconds,
            "reason": self.reason,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Where forward and reverse mode would break even, if only the outputs (at this n) or inputs (at this m) changed.

    Extrapolated: beyond the overhead of a call the time of forward mode is taken to grow with n, of reverse with m.
    """

    outputs: float
    inputs: float

    def to_json(self) -> dict[str, float]:
        """Plain data."""
        return {"outputs": self.outputs, "inputs": self.inputs}


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
    elsewhere: Elsewhere | None
    rounds: int
    fresh: bool
    measured: bool

    def __str__(self) -> str:
        """As the command prints it."""
        from fwdrev.results.advice.text import advice_lines

        return "\n".join(advice_lines(self))

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
            "ratio": None if self.ratio is None else self.ratio.to_json(),
            "tie": self.tie,
            "code": self.code,
            "arms": [arm.to_json() for arm in self.arms],
            "break_even": None if self.elsewhere is None else self.elsewhere.to_json(),
            "measured": self.measured,
            "rounds": self.rounds,
            "fresh_processes": self.fresh,
            "notes": list(self.facts.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What was seen of the arms of a function: the code of each; what was prepared; the rounds; the reasons.

    A round has values for the arms that it timed. `expected`: seconds by counts; `untried`: arms that were late, and
    the budgets that they would need, where these are known; `long_seconds`: calls of an arm that count as long.
    """

    codes: Mapping[str, str]
    prepared: Mapping[str, Prepared]
    rounds: Sequence[Values]
    reasons: Mapping[str, str]
    expected: Mapping[str, float] = field(default_factory=dict)
    untried: Mapping[str, float | None] = field(default_factory=dict)
    long_seconds: float = math.inf


def ratio_of(rounds: Sequence[Values], one: str, other: str) -> Estimate | None:
    """The time of one ÷ that of the other, over the rounds that timed both; None where none did."""
    logs = [_log_ratio(values[one], values[other]) for values in rounds if one in values and other in values]
    return log_mean(np.array(logs)) if logs else None


def ranked(observed: Observed) -> list[tuple[str, Estimate]]:
    """Every arm that was timed, or at least called a few times, the fastest first.

    Rounds come before calls: what was timed in none of them had no chance, if there were any.
    """
    times = [(name, _seconds(observed, name)) for name in observed.prepared]
    whole = len(observed.rounds)
    timed = {name: sum(name in values for values in observed.rounds) == whole for name, _ in times}
    return sorted(times, key=lambda each: (not timed[each[0]], each[1].point))


def advice_of(facts: Facts, observed: Observed, *, fresh: bool) -> Advice:
    """The decision; at least one arm has to be prepared."""
    order = ranked(observed)
    fastest = order[0][0]
    tied = [name for name, _ in order[1:] if _tied(_compared(observed, name, fastest))]
    recommend = _leanest(observed.prepared, [fastest, *tied])
    others = [name for name, _ in order if name != recommend]
    runner_up = others[0] if others else None
    times = dict(order)
    return Advice(
        facts=facts,
        recommend=recommend,
        runner_up=runner_up,
        ratio=None if runner_up is None else _compared(observed, recommend, runner_up),
        tie=runner_up is not None and (runner_up in tied or recommend in tied),
        arms=tuple(_arm(observed, name, times.get(name)) for name in [*times, *_left_out(observed, times)]),
        elsewhere=elsewhere(facts, {name: e.point for name, e in times.items()}),
        rounds=len(observed.rounds),
        fresh=fresh,
        measured=True,
    )


def elsewhere(facts: Facts, seconds: Mapping[str, float]) -> Elsewhere | None:
    """Where the two modes break even beside this size; None where one is unknown or too quick to tell."""
    if not {"forward", "reverse"} <= seconds.keys():
        return None
    beyond = {name: seconds[name] - facts.overhead_seconds for name in ("forward", "reverse")}
    if any(seconds[name] < _MUCH * facts.overhead_seconds or beyond[name] <= 0 for name in beyond):
        return None
    times = beyond["forward"] / beyond["reverse"]
    return Elsewhere(outputs=facts.m * times, inputs=facts.n / times)


def _seconds(observed: Observed, name: str) -> Estimate:
    """Of a call: by the rounds, or else by the few calls after it was prepared."""
    logs = [float(block_median(np.log(values[name]))) for values in observed.rounds if name in values]
    if logs:
        return log_mean(np.array(logs))
    return Estimate(point=observed.prepared[name].seconds, low=None, high=None)


def _log_ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """The median over blocks that were timed side by side."""
    logs: Vector = np.log(one) - np.log(other)
    return float(block_median(logs))


def _compared(observed: Observed, one: str, other: str) -> Estimate:
    """By the rounds that timed both, or else by what is known of each."""
    found = ratio_of(observed.rounds, one, other)
    if found is not None:
        return found
    point = _seconds(observed, one).point / _seconds(observed, other).point
    return Estimate(point=point, low=None, high=None)


def _tied(ratio: Estimate) -> bool:
    """Whether the arm cannot be told from the fastest, or it makes no difference."""
    away = abs(math.log(ratio.point))
    held = ratio.low is None or ratio.high is None or ratio.low <= 1 <= ratio.high
    return away < _NOISE or (held and away < _NEAR)


def _leanest(prepared: Mapping[str, Prepared], names: Sequence[str]) -> str:
    """The one with the least memory; the first, unless another one clearly needs less."""
    best = names[0]
    for name in names[1:]:
        mine, its = prepared[best].memory_bytes, prepared[name].memory_bytes
        if mine is not None and its is not None and its < _LESS * mine:
            best = name
    return best


def _left_out(observed: Observed, known: Mapping[str, Estimate]) -> list[str]:
    """The arms without any time."""
    return [name for name in dict.fromkeys([*observed.codes, *observed.reasons]) if name not in known]


def _arm(observed: Observed, name: str, seconds: Estimate | None) -> AdvisedArm:
    prepared = observed.prepared.get(name)
    return AdvisedArm(
        name=name,
        code=observed.codes.get(name),
        seconds=seconds,
        memory_bytes=None if prepared is None else prepared.memory_bytes,
        compile_seconds=None if prepared is None else prepared.compile_seconds,
        counted_seconds=observed.expected.get(name) if prepared is None else None,
        reason=observed.reasons.get(name),
    )
