"""A delay that is put into an arm on purpose, so that what should find it can be tested.

forward@64,16=0.05      that arm in that cell takes 5 % longer
forward=0.05            everywhere
mode:reverse=0.05       every arm that goes in reverse
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fwdrev.bench.records.arguments import cell_of
from fwdrev.bench.records.observation import Cell
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import find_engine

__all__ = ["Delay", "delay_of", "share_of"]

_BY_JAX = {"jacfwd": Direction.FORWARD, "jacrev": Direction.REVERSE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """`share` of an arm's own time, in one cell or in all; `arm` or, where that is None, all of a `direction`."""

    arm: str | None = None
    direction: Direction | None = None
    cell: Cell | None = None
    share: float

    def meets(self, arm: str, cell: Cell) -> bool:
        """Whether that arm is delayed in that cell."""
        if self.cell not in {None, cell}:
            return False
        return arm == self.arm if self.direction is None else _direction(arm) is self.direction


def delay_of(text: str) -> Delay:
    """What a user wrote; raises InputError with what to write."""
    where, _, share = text.rpartition("=")
    arm, _, cell = where.partition("@")
    try:
        direction = Direction(arm.removeprefix("mode:")) if arm.startswith("mode:") else None
        number = float(share)
    except ValueError:
        number = -1.0
    if not arm or not 0 <= number < float("inf"):
        msg = f"delay {text!r}: write ARM@n,m=share, ARM=share or mode:forward=share, e.g. forward@64,16=0.05"
        raise InputError(msg)
    return Delay(
        arm=arm if direction is None else None,
        direction=direction,
        cell=cell_of(cell) if cell else None,
        share=number,
    )


def share_of(delays: Iterable[Delay], arm: str, cell: Cell) -> float:
    """All that meets an arm in a cell."""
    return sum((delay.share for delay in delays if delay.meets(arm, cell)), 0.0)


def _direction(arm: str) -> Direction | None:
    if ":" in arm:
        return _BY_JAX.get(arm.partition(":")[0])
    found = find_engine(arm)
    return None if found is None else found.direction
