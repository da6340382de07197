"""The arms of a user's function: ways to compute its Jacobian, each with its line of code.

arms = function_arms(probe_function(f, (x,)))
J = arms["forward"].program()(x)              # jax.jit(jax.jacfwd(f))(x)
arms["forward"].code                          # "jax.jit(jax.jacfwd(f))"
cost_of_arm(found, arms["forward"]).seconds   # by a trace: nothing is compiled
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import jax

from fwdrev.modes.core.jacobians import Function, jacobian_by
from fwdrev.modes.functions.probe import FunctionProbe
from fwdrev.modes.functions.program import jitted, traced
from fwdrev.modes.functions.staged import mixed
from fwdrev.modes.jaxpr.cost import cost_of_jaxpr
from fwdrev.modes.jaxpr.programs import operations

CHUNKED = {"forward": "forward-chunked", "reverse": "reverse-chunked"}
"""The suffix of a mode whose passes run in chunks."""

_TRANSFORMS = {"forward": "jax.jacfwd", "reverse": "jax.jacrev"}

_LARGE = 1 << 25
"""The memory of all passes from which chunks are worth a try, in bytes: more than any cache gives a core."""

SMALL = 1 << 22
"""The bytes that a chunk should hold, so that it fits into a core's own cache."""

_HELD = 2
"""How many arrays as large as the largest a program may hold at once: XLA held 2 to 4 in measurements."""

_BEYOND = 1.5
"""An array up to this many times as large as the result counts as the result itself, which chunks do not divide."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FunctionArm:
    """A way to compute the Jacobian: `program` makes the jitted function, `code` is its text."""

    name: str
    code: str
    program: Callable[[], Function]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """The expected cost of an arm: seconds of a call, bytes at the peak, operations to compile.

    `held`: bytes that all passes hold at once beyond the result, 0 if none. `unknown`: the
    primitives counted only by their sizes. `counts`: see `JaxprCost`.
    """

    seconds: float
    peak_bytes: int
    equations: int = 0
    held: int = 0
    unknown: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


def function_arms(found: FunctionProbe, stages: Mapping[str, Function] | None = None) -> dict[str, FunctionArm]:
    """Forward, reverse and, where `stages` (in the order of their application) make up the function, mixed mode.

    For chunks see `chunked_arm`, for sparse Jacobians `fwdrev.modes.functions.coloured`.
    """
    arms = {mode: _by_mode(found, mode) for mode in _TRANSFORMS}
    if stages:
        code = f'fwdrev.jacobian([{", ".join(stages)}]{options_code(found)}, mode="mixed")'
        jacobian = partial(mixed, list(stages.values()), found.argnums, has_aux=found.has_aux)
        arms["mixed"] = arm_of(found, "mixed", code, jacobian)
    return arms


def chunked_arm(found: FunctionProbe, mode: str, held: int) -> FunctionArm | None:
    """The mode with its passes in chunks, given the bytes of all passes at once; None where that is not worth a try."""
    if mode not in CHUNKED or held < _LARGE:
        return None
    passes = found.n if mode == "forward" else found.m
    chunk = 1 << max(0, (passes * SMALL // held).bit_length() - 1)
    return _by_mode(found, mode, chunk) if chunk < passes else None


def _by_mode(found: FunctionProbe, mode: str, chunk: int | None = None) -> FunctionArm:
    jacobian = partial(jacobian_by, found.function, mode, found.argnums, has_aux=found.has_aux, chunk=chunk)
    if chunk is None:
        return arm_of(found, mode, f"{_TRANSFORMS[mode]}({found.name}{options_code(found)})", jacobian)
    code = f'fwdrev.jacobian({found.name}{options_code(found)}, mode="{mode}", chunk={chunk})'
    return arm_of(found, CHUNKED[mode], code, jacobian)


def arm_of(found: FunctionProbe, name: str, code: str, jacobian: Callable[[], Function]) -> FunctionArm:
    """The arm of `jacobian`, whose `code` computes the same for one sample: mapped over a batch, and jitted."""

    def program() -> Function:
        made = jacobian()
        return jitted(made if found.batch is None else jax.vmap(made, in_axes=found.axes), found.args, found.static)

    if found.batch is not None:
        code = f"jax.vmap({code}{f', in_axes={found.axes}' if None in found.axes else ''})"
    static = f", static_argnums={found.static}" if found.static else ""
    return FunctionArm(name=name, code=f"jax.jit({code}{static})", program=program)


def options_code(found: FunctionProbe) -> str:
    """The options of a Jacobian as text, to follow the function in a call."""
    argnums = "" if found.argnums == 0 else f", argnums={found.argnums}"
    return argnums + (", has_aux=True" if found.has_aux else "")


def cost_of_arm(found: FunctionProbe, arm: FunctionArm) -> Counted:
    """Counts an arm by a trace; raises what the user's function raises, or JAX for a missing rule."""
    closed, _ = traced(arm.program(), found.args, found.static)
    cost = cost_of_jaxpr(closed)
    return Counted(
        seconds=cost.seconds,
        peak_bytes=cost.peak_bytes,
        equations=operations(closed),
        held=_HELD * cost.largest_bytes if cost.largest_bytes > _BEYOND * cost.result_bytes else 0,
        unknown=cost.unknown,
        counts=cost.counts,
    )
