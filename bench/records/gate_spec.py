"""The specification of a gate: a plane whose arms may also be functions of the user's project."""

from collections.abc import Mapping, Sequence
from typing import Any

from fwdrev.bench.records.parsing import all_functions, beside, each_once, is_function, names_function
from fwdrev.bench.records.sides import CONTROL, function_of
from fwdrev.bench.records.spec import SweepSpec, checked_spec, make_spec
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import find_engine

PLANE: Mapping[str, Any] = {
    "inputs": "8:256:*2",
    "outputs": "4:256:*4",
    "rounds": 10,
    "blocks": 6,
    "block_seconds": 2e-3,
}
"""24 cells on both sides of the crossover of `driven`, with more rounds of fewer blocks than a sweep: the variation
here is between pairs of processes."""

FUNCTIONS: Mapping[str, Any] = {"inputs": "1000", "outputs": "1", "rounds": 14, "blocks": 24, "block_seconds": 2e-3}
"""One size. Starting a round takes about a second, its blocks half of that. The variation that remains is where
code and arrays lie: it moves times by some per cent between processes, and only more rounds average it out."""

ARMS = ("forward", "reverse")
"""The arms to compare by default."""


def gate_spec(
    given: Mapping[str, Any], arms: Sequence[str] | None = None, *, looked_up_later: bool = False
) -> SweepSpec:
    """`PLANE` with the given fields. An arm is an engine or a function, MODULE:FUNCTION; each side looks for its own.

    `looked_up_later`: a side may know engines that are unknown here, see `fwdrev.bench.revisions.lookup`.
    Raises InputError where no arm is named, for an impossible name, and as `make_spec` does.
    """
    names = list(ARMS if arms is None else arms)
    if not names:
        raise InputError(f"engines {','.join(names)!r}: name at least one")
    for name in names:
        if name == CONTROL:
            raise InputError(
                f"engine {name!r}: that is what the work is called which both sides share, and is always measured"
            )
        if names_function(name) and not is_function(function_of(name)):
            raise InputError(
                f"function {name!r}: write it as MODULE:FUNCTION or FILE.py:FUNCTION, or its Jacobian as "
                "jacfwd:MODULE:FUNCTION or jacrev:MODULE:FUNCTION"
            )
    each_once(names)
    if all_functions(names):
        return checked_spec({**FUNCTIONS, **given, "engines": names})
    engines = [name for name in names if not names_function(name)]
    known = [name for name in engines if not looked_up_later or find_engine(name) is not None]
    spec = make_spec({**PLANE, **given, "engines": known or ["forward"]})
    return spec.model_copy(update={"engines": names})


def points_of(arms: Sequence[str], text: str | None) -> dict[str, str]:
    """The point of each function: `text` is one for all, or one for each in their order, with commas between.

    A point that names no module is looked for beside its function.

    Raises InputError for any other number of points, and for a point not written as MODULE:FUNCTION or FUNCTION.
    """
    functions = [name for name in arms if names_function(name)]
    if text is None:
        return {}
    points = [part.strip() for part in text.split(",")]
    if len(points) == 1:
        points *= len(functions)
    wheres = [function_of(name).rpartition(":")[0] for name in functions]
    if len(points) == len(wheres):
        points = list(map(beside, wheres, points))
    for point in points:
        if not is_function(point):
            msg = f"--point {point!r}: name the function that returns the input, FUNCTION or MODULE:FUNCTION"
            raise InputError(msg)
    if len(points) != len(functions):
        raise InputError(
            f"--point {text}: {len(points)} points for {len(functions)} functions ({', '.join(functions)}): "
            "give one for all, or one for each, in their order"
        )
    return dict(zip(functions, points, strict=True))
