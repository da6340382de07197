"""What a gate measures: a plane whose arms may also be functions of the project at hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from fwdrev.bench.spec import SweepSpec, make_spec
from fwdrev.modes.errors import InputError

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


def gate_spec(given: Mapping[str, Any], arms: Sequence[str] | None = None) -> SweepSpec:
    """`PLANE` with what is given. An arm is an engine or a function, MODULE:FUNCTION; each side looks for its own.

    Raises InputError where no arm is named, and as `make_spec` does.
    """
    names = list(ARMS if arms is None else arms)
    if not names:
        msg = f"engines {','.join(names)!r}: name at least one"
        raise InputError(msg)
    known = [name for name in names if ":" not in name]
    spec = make_spec({**PLANE, **given, "engines": known or ["forward"]})
    return spec.model_copy(update={"engines": names})
