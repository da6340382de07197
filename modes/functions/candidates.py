"""The ways to compute the Jacobian of a user's function, each with the line of code that does it.

arms, left_out = function_arms(flat_function(f, (x,)))
J = arms["forward"].program()(x)          # jax.jit(jax.jacfwd(f))(x)
arms["forward"].code                      # "jax.jit(jax.jacfwd(f))"
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import jax

from fwdrev.modes.core.engine import Direction
from fwdrev.modes.core.jacobians import jacobian_by
from fwdrev.modes.functions.probe import FlatFunction, Function
from fwdrev.modes.functions.program import jitted
from fwdrev.modes.functions.staged import mixed

__all__ = ["CHUNKED", "SMALL", "FunctionArm", "chunked_arm", "function_arms", "jit_code", "options_code", "program_of"]

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
    """The arms by name, and why others are left out; chunks and colours come later.

    `stages`, by name in the order in which they are applied, make up the function. Chunks need to know the memory of a
    batch first: see `chunked_arm`; for what is sparse see `fwdrev.modes.functions.coloured`.
    """
    arms = {direction.value: _plain(found, direction) for direction in _TRANSFORMS}
    if stages:
        arms["mixed"] = _mixed(found, stages)
    return arms, {}


def chunked_arm(found: FlatFunction, direction: Direction, held: int) -> FunctionArm | None:
    """The same passes in chunks, where all at once hold that many bytes; None where chunks are not worth it."""
    passes = found.n if direction is Direction.FORWARD else found.m
    if held < _LARGE or passes < 2:  # noqa: PLR2004 - nothing to divide
        return None
    chunk = 1 << max(0, (passes * SMALL // held).bit_length() - 1)
    if chunk >= passes:
        return None

    def jacobian() -> Function:
        return jacobian_by(found.function, direction.value, found.argnums, has_aux=found.has_aux, chunk=chunk)

    made = f'fwdrev.jacobian({found.name}{options_code(found)}, mode="{direction.value}", chunk={chunk})'
    return FunctionArm(name=CHUNKED[direction], code=jit_code(found, made), program=program_of(found, jacobian))


def _plain(found: FlatFunction, direction: Direction) -> FunctionArm:
    def jacobian() -> Function:
        return jacobian_by(found.function, direction.value, found.argnums, has_aux=found.has_aux)

    made = f"{_TRANSFORMS[direction]}({found.name}{options_code(found)})"
    return FunctionArm(name=direction.value, code=jit_code(found, made), program=program_of(found, jacobian))


def _mixed(found: FlatFunction, stages: Mapping[str, Function]) -> FunctionArm:
    """Brackets between the stages."""

    def jacobian() -> Function:
        return mixed(list(stages.values()), found.argnums, has_aux=found.has_aux)

    made = f'fwdrev.jacobian([{", ".join(stages)}]{options_code(found)}, mode="mixed")'
    return FunctionArm(name="mixed", code=jit_code(found, made), program=program_of(found, jacobian))


def program_of(found: FlatFunction, jacobian: Callable[[], Function]) -> Callable[[], Function]:
    """What makes the jitted program of a Jacobian, of each sample where there is a batch."""

    def program() -> Function:
        made = jacobian()
        if found.batch is not None:
            made = jax.vmap(made, in_axes=found.axes)
        return jitted(made, found.args, found.static)

    return program


def options_code(found: FlatFunction) -> str:
    """The options of a Jacobian as they stand in a call, after the function."""
    options = [] if found.argnums == 0 else [f"argnums={found.argnums}"]
    return "".join(f", {option}" for option in [*options, *(["has_aux=True"] if found.has_aux else [])])


def jit_code(found: FlatFunction, made: str) -> str:
    """The whole line, for the code that makes the Jacobian of one sample."""
    if found.batch is not None:
        axes = f", in_axes={found.axes}" if None in found.axes else ""
        made = f"jax.vmap({made}{axes})"
    return f"jax.jit({made}{f', static_argnums={found.static}' if found.static else ''})"
