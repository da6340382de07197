"""The ways to compute the Jacobian of a user's function, each with the line of code that does it.

arms, left_out = function_arms(flat_function(f, (x,)))
J = arms["forward"].program()(x)          # jax.jit(jax.jacfwd(f))(x)
arms["forward"].code                      # "jax.jit(jax.jacfwd(f))"
"""

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax

from fwdrev.modes.function import FlatFunction, Function
from fwdrev.modes.interface import Direction
from fwdrev.modes.jacobians import jacobian_by
from fwdrev.modes.jax_stages import mixed

__all__ = ["CHUNKED", "SMALL", "FunctionArm", "argnums_code", "chunked_arm", "function_arms"]

CHUNKED = {Direction.FORWARD: "forward-chunked", Direction.REVERSE: "reverse-chunked"}
"""What a mode is called when its passes are made in chunks."""

_LARGE = 1 << 25
"""Bytes that the passes hold all at once, from which chunks are worth a look: beyond what a core has of any cache."""

SMALL = 1 << 22
"""Bytes that a chunk should hold: what fits into a processor's own cache."""

_TRANSFORMS = {Direction.FORWARD: "jax.jacfwd", Direction.REVERSE: "jax.jacrev"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionArm:
    """A way to compute the Jacobian: `program` makes the jitted function of the arguments, `code` is its text."""

    name: str
    code: str
    program: Callable[[], Function]


def function_arms(
    found: FlatFunction, stages: Mapping[str, Function] | None = None
) -> tuple[dict[str, FunctionArm], dict[str, str]]:
    """All arms there are for a function, by name, and why others are left out.

    `stages`, by name in the order in which they are applied, make up the function. Chunks need to know the memory of a
    batch first: see `chunked_arm`.
    """
    arms = {direction.value: _plain(found, direction) for direction in _TRANSFORMS}
    left_out: dict[str, str] = {}
    for name, arm in (("mixed", _mixed(found, stages or {})), ("coloured", _coloured(found))):
        if isinstance(arm, FunctionArm):
            arms[name] = arm
        elif arm is not None:
            left_out[name] = arm
    return arms, left_out


def chunked_arm(found: FlatFunction, direction: Direction, held: int) -> FunctionArm | None:
    """The same passes in chunks, where all at once hold that many bytes; None where chunks are not worth it."""
    passes = found.n if direction is Direction.FORWARD else found.m
    if held < _LARGE or passes < 2:  # noqa: PLR2004 - nothing to divide
        return None
    chunk = 1 << max(0, (passes * SMALL // held).bit_length() - 1)
    if chunk >= passes:
        return None

    def program() -> Function:
        return _jitted(found, jacobian_by(found.function, direction.value, found.argnums, chunk=chunk))

    made = f'fwdrev.jacobian({found.name}{argnums_code(found)}, mode="{direction.value}", chunk={chunk})'
    return FunctionArm(name=CHUNKED[direction], code=_jit_code(found, made), program=program)


def _plain(found: FlatFunction, direction: Direction) -> FunctionArm:
    def program() -> Function:
        return _jitted(found, jacobian_by(found.function, direction.value, found.argnums))

    made = f"{_TRANSFORMS[direction]}({found.name}{argnums_code(found)})"
    return FunctionArm(name=direction.value, code=_jit_code(found, made), program=program)


def _mixed(found: FlatFunction, stages: Mapping[str, Function]) -> FunctionArm | str | None:
    """Brackets between the stages; None without stages."""
    if not stages:
        return None
    if len(found.args) > 1:
        return "stages that are applied one after the other take one argument"

    def program() -> Function:
        return _jitted(found, mixed(list(stages.values())))

    made = f'fwdrev.jacobian([{", ".join(stages)}], mode="mixed")'
    return FunctionArm(name="mixed", code=_jit_code(found, made), program=program)


def _coloured(found: FlatFunction) -> FunctionArm | str | None:
    """Several columns, or rows, in each pass, where the Jacobian is sparse: by asdex, where that is installed."""
    if found.batch is not None:
        return "a batch of sparse Jacobians is not tried"
    spec = importlib.util.find_spec("asdex")
    if spec is None or spec.origin is None:  # a folder of that name is no package
        return "asdex is not installed: pip install 'fwdrev[sparse]' lets a sparse Jacobian be tried"
    try:
        asdex: Any = importlib.import_module("asdex")
        coloring = asdex.jacobian_coloring(found.function, *found.args, argnums=found.argnums)
    except Exception as error:  # noqa: BLE001 - whatever it cannot do, there are the other arms
        return f"asdex does not get as far as a pattern: {type(error).__name__}: {' '.join(str(error).split())}"
    colours = int(coloring.num_colors)
    if colours >= min(found.n, found.m):
        return f"the pattern of the Jacobian needs {colours} passes, no fewer than a dense one"

    def program() -> Function:
        return jax.jit(asdex.jacobian_from_coloring(found.function, coloring))

    shape = "x" if len(found.args) == 1 else "*args"
    made = f"asdex.jacobian_coloring({found.name}, {shape}{argnums_code(found)})"
    code = f"jax.jit(asdex.jacobian_from_coloring({found.name}, {made}))  # {colours} colours; sparse"
    return FunctionArm(name="coloured", code=code, program=program)


def _jitted(found: FlatFunction, jacobian: Function) -> Function:
    program: Function = jax.jit(jacobian if found.batch is None else jax.vmap(jacobian))
    return program


def argnums_code(found: FlatFunction) -> str:
    """As it stands in a call, after the function; nothing where there is one argument."""
    return "" if found.argnums == 0 else f", argnums={found.argnums}"


def _jit_code(found: FlatFunction, made: str) -> str:
    return f"jax.jit({made})" if found.batch is None else f"jax.jit(jax.vmap({made}))"
