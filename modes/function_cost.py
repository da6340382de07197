"""What a function's Jacobian costs by either mode, as XLA counts it: nothing is compiled and nothing is run.

    counted = cost_by_mode(f, (x,))
    counted["forward"].weight, counted["reverse"].weight
    cheaper_by_counts(f, (x,))                                # "forward" or "reverse"

Only shapes and dtypes of the point matter, and the functions may be called while JAX is tracing: then arguments, and
what the function closes over, may be tracers.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, jaxpr_as_fun

from fwdrev.modes.interface import Direction
from fwdrev.modes.jacobians import Argnums, Function, Pytree, curried, jacobian_by, selected

__all__ = [
    "BYTE",
    "MODES",
    "TRANSCENDENTAL",
    "FunctionCost",
    "cheaper_by_counts",
    "cost_by_mode",
    "cost_of",
    "counted",
]

MODES = (str(Direction.FORWARD), str(Direction.REVERSE))

TRANSCENDENTAL = 20.0
"""Floating point operations that a sine or an exponential stands for: about 1 ns, in which a product does 20."""

BYTE = 0.5
"""Floating point operations that a byte stands for. XLA counts before it fuses, so most of these bytes never leave the
processor: an operation on float32 moves 12 of them and stands for 7, about 0.3 ns where a product does 20 in 1 ns."""


_CALL = 5e-6
"""Seconds of a call that does nothing."""

_OPERATION = 5e-11
"""Seconds of a floating point operation of a matrix product, of which a core does some 20 in 1 ns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCost:
    """XLA's counts of a program before it optimises; the body of a loop is counted once."""

    flops: float
    transcendentals: float
    bytes_accessed: float

    @property
    def weight(self) -> float:
        """All of it in floating point operations of a matrix product, so that two programs can be compared."""
        return self.flops + TRANSCENDENTAL * self.transcendentals + BYTE * self.bytes_accessed

    @property
    def seconds(self) -> float:
        """A guess at the time of a call, good for comparing programs and for little else."""
        return _CALL + _OPERATION * self.weight


def cost_of(f: Callable[..., Any], *args: Pytree) -> FunctionCost:
    """Of a function at arrays, or at anything that has their shapes and dtypes."""
    return counted(jax.make_jaxpr(f)(*args))


def counted(closed: ClosedJaxpr) -> FunctionCost:
    """Of a function that JAX has traced."""
    consts = [jax.ShapeDtypeStruct(jnp.shape(const), jnp.result_type(const)) for const in closed.consts]  # type: ignore[no-untyped-call]

    def program(consts: Sequence[Any], args: Sequence[Any]) -> Sequence[Any]:
        # constants are arguments here: written into the program they would be copied, and tracers cannot be
        return jaxpr_as_fun(ClosedJaxpr(closed.jaxpr, consts))(*args)  # type: ignore[no-any-return]

    counts = jax.jit(program).lower(consts, closed.in_avals).cost_analysis() or {}
    flops, transcendentals, moved = (
        max(float(counts.get(name, 0.0)), 0.0) for name in ("flops", "transcendentals", "bytes accessed")
    )
    return FunctionCost(flops=flops, transcendentals=transcendentals, bytes_accessed=moved)


def cost_by_mode(
    f: Function,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> dict[str, FunctionCost]:
    """The cost by each mode that gives what jax.jacobian gives.

    A mode is left out where JAX refuses it (forward mode through a custom_vjp, reverse mode through a while_loop), and
    forward mode also where its result has other dtypes. Both are, where Python branches on values of the arguments.
    """
    at = curried(f, argnums, args, dict(kwargs or {}))
    wanted = selected(argnums, args)
    options = {"has_aux": has_aux, "holomorphic": holomorphic, "allow_int": allow_int}
    costs: dict[str, FunctionCost] = {}
    results = {}
    for mode in MODES:
        jacobian = jacobian_by(at, mode, **options)
        try:
            closed = jax.make_jaxpr(jacobian)(wanted)
            costs[mode] = counted(closed)
        except Exception:  # noqa: BLE001, S112 - whatever f raises, the user sees it when the Jacobian is computed
            continue
        results[mode] = [(out.shape, out.dtype) for out in closed.out_avals]
    if len(costs) == len(MODES) and results[MODES[0]] != results[MODES[1]]:
        del costs[MODES[0]]
    return costs


def cheaper_by_counts(
    f: Function,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    **options: Any,  # noqa: ANN401
) -> str:
    """The mode whose counts weigh less; "reverse", which is what jax.jacobian does, where neither can be counted."""
    costs = cost_by_mode(f, args, kwargs, **options)
    return min(costs, key=lambda mode: costs[mode].weight, default=str(Direction.REVERSE))
