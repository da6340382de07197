"""Which engines to compare: by default a forward and a reverse one of the same library."""

from collections.abc import Sequence

from fwdrev.modes.engine import Direction
from fwdrev.modes.registry import engine

__all__ = ["default_pairs"]


def default_pairs(engines: Sequence[str]) -> list[tuple[str, str]]:
    """Every forward engine with every reverse engine of the same library, in order."""
    facts = {name: engine(name) for name in engines}
    return [
        (one, other)
        for one in engines
        for other in engines
        if facts[one].direction is Direction.FORWARD
        and facts[other].direction is Direction.REVERSE
        and facts[one].library == facts[other].library
    ]
