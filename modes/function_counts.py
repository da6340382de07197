"""What XLA counts of the ways to compute a Jacobian, before it optimises or compiles anything.

The counts of loops are those of one pass through them, which is the same for every arm.
"""

from collections.abc import Mapping
from typing import Any

from fwdrev.modes.function import FlatFunction
from fwdrev.modes.function_arms import FunctionArm
from fwdrev.modes.function_cost import FunctionCost

__all__ = ["counts_of_arms"]


def counts_of_arms(
    found: FlatFunction, arms: Mapping[str, FunctionArm]
) -> tuple[dict[str, FunctionCost], dict[str, str]]:
    """The counts of each arm, and why others have none; costs a trace of each and no compilation."""
    counts: dict[str, FunctionCost] = {}
    reasons: dict[str, str] = {}
    for name, arm in arms.items():
        try:
            analysis: Any = arm.program().lower(*found.args).cost_analysis()  # type: ignore[attr-defined] # of jax.jit
        except Exception as error:  # noqa: BLE001 - the user's code, or a rule that JAX has not
            reasons[name] = f"{type(error).__name__}: {' '.join(str(error).split())}"
            continue
        if analysis is None:
            reasons[name] = "this device's compiler does not count"
            continue
        keys = ("flops", "transcendentals", "bytes accessed")
        flops, transcendentals, moved = (max(0.0, float(analysis.get(key, 0.0))) for key in keys)
        counts[name] = FunctionCost(flops=flops, transcendentals=transcendentals, bytes_accessed=moved)
    return counts, reasons
