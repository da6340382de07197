"""Advice in words: a table of the arms, what to use, by how much it is better, whether that would differ elsewhere."""

from collections.abc import Callable, Iterator, Sequence

from fwdrev.results.advice.decision import Advice, AdvisedArm
from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.text.quantities import bytes_text, number_text, seconds_text
from fwdrev.results.text.summary import percent

__all__ = ["HEAD", "advice_lines", "advice_words", "arm_rows", "function_text", "remarks"]

_LITTLE = 1.1
"""Ratios below are told as a share, those from here on as a factor."""

_NEARBY = 32.0
"""A factor in size beyond which no extrapolation of the crossover holds."""

HEAD = ("arm", "time", "95 % interval", "memory", "compile")
"""Of the columns."""


def advice_lines(advice: Advice) -> list[str]:
    """All of it, for a terminal; the last line is the code."""
    rows = [HEAD, *arm_rows(advice)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEAD))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [function_text(advice), "", *lines, *remarks(advice), "", *advice_words(advice), "", advice.code]


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
    return [f"{arm.name}: {_why(arm)}" for arm in advice.arms if arm.reason is not None]


def advice_words(advice: Advice) -> list[str]:
    """Sentences: what to use and by how much, what that rests on, other sizes, and what else is worth knowing."""
    return [_recommendation(advice), _basis(advice), *_elsewhere(advice), *(f"note: {note}" for note in _notes(advice))]


def _row(arm: AdvisedArm) -> tuple[str, ...]:
    e = arm.seconds
    time = "" if e is None else seconds_text(e.point)
    if e is None and arm.counted_seconds is not None:
        time = f"≈ {seconds_text(arm.counted_seconds)}"
    interval = "" if e is None or e.low is None or e.high is None else f"{seconds_text(e.low)} … {seconds_text(e.high)}"
    memory = "" if arm.memory_bytes is None else bytes_text(arm.memory_bytes)
    compiled = "" if arm.compile_seconds is None else seconds_text(arm.compile_seconds)
    return arm.name, time, interval, memory, compiled


def _why(arm: AdvisedArm) -> str:
    return str(arm.reason) if arm.seconds is not None else f"left out, {arm.reason}"


def _recommendation(advice: Advice) -> str:
    name, other, ratio = advice.recommend, advice.runner_up, advice.ratio
    if other is None or ratio is None:
        hopeless = any(arm.counted_seconds is not None for arm in advice.arms)
        why = "counts expect the others to be far slower" if hopeless else "it is the only one that could be measured"
        return f"Use {name}: {why}."
    if advice.tie:
        return f"{_named(name)} and {other} are within the noise: {_share(advice, ratio)}. Use {name}{_less(advice)}."
    unsure = ", though equal times are within its interval" if _holds_one(ratio) else ""
    return f"Use {name}: it is {_faster(ratio)} faster than {other}{unsure}."


def _named(name: str) -> str:
    return name[:1].upper() + name[1:]


def _less(advice: Advice) -> str:
    """Why this one of two that are equally fast."""
    memory = {arm.name: arm.memory_bytes for arm in advice.arms}
    mine, its = memory[advice.recommend], memory.get(str(advice.runner_up))
    less = mine is not None and its is not None and mine < its
    return ", which needs less memory" if less else ""


def _holds_one(ratio: Estimate) -> bool:
    return ratio.low is not None and ratio.high is not None and ratio.low <= 1 <= ratio.high


def _faster(ratio: Estimate) -> str:
    """`3.2 times (95 % interval 3.1 … 3.3)`, or in per cent where that is little."""
    point = 1 / ratio.point
    if point < _LITTLE:
        ends = _ends(ratio, lambda r: f"{100 * (1 / r - 1):.1f} %")
        return f"{100 * (point - 1):.1f} %{ends}"
    return f"{number_text(point)} times{_ends(ratio, lambda r: number_text(1 / r))}"


def _share(advice: Advice, ratio: Estimate) -> str:
    """By how much the times of two differ that are about equal."""
    ends = "" if ratio.low is None or ratio.high is None else f" ({100 * ratio.low:.0f} % … {100 * ratio.high:.0f} %)"
    return f"{advice.recommend} takes {100 * ratio.point:.0f} % of the time of {advice.runner_up}{ends}"


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


def _elsewhere(advice: Advice) -> Iterator[str]:
    """Whether another size nearby would change it."""
    found = advice.elsewhere
    if found is None:
        return
    n, m = advice.n, advice.m
    near = [
        f"m = {max(1, found.outputs):.0f} outputs (n = {n} as here; more favour forward)"
        if _near(found.outputs, m)
        else "",
        f"n = {max(1, found.inputs):.0f} inputs (m = {m} as here; more favour reverse)"
        if _near(found.inputs, n)
        else "",
    ]
    places = " or ".join(text for text in near if text)
    if not places:
        yield f"Other sizes: within a factor of {_NEARBY:g} in n or m, forward and reverse would not change places."
    else:
        yield f"Other sizes: forward and reverse should break even near {places}."
    yield "That is extrapolated, forward growing with n and reverse with m; measure there to be sure."


def _near(size: float, here: int) -> bool:
    return size >= 1 and here / _NEARBY <= size <= here * _NEARBY


def _notes(advice: Advice) -> Sequence[str]:
    return advice.facts.notes
