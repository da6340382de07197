"""Jacobians of JAX functions in a mode chosen once for similar arguments, by counts or, on request, by the clock.

    of_arrays = JaxJacobian(f, 0, mode="auto", chunk=None, decide="count", has_aux=False)
    J = of_arrays((x,), {})
    print(of_arrays.explain((x,), {}))

The choice is reverse mode, which is jax.jacobian, unless another mode is expected to be cheaper, to fit, and to give
the same: at the first concrete call one tangent and one cotangent are compared.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from fwdrev.api.choices import Chooser, Chosen, Key
from fwdrev.api.fastest import by_clock
from fwdrev.api.mode_choice import AUTO, FORWARD, MIXED, REVERSE, ModeChoice, by_counts
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.jacobians import Argnums, Function, curried, jacobian_by, numbers_of, present
from fwdrev.modes.errors import Raised, attempt
from fwdrev.modes.functions.mode_costs import TracedFunction, count_modes, runs_python, traced_function
from fwdrev.modes.functions.product_check import products_of
from fwdrev.modes.functions.staged import mixed
from fwdrev.modes.jaxpr.cost import cost_of_jaxpr
from fwdrev.modes.jaxpr.programs import operations

_MANY = 1400
"""The number of equations up to which deciding always stays within two calls of jax.jacobian and a second."""

_WEIGHING = 0.25e-3
"""The seconds that deciding takes for each further equation, chosen so that the unrolled functions
of `benchmarks/contract.py` stay within that limit."""


class JaxJacobian(Chooser):
    """The Jacobians of one function of arrays; `stages`, if any, compose it."""

    def __init__(
        self,
        f: Function,
        argnums: Argnums,
        *,
        mode: str,
        chunk: int | None,
        decide: str,
        has_aux: bool,
        stages: Sequence[Function] | None = None,
        **options: bool,
    ) -> None:
        super().__init__(f, argnums, mode=mode, chunk=chunk, decide=decide, has_aux=has_aux, **options)
        own: dict[str, Any] = {"chunk": chunk, "has_aux": has_aux, **options}
        self.by_mode = {mode: jacobian_by(f, mode, argnums, **own) for mode in (FORWARD, REVERSE)}
        if stages is not None:
            self.by_mode[MIXED] = mixed(stages, argnums, **own)
        self._moved = numbers_of(argnums, ())
        self._kind = jnp.complexfloating if options.get("holomorphic") else jnp.floating
        self._bare = _without_aux(f) if has_aux else f

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pytree:
        """The Jacobian as jax.jacobian returns it, or whatever it raises."""
        if self._mode != AUTO:
            return self.by_mode[self._mode](*args, **kwargs)
        return self._jacobian(self._chosen(args, kwargs), args, kwargs)

    def explain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ModeChoice:
        """The choice that a call with these arguments follows; decides now if none was made before."""
        if self._mode == AUTO:
            return self._chosen(args, kwargs).choice
        choice, *_ = self._decided(args, kwargs)
        return replace(choice, mode=self._mode, reason="asked for by its name")

    def _by(self, mode: str) -> Function:
        return self.by_mode[mode]

    def _glance(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen | None:
        leaves, tree = jax.tree.flatten((args, kwargs))
        kinds = [x.aval if hasattr(x, "aval") else _exactly(x) for x in leaves]
        known = self._known.of((tree, tuple(kinds), _x64()))
        if known is None and len(leaves) == len(args):  # a differentiated number counts by its type
            kinds = [float if type(x) is float and i in self._moved else kinds[i] for i, x in enumerate(leaves)]
            known = self._known.of((tree, tuple(kinds), _x64()))
        return known

    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key:
        """The key of all arguments; raises if JAX cannot flatten one, even one that the Jacobian leaves alone."""
        wanted = numbers_of(self._argnums, args)
        kinds = [_kind(leaf, held=i not in wanted) for i, arg in enumerate(args) for leaf in jax.tree.leaves(arg)]
        kinds += [_kind(leaf, held=True) for leaf in jax.tree.leaves(kwargs)]
        return Key.of(jax.tree.structure((args, kwargs)), kinds, _x64())

    def _traced(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
        """Whether an argument is a tracer; one inside a container that JAX cannot flatten shows only while tracing."""
        leaves = attempt(lambda: jax.tree.leaves((tuple(args), dict(kwargs))))
        return not isinstance(leaves, Raised) and any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)

    def _decided(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[ModeChoice, Hashable, bool]:
        if not present(self._argnums, args):
            return ModeChoice(reason="argnums names an argument that is not there"), None, True
        traced = attempt(lambda: traced_function(self._bare, args, kwargs, argnums=self._argnums))
        if isinstance(traced, Raised):  # the user sees the error when the Jacobian is computed
            why = f"the function cannot be traced ({type(traced.error).__name__})"
            return ModeChoice(reason=why), None, not self._traced(args, kwargs)
        outputs = tuple((out.shape, out.dtype) for out in traced.program.out_avals)
        final = not traced.inside_a_trace
        if not outputs:
            choice = ModeChoice(reason="the function returns no numbers, which jax.jacobian refuses")
        elif not all(jnp.issubdtype(dtype, self._kind) for _, dtype in outputs):
            choice = ModeChoice(reason="jax.jacobian refuses outputs of another kind of numbers")
        elif final and _takes_long_to_weigh(traced):
            choice = ModeChoice(reason="to weigh so many operations takes longer than to run them")
        elif self._contradicted and not final:
            choice = ModeChoice(reason="at an earlier call the modes gave different values")
        else:
            choice = self._weighed(traced, args, kwargs, final=final)
        return choice, outputs, final

    def _weighed(
        self, traced: TracedFunction, args: Sequence[Any], kwargs: Mapping[str, Any], *, final: bool
    ) -> ModeChoice:
        """Decides by counts; outside a trace also by the clock, if requested, and confirms the result.

        A function that calls Python is only counted, and so is one with a named mode.
        """
        counted = attempt(lambda: count_modes(self._jacobians(traced, args, kwargs), traced.x))
        if isinstance(counted, Raised):  # another version of JAX may have unreadable programs
            return ModeChoice(reason=f"the modes cannot be counted ({type(counted.error).__name__})")
        choice = by_counts(counted)
        if not final or self._mode != AUTO or any(map(runs_python, [traced.program, *counted.programs.values()])):
            return choice
        if self._decide == "measure":
            choice = by_clock(choice, counted.programs, traced.x, self._options | {"chunk": self._chunk})
        if choice.mode == REVERSE or REVERSE not in counted.costs:
            return choice
        return choice.confirmed(attempt(lambda: products_of(traced.f, traced.x)))

    def _jacobians(self, traced: TracedFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Function]:
        """The Jacobians by mode, as functions of the differentiated arguments; mixed mode traces the stages again."""
        found = {mode: jacobian_by(traced.f, mode, chunk=self._chunk, **self._options) for mode in (FORWARD, REVERSE)}
        in_stages = self.by_mode.get(MIXED)
        if in_stages is not None:
            bare = _without_aux(in_stages) if self._has_aux else in_stages
            found[MIXED] = curried(bare, self._argnums, args, dict(kwargs))
        return found


def _takes_long_to_weigh(traced: TracedFunction) -> bool:
    """Whether deciding would exceed the limit of a first call, as with a Python loop unrolled into cheap operations."""
    equations = operations(traced.program)
    passes = sum(math.prod(out.shape) for out in traced.program.out_avals)
    return equations > _MANY and passes * cost_of_jaxpr(traced.program).seconds < _WEIGHING * equations


def _without_aux(f: Function) -> Function:
    """The first of the pair that it returns; the auxiliary part may be anything, and decides nothing."""
    return lambda *args, **kwargs: f(*args, **kwargs)[0]


def _x64() -> bool:
    """The present setting of JAX."""
    return jax.config.jax_enable_x64  # type: ignore[attr-defined, no-any-return]  # one of many that it makes itself


def _exactly(leaf: object) -> Hashable:
    """The exact kind of a held argument: shape and dtype of arrays, otherwise the value with its type."""
    if hasattr(leaf, "aval"):
        return leaf.aval  # type: ignore[no-any-return]  # shape, dtype and weak type in one, which hashes fast
    if hasattr(leaf, "dtype"):
        return leaf.shape, leaf.dtype  # type: ignore[attr-defined]
    return type(leaf), leaf


def _kind(leaf: object, *, held: bool) -> tuple[Any, Any]:
    """The exact kind of an argument, and its family's; a differentiated number counts by its type."""
    if hasattr(leaf, "dtype"):
        return _exactly(leaf), _exactly(leaf)
    return (_exactly(leaf) if held else type(leaf)), type(leaf)
