"""Counts the cost of a function's Jacobian by each mode; compiles and runs nothing.

    traced = traced_function(f, (x,))                 # calls f once, to trace it
    counted = count_modes({"forward": jax.jacfwd(traced.f), "reverse": jax.jacrev(traced.f)}, traced.x)
    counted.costs["forward"].seconds, counted.costs["reverse"].peak_bytes

Only shapes and dtypes of the point matter, and the functions may be called while JAX is tracing: then arguments, and
what the function closes over, may be tracers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Jaxpr, jaxpr_as_fun

from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.core.jacobians import Argnums, Function, curried, selected
from fwdrev.modes.errors import Raised, attempt
from fwdrev.modes.jaxpr.cost import JaxprCost, cost_of_jaxpr
from fwdrev.modes.jaxpr.programs import equations_of


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TracedFunction:
    """A function of the pytree `x` that runs the traced program of the user's function, not its Python.

    The constants of `program` are the arrays that it reads besides x: other arguments, and what it closes over.
    """

    program: ClosedJaxpr
    out_tree: Any
    x: Pytree

    def f(self, x: Pytree) -> Pytree:
        """The value; a program that donates its arguments gets copies."""
        program, leaves = self.program, jax.tree.leaves(x)
        if _donates(program.jaxpr):
            program = ClosedJaxpr(program.jaxpr, list(map(jnp.copy, program.consts)))
            leaves = list(map(jnp.copy, leaves))
        return jax.tree.unflatten(self.out_tree, jaxpr_as_fun(program)(*leaves))

    @property
    def inside_a_trace(self) -> bool:
        """Whether x, or an array that the function closes over, is traced: under jit, vmap or grad."""
        return any(isinstance(leaf, jax.core.Tracer) for leaf in [*jax.tree.leaves(self.x), *self.program.consts])


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeCosts:
    """By mode: its cost and its program; `refused` says why another mode is left out."""

    costs: Mapping[str, JaxprCost]
    programs: Mapping[str, ClosedJaxpr]
    refused: Mapping[str, str]


def traced_function(
    f: Function, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None, *, argnums: Argnums = 0
) -> TracedFunction:
    """`f` as a function of the arguments `argnums`, the others held; raises whatever tracing it raises."""
    wanted = selected(argnums, args)
    program, shapes = jax.make_jaxpr(curried(f, argnums, args, dict(kwargs or {})), return_shape=True)(wanted)
    return TracedFunction(program=program, out_tree=jax.tree.structure(shapes), x=wanted)


def count_modes(jacobians: Mapping[str, Function], x: Pytree) -> ModeCosts:
    """The cost of each mode whose result equals that of reverse mode, which is jax.jacobian.

    A mode is left out where JAX refuses it (forward mode through a custom_vjp, reverse mode through a while_loop), or
    where its result has other dtypes, as that of forward mode may.
    """
    programs: dict[str, ClosedJaxpr] = {}
    refused: dict[str, str] = {}
    for mode, jacobian in jacobians.items():
        traced = attempt(partial(jax.make_jaxpr(jacobian), x))
        if isinstance(traced, Raised):  # whatever f raises, the user sees it when the Jacobian is computed
            refused[mode] = f"JAX refuses it ({type(traced.error).__name__})"
        else:
            programs[mode] = traced
    expected = programs.get(Direction.REVERSE)
    for mode in [mode for mode in programs if expected is not None and _kinds(programs[mode]) != _kinds(expected)]:
        del programs[mode]
        refused[mode] = "its result has another dtype than that of reverse mode"
    costs = {mode: cost_of_jaxpr(program) for mode, program in programs.items()}
    return ModeCosts(costs=costs, programs=programs, refused=refused)


def runs_python(program: ClosedJaxpr) -> bool:
    """Whether running it does more than compute arrays: it prints, or calls Python on the host."""
    return bool(program.effects) or any(
        "callback" in equation.primitive.name for equation in equations_of(program.jaxpr)
    )


def _donates(jaxpr: Jaxpr) -> bool:
    """Whether a compiled function inside of it takes the memory of its arguments for its results."""
    return any(
        "donate" in name and isinstance(value, tuple) and True in value
        for equation in equations_of(jaxpr)
        for name, value in equation.params.items()
    )


def _kinds(program: ClosedJaxpr) -> list[tuple[Any, Any]]:
    return [(out.shape, out.dtype) for out in program.out_avals]
