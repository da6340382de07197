"""The mode of a Jacobian with its reason, and the choice by counts.

choice = by_counts(counted)
print(choice)                         # reverse: counts expect it to take 0.5 of the time of the next mode …
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fwdrev.modes.core.engine import Direction
from fwdrev.modes.errors import Raised
from fwdrev.modes.functions.mode_costs import ModeCosts
from fwdrev.modes.functions.product_check import Products
from fwdrev.modes.jaxpr.cost import unknown_text

AUTO = "auto"

FORWARD, MIXED = str(Direction.FORWARD), str(Direction.MIXED)

REVERSE = str(Direction.REVERSE)
"""The default mode, that of jax.jacobian and torch.func.jacrev."""

_TIED = 0.98
"""The share of reverse mode's expected seconds from which another mode saves too little."""

_MORE, _EXTRA = 1.25, 200e6
"""The memory limit of another mode: this factor of reverse mode's memory, plus bytes."""

_QUESTIONABLE = 3.0
"""The factor on the least expected seconds beyond which a mode is not measured: counts are hardly ever that wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChoice:
    """Which mode, and why.

    `seconds` and `bytes`: the expected time and peak memory of a call by each mode, from counts; an uncounted mode is
    missing. `measured`: seconds by the clock, if requested. `reason` is half a sentence. `in_question`: the modes that
    a clock might prefer. `contradicted`: the modes give different values at this point.
    """

    mode: str = REVERSE
    reason: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    in_question: Sequence[str] = ()
    contradicted: bool = False

    def confirmed(self, found: Products | Raised) -> "ModeChoice":
        """Returns itself if the Jacobian's products by both modes agree, otherwise reverse mode."""
        if isinstance(found, Raised):  # an operation with no rule, or whose rule fails at run time
            return self.reversed(f"the modes cannot be compared ({type(found.error).__name__})")
        if found.agree:
            return self
        disagreement = self.reversed(f"forward and reverse mode do not agree: {found}")
        return replace(disagreement, contradicted=found.contradict)

    def reversed(self, reason: str) -> "ModeChoice":
        """Reverse mode in place of this choice."""
        return replace(self, mode=REVERSE, reason=reason)

    def __str__(self) -> str:
        """The mode with its reason, then one line for each mode."""
        from fwdrev.results.text.quantities import bytes_text, seconds_text

        lines = [f"{self.mode}: {self.reason}"]
        for mode, seconds in self.seconds.items():
            memory = f", {bytes_text(self.bytes[mode])}" if mode in self.bytes else ""
            measured = f", measured {seconds_text(self.measured[mode])}" if mode in self.measured else ""
            lines.append(f"  {mode}: expected {seconds_text(seconds)} compiled{memory}{measured}")
        return "\n".join(lines)


def by_counts(counted: ModeCosts) -> ModeChoice:
    """Chooses the mode with the least expected time among those that fit beside reverse mode."""
    costs, refused = counted.costs, dict(counted.refused)
    seconds = {mode: cost.seconds for mode, cost in costs.items()}
    sizes = {mode: cost.peak_bytes for mode, cost in costs.items()}
    facts: dict[str, Any] = {"seconds": seconds, "bytes": sizes}
    if REVERSE not in costs:
        mode = min(seconds, key=seconds.__getitem__, default=REVERSE)
        return ModeChoice(mode=mode, reason=f"reverse mode: {refused.get(REVERSE, 'not counted')}", **facts)
    most = _MORE * sizes[REVERSE] + _EXTRA
    fitting = {mode: each for mode, each in seconds.items() if mode == REVERSE or sizes[mode] <= most}
    refused |= dict.fromkeys(seconds.keys() - fitting.keys(), "it needs far more memory")
    unknown = [name for cost in costs.values() for name in cost.unknown]
    mode = min(fitting, key=fitting.__getitem__)
    mode = mode if fitting[mode] < _TIED * fitting[REVERSE] else REVERSE
    least = min(fitting.values())
    return ModeChoice(
        mode=mode,
        reason=_reason(mode, fitting, refused) + (f"; {unknown_text(unknown)}" if unknown else ""),
        in_question=[one for one, each in fitting.items() if each <= _QUESTIONABLE * least],
        **facts,
    )


def _reason(mode: str, seconds: Mapping[str, float], refused: Mapping[str, str]) -> str:
    """The reason: its lead over the next mode, and why others are excluded."""
    out = [f"{one} mode is out of the question: {why}" for one, why in refused.items()]
    others = [each for one, each in seconds.items() if one != mode]
    if others and mode == REVERSE and min(others) <= seconds[mode]:
        out.insert(0, f"counts expect no other mode to take less than {_TIED:.0%} of its time")
    elif others:
        out.insert(0, f"counts expect it to take {seconds[mode] / min(others):.2g} of the time of the next mode")
    return "; ".join(out)
