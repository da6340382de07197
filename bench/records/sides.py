"""Records of the two sides of a comparison, base and head; `bench.revisions` measures them.

Beside the requested arms there is `CONTROL`, the same work on both sides: its differences are noise.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fwdrev.bench.records.observation import ArmResult, Cell
from fwdrev.bench.records.parsing import cell_of
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import find_engine

CONTROL = "control"
"""The arm with the same work on both sides; `bench.revisions.side` uses the same name."""

_JACOBIANS = {"jacfwd": Direction.FORWARD, "jacrev": Direction.REVERSE}
"""The transformation of a function, written before the function's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SideObservation:
    """The results of both sides for one cell in one round; values are paired by arm and position.

    An arm that could not be measured appears once, with its reason, and not in later rounds. Counts are in the first
    round. `seconds`: the wall time of the visit.
    """

    round: int
    cell: Cell
    base: Mapping[str, ArmResult]
    head: Mapping[str, ArmResult]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacking:
    """The side that lacks an arm, base or head, and the reason."""

    side: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """A delay: `share` of an arm's own time, in one cell or in all; for `arm`, or for all of a `direction`."""

    arm: str | None = None
    direction: Direction | None = None
    cell: Cell | None = None
    share: float

    def meets(self, arm: str, cell: Cell) -> bool:
        """Whether that arm is delayed in that cell."""
        if self.cell not in {None, cell}:
            return False
        return arm == self.arm if self.direction is None else direction_of(arm) is self.direction


def delay_of(text: str) -> Delay:
    """Parses a delay; raises InputError with examples."""
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
        arm=arm if direction is None else None, direction=direction, cell=cell_of(cell) if cell else None, share=number
    )


def share_of(delays: Iterable[Delay], arm: str, cell: Cell) -> float:
    """The sum of the delays of an arm in a cell."""
    return sum((delay.share for delay in delays if delay.meets(arm, cell)), 0.0)


def direction_of(arm: str) -> Direction:
    """The direction of the engine, or of the transformation of the function."""
    found = find_engine(arm)
    return found.direction if found is not None else _JACOBIANS.get(arm.partition(":")[0], Direction.NONE)


def function_of(arm: str) -> str:
    """The name of the function whose Jacobian an arm is; any other arm as it is."""
    how, _, function = arm.partition(":")
    return function if how in _JACOBIANS and ":" in function else arm
