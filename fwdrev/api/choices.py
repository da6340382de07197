"""A choice of mode by counts, its reason, and the table of what was chosen for which arguments.

    choice = by_counts(counted)
    choices = Choices()
    choices.keep(key, Chosen(function=jax.jacrev(f), choice=choice))
    choices.find(key)                     # Chosen, or None

Arrays enter a key by shape and dtype, everything else by its value: an integer, a function or an enum may decide which
program the function is. Where the first values in a row all led to the same choice, the next ones are taken to do so.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fwdrev.modes.core.engine import Direction
from fwdrev.modes.functions.mode_costs import Counted
from fwdrev.modes.functions.product_check import Products
from fwdrev.modes.jaxpr.cost import unknown_text

__all__ = ["REVERSE", "Choices", "Chosen", "Key", "ModeChoice", "by_counts"]

REVERSE = str(Direction.REVERSE)
"""What jax.jacobian and torch.func.jacrev do, where nothing speaks for another mode."""

_TIED = 0.98
"""Of the seconds expected of reverse mode: from there on another mode saves too little to leave it."""

_MORE, _EXTRA = 1.25, 200e6
"""Times the memory of reverse mode, and bytes on top: what another mode may need."""

_QUESTIONABLE = 3.0
"""Times the least seconds expected: counts have hardly ever been wrong by that, so what is beyond is not measured."""

_MOST = 1024
"""Choices that are kept: a loop that makes new shapes for ever must not grow for ever."""

_ALIKE = 8
"""Values of other arguments that have to lead to the same choice before the next value is taken to do so as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChoice:
    """Which mode, and why.

    `seconds` and `bytes`: what counts expect of a call by each mode, and at its peak; a mode that was not counted is
    missing. `measured`: seconds by the clock, if asked for. `reason` is half a sentence. `in_question`: the modes that
    a clock might prefer. `contradicted`: the modes give different values at this point.
    """

    mode: str
    reason: str
    seconds: Mapping[str, float] = field(default_factory=dict)
    bytes: Mapping[str, int] = field(default_factory=dict)
    measured: Mapping[str, float] = field(default_factory=dict)
    in_question: Sequence[str] = ()
    contradicted: bool = False

    def refuted(self, found: Products) -> "ModeChoice":
        """Reverse mode in its place, since the products of the Jacobian by both modes do not agree."""
        reason = f"forward and reverse mode do not agree: {found}"
        return replace(self, mode=REVERSE, reason=reason, contradicted=found.contradict)

    def __str__(self) -> str:
        """The mode with its reason, then a line for each mode."""
        from fwdrev.results.text.quantities import bytes_text, seconds_text

        lines = [f"{self.mode}: {self.reason}"]
        for mode, seconds in self.seconds.items():
            memory = f", {bytes_text(self.bytes[mode])}" if mode in self.bytes else ""
            measured = f", measured {seconds_text(self.measured[mode])}" if mode in self.measured else ""
            lines.append(f"  {mode}: expected {seconds_text(seconds)}{memory}{measured}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The Jacobian to call and the choice that it follows; `outputs`: shapes and dtypes of the function's value."""

    function: Callable[..., Any]
    choice: ModeChoice
    outputs: Hashable = None


def by_counts(counted: Counted) -> ModeChoice:
    """The mode of which the least time is expected among those that fit beside reverse mode."""
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
    """By how much it is better than the next one, and why others are out of the question."""
    others = sorted(each for one, each in seconds.items() if one != mode)
    out = [f"{one} mode is out of the question: {why}" for one, why in refused.items()]
    if not others:
        return "; ".join(out)
    if mode == REVERSE and others[0] <= seconds[mode]:
        return "; ".join([f"counts expect no other mode to take less than {_TIED:.0%} of its time", *out])
    return "; ".join([f"counts expect it to take {seconds[mode] / others[0]:.2g} of the time of the next mode", *out])


@dataclass(frozen=True, slots=True)
class Key:
    """Of arguments: their tree with the kind of each leaf, and the same with the types of values in their place."""

    exact: Hashable
    family: Hashable

    @classmethod
    def of(cls, tree: Hashable, kinds: Sequence[tuple[Any, Any]], setting: Hashable = None) -> "Key":
        """From the exact and the family kind of each leaf."""
        exact, family = (tuple([kind[i] for kind in kinds]) for i in (0, 1))
        return cls((tree, exact, setting), (tree, family, setting))


class Choices:
    """A bounded table. Keys that cannot be hashed or compared are never found and never kept; neither is None."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._known: OrderedDict[Hashable, Chosen] = OrderedDict()
        self._families: OrderedDict[Hashable, tuple[Chosen, int] | None] = OrderedDict()
        self.of = self._known.get
        """Looks an exact key up; raises what hashing and comparing it raise."""

    def find(self, key: Key | None) -> Chosen | None:
        """The choice for it, or that of the first values in a row if they all led to the same one."""
        if key is None:
            return None
        try:
            known = self._known.get(key.exact)
            alike = self._families.get(key.family) if known is None else None
            if alike is not None and alike[1] >= _ALIKE:
                known = alike[0]
                _put(self._known, key.exact, known)
        except Exception:  # noqa: BLE001 - values of users, which may raise anything when they are compared
            return None
        return known

    def keep(self, key: Key | None, chosen: Chosen) -> None:
        """From now on this is what is chosen for that key."""
        if key is None:
            return
        try:
            before = self._families.get(key.family, (chosen, 0))
            alike = before is not None and _same(before[0], chosen)
            _put(self._families, key.family, (chosen, before[1] + 1) if before is not None and alike else None)
            _put(self._known, key.exact, chosen)
        except Exception:  # noqa: BLE001, S110 - as above: it is decided afresh at each call
            pass


def _same(one: Chosen, other: Chosen) -> bool:
    return (one.choice.mode, one.outputs) == (other.choice.mode, other.outputs)


def _put(table: OrderedDict[Hashable, Any], key: Hashable, value: Any) -> None:  # noqa: ANN401 - any value
    table[key] = value
    table.move_to_end(key)
    if len(table) > _MOST:
        table.popitem(last=False)
