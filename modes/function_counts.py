"""What the ways to compute a user's function's Jacobian cost by counts: a trace of each, nothing compiled."""

from collections.abc import Mapping

from fwdrev.modes.function import FlatFunction
from fwdrev.modes.function_arms import CHUNKED, FunctionArm, chunked_arm
from fwdrev.modes.jaxpr_cost import JaxprCost, cost_of

__all__ = ["costs_of_arms"]

_HELD = 2
"""Arrays as large as the largest one that a program may hold at once: XLA held 2 to 4 where it was measured."""

_BEYOND = 1.5
"""Times the result: an array that is no larger than this is taken for the result itself, which chunks do not divide."""


def costs_of_arms(
    found: FlatFunction, arms: Mapping[str, FunctionArm]
) -> tuple[dict[str, FunctionArm], dict[str, JaxprCost], dict[str, str]]:
    """All arms, those in chunks included that are worth a try; the cost of each, and why others have none."""
    costs, reasons = _costs(found, arms)
    chunked = _chunked(found, costs)
    more, without = _costs(found, chunked)
    return {**arms, **chunked}, costs | more, reasons | without


def _costs(found: FlatFunction, arms: Mapping[str, FunctionArm]) -> tuple[dict[str, JaxprCost], dict[str, str]]:
    costs: dict[str, JaxprCost] = {}
    reasons: dict[str, str] = {}
    for name, arm in arms.items():
        try:
            costs[name] = cost_of(arm.program(), *found.args)
        except Exception as error:  # noqa: BLE001 - the user's code, or a rule that JAX has not
            reasons[name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return costs, reasons


def _chunked(found: FlatFunction, costs: Mapping[str, JaxprCost]) -> dict[str, FunctionArm]:
    """By the largest array of each mode's program."""
    made = {}
    for direction, name in CHUNKED.items():
        cost = costs.get(direction)
        if cost is None or cost.largest_bytes <= _BEYOND * cost.result_bytes:
            continue
        arm = chunked_arm(found, direction, _HELD * cost.largest_bytes)
        if arm is not None:
            made[name] = arm
    return made
