"""What a function's Jacobian costs by each mode, by counts: nothing is compiled and nothing is run.

    costs = cost_by_mode({"forward": jax.jacfwd(f), "reverse": jax.jacrev(f)}, (x,))
    costs["forward"].seconds, costs["reverse"].seconds

Only shapes and dtypes of the point matter, and the functions may be called while JAX is tracing: then arguments, and
what the function closes over, may be tracers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from fwdrev.modes.interface import Direction
from fwdrev.modes.jacobians import Argnums, Function, curried, selected
from fwdrev.modes.jaxpr_cost import JaxprCost, cost_of_jaxpr

__all__ = ["cost_by_mode"]


def cost_by_mode(
    jacobians: Mapping[str, Function],
    args: Sequence[Any],
    kwargs: Mapping[str, Any] | None = None,
    *,
    argnums: Argnums = 0,
) -> dict[str, JaxprCost]:
    """The cost by each mode that gives what reverse mode, which is jax.jacobian, gives.

    A mode is left out where JAX refuses it (forward mode through a custom_vjp, reverse mode through a while_loop), or
    where its result has other dtypes, as that of forward mode may. All are, where Python branches on values.
    """
    wanted = selected(argnums, args)
    costs: dict[str, JaxprCost] = {}
    results = {}
    for mode, jacobian in jacobians.items():
        at = curried(jacobian, argnums, args, dict(kwargs or {}))
        try:
            closed = jax.make_jaxpr(at)(wanted)
            costs[mode] = cost_of_jaxpr(closed)
        except Exception:  # noqa: BLE001, S112 - whatever f raises, the user sees it when the Jacobian is computed
            continue
        results[mode] = [(out.shape, out.dtype) for out in closed.out_avals]
    expected = results.get(str(Direction.REVERSE))
    return {mode: cost for mode, cost in costs.items() if expected is None or results[mode] == expected}
