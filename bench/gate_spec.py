"""What a gate measures: a plane whose arms may also be functions of the project at hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fwdrev.bench.side import CONTROL
from fwdrev.bench.spec import SweepSpec, make_spec
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import find_engine

__all__ = ["ARMS", "PLANE", "gate_spec"]

PLANE: Mapping[str, Any] = {
    "inputs": "8:256:*2",
    "outputs": "4:256:*4",
    "rounds": 10,
    "blocks": 6,
    "block_seconds": 2e-3,
}
"""24 cells on both sides of the crossover of `driven`, and more rounds of fewer blocks than a sweep has: what varies
here is from one pair of processes to the next."""

ARMS = ("forward", "reverse")
"""What is compared where no arm is named."""


_DONE = ("jacfwd", "jacrev")
"""What is done to a function, before its name."""


def gate_spec(
    given: Mapping[str, Any], arms: Sequence[str] | None = None, *, looked_up_later: bool = False
) -> SweepSpec:
    """`PLANE` with what is given. An arm is an engine or a function, MODULE:FUNCTION; each side looks for its own.

    `looked_up_later`: engines that are not known here may be known to a side, see `fwdrev.bench.lookup`.
    Raises InputError where no arm is named, for one that cannot be meant, and as `make_spec` does.
    """
    names = list(ARMS if arms is None else arms)
    if not names:
        msg = f"engines {','.join(names)!r}: name at least one"
        raise InputError(msg)
    for name in names:
        _check_name(name)
    if len(set(names)) < len(names):
        msg = f"engines {', '.join(names)}: name each one once"
        raise InputError(msg)
    engines = [name for name in names if ":" not in name]
    known = [name for name in engines if not looked_up_later or find_engine(name) is not None]
    spec = make_spec({**PLANE, **given, "engines": known or ["forward"]})
    return spec.model_copy(update={"engines": names})


def _check_name(name: str) -> None:
    """Whether an arm can be called so."""
    if name == CONTROL:
        msg = f"engine {name!r}: that is what the work is called which both sides share, and is always measured"
        raise InputError(msg)
    if ":" not in name:
        return
    *how, where, function = name.split(":")
    dotted = all(part.isidentifier() for part in where.split("."))
    if dotted and function.isidentifier() and (not how or (len(how) == 1 and how[0] in _DONE)):
        return
    hint = f": MODULE is {Path(where).stem}, without .py, where that can be imported" if where.endswith(".py") else ""
    msg = (
        f"function {name!r}: write it as MODULE:FUNCTION, or its Jacobian as jacfwd:MODULE:FUNCTION or "
        f"jacrev:MODULE:FUNCTION{hint}"
    )
    raise InputError(msg)
