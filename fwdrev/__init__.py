"""fwdrev measures when a Jacobian is cheaper by forward mode and when by reverse mode.

    import fwdrev

    p = fwdrev.problem("driven", n=256, m=64)
    J = fwdrev.engine("forward").prepare(p.chain, wrt="theta")(p.x, p.theta)     # (64, 256)
    run = fwdrev.load("runs/today")

Importing it is light: everything is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fwdrev.modes.chain import Chain, Wrt
    from fwdrev.modes.errors import FwdrevError, InputError, NothingMeasuredError, UnavailableError
    from fwdrev.modes.jax_layer import JaxLayer
    from fwdrev.modes.registry import engine, engine_names, problem, problem_names
    from fwdrev.results.journal import load

__all__ = [
    "Chain",
    "FwdrevError",
    "InputError",
    "JaxLayer",
    "NothingMeasuredError",
    "UnavailableError",
    "Wrt",
    "engine",
    "engine_names",
    "load",
    "problem",
    "problem_names",
]

_HOMES = {
    "fwdrev.modes.chain": ("Chain", "Wrt"),
    "fwdrev.modes.errors": ("FwdrevError", "InputError", "NothingMeasuredError", "UnavailableError"),
    "fwdrev.modes.jax_layer": ("JaxLayer",),
    "fwdrev.modes.registry": ("engine", "engine_names", "problem", "problem_names"),
    "fwdrev.results.journal": ("load",),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(module), name)
    msg = f"module 'fwdrev' has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return __all__
