"""What a function's Jacobian costs by either mode, by counts: nothing is compiled and nothing is run.

    costs = cost_by_mode(f, (x,))
    costs["forward"].seconds, costs["reverse"].seconds
    cheaper_by_counts(f, (x,))                                # "forward" or "reverse"

Only shapes and dtypes of the point matter, and the functions may be called while JAX is tracing: then arguments, and
what the function closes over, may be tracers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from fwdrev.modes.interface import Direction
from fwdrev.modes.jacobians import Argnums, Function, curried, jacobian_by, selected
from fwdrev.modes.jaxpr_cost import JaxprCost, counted

__all__ = ["MODES", "cheaper_by_counts", "cost_by_mode"]

MODES = (str(Direction.FORWARD), str(Direction.REVERSE))


def cost_by_mode(
    f: Function,
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    argnums: Argnums = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    allow_int: bool = False,
) -> dict[str, JaxprCost]:
    """The cost by each mode that gives what jax.jacobian gives.

    A mode is left out where JAX refuses it (forward mode through a custom_vjp, reverse mode through a while_loop), and
    forward mode also where its result has other dtypes. Both are, where Python branches on values of the arguments.
    """
    at = curried(f, argnums, args, dict(kwargs or {}))
    wanted = selected(argnums, args)
    options = {"has_aux": has_aux, "holomorphic": holomorphic, "allow_int": allow_int}
    costs: dict[str, JaxprCost] = {}
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
    """The mode that takes less time by counts; "reverse", as jax.jacobian does, where neither can be counted."""
    costs = cost_by_mode(f, args, kwargs, **options)
    return min(costs, key=lambda mode: costs[mode].seconds, default=str(Direction.REVERSE))
