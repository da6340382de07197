"""What the ways to compute a user's function's Jacobian cost by counts: a trace of each, nothing compiled."""

from collections.abc import Mapping
from dataclasses import dataclass

from fwdrev.modes.core.engine import Direction
from fwdrev.modes.functions.candidates import CHUNKED, FunctionArm, chunked_arm
from fwdrev.modes.functions.coloured import Sample
from fwdrev.modes.functions.probe import FlatFunction
from fwdrev.modes.functions.program import traced
from fwdrev.modes.jaxpr.cost import RATES, JaxprCost, cost_of_jaxpr, operations

__all__ = ["Counted", "chunks_of", "cost_of_arm", "cost_of_sample", "costs_of_arms"]

_HELD = 2
"""Arrays as large as the largest one that a program may hold at once: XLA held 2 to 4 where it was measured."""

_BEYOND = 1.5
"""Times the result: an array that is no larger than this is taken for the result itself, which chunks do not divide."""

_INDEX_BYTES = 8
"""Of a row's or a column's number in a sparse result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Of an arm: expected seconds of a call, bytes at the peak, operations that have to be compiled.

    `held`: bytes that all passes hold at once beyond the result; 0 where they hold no more than that. `unknown`: the
    primitives of which only sizes are counted.
    """

    seconds: float
    peak_bytes: int
    equations: int = 0
    held: int = 0
    unknown: tuple[str, ...] = ()


def cost_of_arm(found: FlatFunction, arm: FunctionArm) -> tuple[JaxprCost, Counted]:
    """By a trace; raises whatever the user's function raises, or a rule that JAX lacks."""
    closed, _ = traced(arm.program(), found.args, found.static)
    cost = cost_of_jaxpr(closed)
    held = _HELD * cost.largest_bytes if cost.largest_bytes > _BEYOND * cost.result_bytes else 0
    counted = Counted(
        seconds=cost.seconds,
        peak_bytes=cost.peak_bytes,
        equations=operations(closed),
        held=held,
        unknown=cost.unknown,
    )
    return cost, counted


def cost_of_sample(found: FlatFunction, sample: Sample, plain: Mapping[str, Counted]) -> Counted:
    """Of the arm with colours, before these are known: so many passes of the cheaper mode, and the entries gathered."""
    passes = {Direction.FORWARD.value: found.n, Direction.REVERSE.value: found.m}
    each = min((plain[mode].seconds / size for mode, size in passes.items() if mode in plain), default=0.0)
    item = found.x.itemsize
    return Counted(
        seconds=RATES["calls"] + sample.passes * each + RATES["gathered"] * sample.entries,
        peak_bytes=2 * sample.passes * (found.n + found.m) * item + sample.entries * (item + 2 * _INDEX_BYTES),
    )


def chunks_of(found: FlatFunction, mode: str, counted: Counted) -> FunctionArm | None:
    """The same passes in chunks, if those of all at once hold so much that it is worth a try."""
    if mode not in {direction.value for direction in CHUNKED}:
        return None
    return chunked_arm(found, Direction(mode), counted.held)


def costs_of_arms(
    found: FlatFunction, arms: Mapping[str, FunctionArm]
) -> tuple[dict[str, FunctionArm], dict[str, JaxprCost], dict[str, str]]:
    """All arms, those in chunks included that are worth a try; the cost of each, and why others have none."""
    every, costs, reasons = dict(arms), {}, {}
    waiting = list(arms.values())
    for arm in waiting:  # which grows
        try:
            costs[arm.name], counted = cost_of_arm(found, arm)
        except Exception as error:  # noqa: BLE001 - the user's code, or a rule that JAX has not
            reasons[arm.name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
            continue
        chunked = chunks_of(found, arm.name, counted)
        if chunked is not None:
            every[chunked.name] = chunked
            waiting.append(chunked)
    return every, costs, reasons
