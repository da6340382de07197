"""Advice in words, for a terminal and a notebook: the table of the arms, what to use, by how much, and why."""

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.text.quantities import bytes_text, number_text, seconds_text
from fwdrev.results.text.summary import percent

if TYPE_CHECKING:
    from fwdrev.results.advice.record import Advice, AdvisedArm

_LITTLE = 1.1
"""Smaller ratios are given in per cent, larger ones as a factor."""

MODES = {"forward": "jacfwd", "reverse": "jacrev"}
"""The modes as JAX and PyTorch have them, each with the function to call."""

_PREFIX = {"jax": "jax.", "torch": "torch.func."}

_GROWS = {"forward": "inputs", "reverse": "outputs"}
"""What the passes of a mode go over."""

_NEARBY = 32.0
"""A factor in size beyond which no extrapolation of the crossover holds."""

HEAD = ("arm", "time", "95 % interval", "memory", "compile")
"""Of the columns of `arm_rows`."""


def function_text(advice: "Advice") -> str:
    """`model.py:residuals: n = 3 inputs, m = 1000 outputs, float32 on cpu`."""
    facts = advice.facts
    batch = "" if facts.batch is None else f" of each of {facts.batch} samples"
    return f"{facts.given}: n = {facts.n} inputs, m = {facts.m} outputs{batch}, {facts.dtype} on {facts.device}"


def arm_rows(advice: "Advice") -> list[tuple[str, ...]]:
    """The cells of the table, of the arms that have a time: name, time, interval, memory, compile time."""
    return [_row(arm) for arm in advice.arms if arm.seconds is not None or arm.counted_seconds is not None]


def remarks(advice: "Advice") -> list[str]:
    """Why arms were left out, or timed in a few calls only."""
    whys = ((arm, "left out, " if arm.seconds is None else "") for arm in advice.arms if arm.reason is not None)
    return [f"{arm.name}: {out}{arm.reason}" for arm, out in whys]


def advice_words(advice: "Advice") -> list[str]:
    """Sentences: what to use and by how much, what that rests on, other sizes, and what else is worth knowing."""
    notes = (f"note: {note}" for note in advice.facts.notes)
    return [_recommendation(advice), _basis(advice), *_other_sizes(advice), *_products(advice), *notes]


def _row(arm: "AdvisedArm") -> tuple[str, ...]:
    e = arm.seconds
    time = "" if e is None else seconds_text(e.point)
    if e is None and arm.counted_seconds is not None:
        time = f"≈ {seconds_text(arm.counted_seconds)}"
    interval = "" if e is None or e.low is None or e.high is None else f"{seconds_text(e.low)} … {seconds_text(e.high)}"
    memory = "" if arm.memory_bytes is None else bytes_text(arm.memory_bytes)
    compiled = "" if arm.compile_seconds is None else seconds_text(arm.compile_seconds)
    return arm.name, time, interval, memory, compiled


def _recommendation(advice: "Advice") -> str:
    """The plain mode is what the reader would type, so the comparison with it comes first."""
    name, other, plain = advice.recommend, advice.runner_up, advice.plain
    if other is None:
        hopeless = any(arm.counted_seconds is not None for arm in advice.arms)
        why = "counts expect the others to be far slower" if hopeless else "nothing else could be measured"
        return f"Use {_called(advice, name)}: {why}."
    beside = "" if plain in {None, other} else f"{_faster(advice, str(plain))}"
    if advice.tie:
        times = advice.times_faster[other]
        ends = "" if times.low is None or times.high is None else f" ({_share(times.high)} … {_share(times.low)})"
        takes = f"{name} takes {_share(times.point)} of the time of {_called(advice, other)}{ends}"
        better = f" It is {beside}." if beside else ""
        both = f"{name[:1].upper()}{name[1:]} and {other} are within the noise: {takes}."
        return f"{both} Use {name}{_less(advice)}.{better}"
    times = advice.times_faster[other]
    held = times.low is not None and times.high is not None and times.low <= 1 <= times.high
    unsure = ", though equal times are within its interval" if held else ""
    first = f"{beside}, and " if beside else ""
    verb = "it is" if advice.measured else "counts expect it to be"
    return f"Use {_called(advice, name, plain=False)}: {verb} {first}{_faster(advice, other)}{unsure}."


def _called(advice: "Advice", name: str, *, plain: bool = True) -> str:
    """`reverse (jax.jacrev)`, `reverse-chunked (64 outputs at a time)`; `plain`: say what a plain mode is to call."""
    if name in MODES:
        return f"{name} ({_PREFIX[advice.facts.framework]}{MODES[name]})" if plain else name
    code = next((arm.code for arm in advice.arms if arm.name == name), None)
    chunk = re.search(r"chunk(?:_size)?=(\d+)", code or "")
    return name if chunk is None else f"{name} ({chunk[1]} {_GROWS[direction(name)]} at a time)"


def direction(arm: str) -> str:
    """`forward` or `reverse` for a mode, in chunks or not; another arm's own name."""
    return arm.partition("-")[0]


def _share(times: float) -> str:
    """What the recommended arm takes of the time of one that it is so many times faster than."""
    return f"{100 / times:.0f} %"


def _less(advice: "Advice") -> str:
    """Why this one of two that are equally fast."""
    memory = {arm.name: arm.memory_bytes for arm in advice.arms}
    mine, its = memory[advice.recommend], memory.get(str(advice.runner_up))
    return ", which needs less memory" if mine is not None and its is not None and mine < its else ""


def _faster(advice: "Advice", other: str) -> str:
    """`3.2 times (95 % interval 3.1 … 3.3) faster than reverse (jax.jacrev)`, or in per cent where that is little."""
    times = advice.times_faster[other]
    if times.point < _LITTLE:
        much = f"{100 * (times.point - 1):.1f} %{_ends(times, lambda end: f'{100 * (end - 1):.1f} %')}"
    else:
        much = f"{number_text(times.point)} times{_ends(times, number_text)}"
    return f"{much} faster than {_called(advice, other)}"


def _ends(e: Estimate, text: Callable[[float], str]) -> str:
    if e.low is None or e.high is None:
        return ""
    return f" ({percent(e.level)} interval {text(e.low)} … {text(e.high)})"


def _basis(advice: "Advice") -> str:
    if not advice.measured:
        return "Counted, not measured: the operations of the programs as JAX traces them, at fixed rates."
    if not advice.rounds:
        return "From a few calls only, since no round fitted into the budget: a larger one gives intervals."
    if advice.rounds == 1:
        return "Measured in one round, from which there is no interval."
    return f"Measured in {advice.rounds} rounds in {'fresh processes' if advice.fresh else 'this process'}."


def _other_sizes(advice: "Advice") -> Iterator[str]:
    """Whether another size nearby would change the advice."""
    found, n, m = advice.break_even, advice.n, advice.m
    if direction(advice.recommend) not in _GROWS:
        yield f"Other sizes: how {advice.recommend} grows with n and m is not known; ask again at the sizes you need."
    if found is None:
        return
    places = []
    if _near(found.outputs.point, m):
        places.append(f"m = {_sizes(found.outputs, 'output')} with n = {n}")
    if _near(found.inputs.point, n):
        places.append(f"n = {_sizes(found.inputs, 'input')} with m = {m}")
    one = advice.recommend
    other = found.reverse if one == found.forward else found.forward
    fewer = "fewer outputs or more inputs" if direction(one) == "forward" else "more outputs or fewer inputs"
    if places:
        yield f"Other sizes: with {fewer} {other} should overtake {one}, near {' or '.join(places)}."
    else:
        yield f"Other sizes: {one} should stay ahead of {other} within a factor of {_NEARBY:g} in n and m."
    noise = ", and its intervals hold only the noise of the times" if advice.measured else ""
    yield (
        "That is extrapolated, not measured: it assumes that forward's time grows with n and reverse's with m"
        f"{noise}. Ask again at the size you need."
    )


def _sizes(e: Estimate, name: str) -> str:
    """`55 outputs (95 % interval 52 … 58)`."""
    return f"{e.point:.0f} {name}{'s' * (round(e.point) != 1)}{_ends(e, '{:.0f}'.format)}"


def _products(advice: "Advice") -> Iterator[str]:
    """What costs a single pass: no Jacobian is needed for it. With one input or output the Jacobian is no more."""
    if min(advice.n, advice.m) == 1 or advice.facts.batch is not None:
        return
    f = advice.facts.name if re.fullmatch(r"[\w.]+", advice.facts.name) else "f"
    of = f"{_PREFIX[advice.facts.framework]}{{}}({f}, "
    vjp, jvp = f"{of.format('vjp')}x)[1](r)", f"{of.format('jvp')}(x,), (v,))"
    yield f"If you need only products with J: Jᵀr is one {vjp}, J·v one {jvp}, JᵀJ·v one of each, whatever n and m are."


def _near(size: float, here: int) -> bool:
    return size >= 1 and here / _NEARBY <= size <= here * _NEARBY
