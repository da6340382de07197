"""The engines to compare: a forward and a reverse one, by default of the same library."""

from collections.abc import Sequence

from fwdrev.modes.core.engine import Direction
from fwdrev.modes.registry import find_engine

_RECURSIONS = ("forward", "reverse")


def default_pairs(engines: Sequence[str]) -> list[tuple[str, str]]:
    """Every forward engine with every reverse engine of the same library, in order."""
    facts = {name: found for name in engines if (found := find_engine(name)) is not None}
    return [
        (one, other)
        for one in facts
        for other in facts
        if facts[one].direction is Direction.FORWARD
        and facts[other].direction is Direction.REVERSE
        and facts[one].library == facts[other].library
    ]


def default_pair(engines: Sequence[str]) -> tuple[str, str]:
    """`forward` and `reverse`, or the first default pair of engines that lack one of these."""
    pairs = default_pairs(engines)
    return _RECURSIONS if _RECURSIONS in pairs or not pairs else pairs[0]


def forward_first(pair: tuple[str, str]) -> tuple[str, str] | None:
    """The pair with its forward engine first; None unless it has one forward and one reverse engine."""
    names = {engine.direction: name for name in pair if (engine := find_engine(name)) is not None}
    forward, reverse = names.get(Direction.FORWARD), names.get(Direction.REVERSE)
    return None if forward is None or reverse is None else (forward, reverse)
