"""What XLA counts of the ways to compute a Jacobian, before it optimises or compiles anything; and a guess at the time.

The counts of loops are those of one pass through them, which is the same for every arm.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fwdrev.modes.function import FlatFunction
from fwdrev.modes.function_arms import FunctionArm

__all__ = ["Counts", "counted"]

_CALL = 5e-6
"""Seconds of a call that does nothing."""

_FLOP, _TRANSCENDENTAL, _BYTE = 1e-10, 2e-9, 5e-11
"""Seconds each: of one core at some GHz that uses its vector units now and then, with caches of 20 GB/s. Only their
proportions matter for what is recommended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one call: operations, elementary functions, and bytes read and written, as if nothing were fused."""

    flops: float
    transcendentals: float
    bytes_accessed: float

    @property
    def seconds(self) -> float:
        """A guess, in proportion to each of them."""
        work = _FLOP * self.flops + _TRANSCENDENTAL * self.transcendentals
        return _CALL + work + _BYTE * self.bytes_accessed


def counted(found: FlatFunction, arms: Mapping[str, FunctionArm]) -> tuple[dict[str, Counts], dict[str, str]]:
    """The counts of each arm, and why others have none; costs a trace of each and no compilation."""
    counts: dict[str, Counts] = {}
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
        counts[name] = Counts(flops=flops, transcendentals=transcendentals, bytes_accessed=moved)
    return counts, reasons
