"""Which engines to compare: by default a forward and a reverse one of the same library."""

from collections.abc import Sequence

from fwdrev.modes.core.engine import Direction
from fwdrev.modes.registry import find_engine

__all__ = ["default_pairs"]


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
