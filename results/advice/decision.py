"""The decision: which way to compute the Jacobian of a function, from what was measured of it or from counts alone."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from fwdrev.bench.records.trials import Expected, Facts, Prepared, Values
from fwdrev.modes.core.arrays import Vector
from fwdrev.modes.errors import InputError, NothingMeasuredError
from fwdrev.results.advice.record import Advice, AdvisedArm, BreakEven
from fwdrev.results.advice.words import direction
from fwdrev.results.stats.blocks import block_median
from fwdrev.results.stats.estimate import Estimate, log_mean

_NOISE = math.log(1.02)
"""Arms that are closer than this count as equally fast: where arrays lie in memory moves an arm by that."""

_NEAR = math.log(1.05)
"""The same for arms whose interval holds equal times; beyond it the faster one is recommended all the same."""

_LESS = 0.98
"""Of another arm's memory, at most: what counts as less."""

_TIED = 0.98
"""Of two times that are expected by counts: from there on they count as equal."""

_MUCH = 2.0
"""Times the overhead of a call: what an arm has to take for its time to tell how it would grow."""

UNCOUNTED = "only programs of JAX are counted: leave out --no-measure (measure=False) for PyTorch's tensors"


@dataclass(slots=True, kw_only=True)
class Observed:
    """What was seen of the arms of a function so far: the code of each; what was prepared; the rounds; the reasons.

    A round has values for the arms that it timed. `expected`: seconds by counts; `untried`: arms that were late, and
    the budgets that they would need, where these are known; `long_seconds`: calls of an arm that count as long.
    """

    codes: dict[str, str]
    prepared: dict[str, Prepared] = field(default_factory=dict)
    rounds: list[Values] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    expected: dict[str, float] = field(default_factory=dict)
    untried: dict[str, float | None] = field(default_factory=dict)
    long_seconds: float = math.inf


def ratio_of(rounds: Sequence[Values], one: str, other: str) -> Estimate | None:
    """The time of one ÷ that of the other, over the rounds that timed both; None where none did."""
    both = [np.log(values[one]) - np.log(values[other]) for values in rounds if one in values and other in values]
    return log_mean(np.array([float(block_median(logs)) for logs in both])) if both else None


def ranked(observed: Observed) -> list[tuple[str, Estimate]]:
    """Every arm that was timed, or at least called a few times, the fastest first.

    Rounds come before calls: what was timed in none of them had no chance, if there were any.
    """
    times = [(name, _seconds(observed, name)) for name in observed.prepared]
    whole = {name for name, _ in times if all(name in values for values in observed.rounds)}
    return sorted(times, key=lambda each: (each[0] not in whole, each[1].point))


def advice_of(facts: Facts, observed: Observed, *, fresh: bool) -> Advice:
    """The decision; at least one arm has to be prepared."""
    order = ranked(observed)
    fastest = order[0][0]
    tied = [name for name, _ in order[1:] if _tied(_compared(observed, name, fastest))]
    recommend = _leanest(observed.prepared, [fastest, *tied])
    runner_up = next((name for name, _ in order if name != recommend), None)
    times = dict(order)
    names = dict.fromkeys([*times, *observed.codes, *observed.reasons])
    return Advice(
        facts=facts,
        recommend=recommend,
        runner_up=runner_up,
        times_faster={name: _compared(observed, name, recommend) for name, _ in order if name != recommend},
        tie=runner_up is not None and (runner_up in tied or recommend in tied),
        arms=tuple(_arm(observed, name, times.get(name)) for name in names),
        break_even=_break_even(facts, recommend, times, partial(_compared, observed)),
        rounds=len(observed.rounds),
        fresh=fresh,
        measured=True,
    )


def counted_advice(facts: Facts, expected: Expected) -> Advice:
    """The arm of which the least time is expected; raises NothingMeasuredError where none could be counted."""
    if facts.framework != "jax":
        raise InputError(UNCOUNTED)
    seconds, lost = expected.seconds, {**expected.late, **expected.reasons}
    if not seconds:
        why = "; ".join(f"{name}: {reason}" for name, reason in lost.items())
        raise NothingMeasuredError(f"nothing of {facts.given} could be counted: {why}")
    order = sorted(seconds, key=seconds.__getitem__)
    runner_up = order[1] if len(order) > 1 else None
    times = {name: _exactly(seconds[name]) for name in order}

    def compared(one: str, other: str) -> Estimate:
        return _exactly(seconds[one] / seconds[other])

    known = [AdvisedArm(name=name, code=expected.codes[name], counted_seconds=seconds[name]) for name in order]
    unknown = {**facts.left_out, **lost}
    others = [AdvisedArm(name=name, code=facts.codes.get(name), reason=reason) for name, reason in unknown.items()]
    from fwdrev.modes.jaxpr.cost import RATES, unknown_text  # which imports JAX: the command has no other use for it

    names = [name for primitives in expected.unknown.values() for name in primitives]
    notes = [*facts.notes, unknown_text(names)] if names else facts.notes
    facts = replace(facts, overhead_seconds=RATES["calls"], notes=notes)
    return Advice(
        facts=facts,
        recommend=order[0],
        runner_up=runner_up,
        times_faster={name: compared(name, order[0]) for name in order[1:]},
        tie=runner_up is not None and seconds[order[0]] > _TIED * seconds[runner_up],
        arms=(*known, *others),
        break_even=_break_even(facts, order[0], times, compared),
        rounds=0,
        fresh=False,
        measured=False,
    )


def _break_even(
    facts: Facts, recommend: str, times: Mapping[str, Estimate], compared: Callable[[str, str], Estimate]
) -> BreakEven | None:
    """Where the recommended mode and the fastest arm of the other one take the same time, beside this size.

    None where the recommended arm is neither mode, the other one has no time, or one is too quick to tell.
    """
    directions: dict[str, list[str]] = {"forward": [], "reverse": []}
    for name in sorted(times, key=lambda name: times[name].point):
        directions.get(direction(name), []).append(name)
    if direction(recommend) not in directions or not all(directions.values()):
        return None
    forward, reverse = (recommend if direction(recommend) == mode else names[0] for mode, names in directions.items())
    seconds = [times[forward].point, times[reverse].point]
    beyond = [each - facts.overhead_seconds for each in seconds]
    if any(each < _MUCH * facts.overhead_seconds for each in seconds) or min(beyond) <= 0:
        return None
    ratio = compared(forward, reverse)
    corrected = ratio.times(beyond[0] / beyond[1] / ratio.point)
    return BreakEven(
        forward=forward,
        reverse=reverse,
        outputs=corrected.times(float(facts.m)),
        inputs=corrected.inverse.times(float(facts.n)),
    )


def _exactly(value: float) -> Estimate:
    """Without an interval."""
    return Estimate(point=value, low=None, high=None)


def _seconds(observed: Observed, name: str) -> Estimate:
    """Of a call: by the rounds, or else by the few calls after it was prepared."""
    logs: Vector = np.array([float(block_median(np.log(each[name]))) for each in observed.rounds if name in each])
    return log_mean(logs) if logs.size else _exactly(observed.prepared[name].seconds)


def _compared(observed: Observed, one: str, other: str) -> Estimate:
    """By the rounds that timed both, or else by what is known of each."""
    found = ratio_of(observed.rounds, one, other)
    if found is not None:
        return found
    return _exactly(_seconds(observed, one).point / _seconds(observed, other).point)


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
