"""Which mode the Jacobian of a function is computed by: counted, or measured if asked, once for alike arguments.

    chooser = Chooser(f, 0, stages=None, chunk=None, decide="count")
    J = chooser((x,), {})
    print(chooser.explain((x,), {}))

The choice is reverse mode, which is jax.jacobian, unless another mode is expected to be cheaper, to fit, and to give
the same: at the first concrete call one tangent and one cotangent are compared.
"""

import math
import warnings
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp

from fwdrev.api.choices import REVERSE, Choices, Chosen, Key, ModeChoice, by_counts
from fwdrev.api.fastest import by_clock
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.core.jacobians import Argnums, Function, Pytree, curried, jacobian_by, numbers_of, present
from fwdrev.modes.functions.mode_costs import TracedFunction, count_modes, runs_python, traced_function
from fwdrev.modes.functions.product_check import products_of
from fwdrev.modes.functions.staged import mixed
from fwdrev.modes.jaxpr.cost import cost_of_jaxpr, operations

__all__ = ["AUTO", "DECISIONS", "USER", "Chooser", "contradiction"]

AUTO = "auto"

DECISIONS = ("count", "measure")

USER = 5
"""Frames from a warning about a choice to the line that asked for the Jacobian."""

_MANY = 1400
"""Equations of a function that are weighed whatever it takes: within two calls of jax.jacobian and a second."""

_WEIGHING = 0.25e-3
"""Seconds for each equation that weighing and comparing takes beyond that, so chosen that the unrolled functions
of `benchmarks/contract.py` keep to it."""


class Chooser:
    """The Jacobians of one function, and what was chosen for which arguments."""

    def __init__(
        self,
        f: Function,
        argnums: Argnums,
        *,
        stages: Sequence[Function] | None,
        chunk: int | None,
        decide: str,
        mode: str = AUTO,
        **options: bool,
    ) -> None:
        """`argnums` are checked; `options` are those of jax.jacobian; a `mode` that is named leaves no choice."""
        self._argnums, self._decide, self._mode, self._chunk = argnums, decide, mode, chunk
        self.by_mode = {
            str(one): jacobian_by(f, one, argnums, chunk=chunk, **options)
            for one in (Direction.FORWARD, Direction.REVERSE)
        }
        if stages is not None:
            self.by_mode[str(Direction.MIXED)] = mixed(stages, argnums, chunk=chunk, **options)
        self._moved = numbers_of(argnums, ())
        self._has_aux = options.get("has_aux", False)
        self._options = {name: on for name, on in options.items() if name != "has_aux"}
        self._kind = jnp.complexfloating if options.get("holomorphic") else jnp.floating
        self._f = _without_aux(f) if self._has_aux else f
        self._known, self._provisional = Choices(), Choices()
        self._contradicted = False

    def __call__(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Pytree:
        """The Jacobian; where the mode that was chosen fails, reverse mode has the last word, now and later."""
        if self._mode != AUTO:
            return self.by_mode[self._mode](*args, **kwargs)
        chosen = self._chosen(args, kwargs)
        if chosen.choice.mode == REVERSE:
            return chosen.function(*args, **kwargs)
        try:
            return chosen.function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, jax.jacobian may not raise it
            failed = f"{chosen.choice.mode} mode failed ({type(error).__name__})"
        J = self.by_mode[REVERSE](*args, **kwargs)
        self._known.keep(self._key(args, kwargs), self._by(ModeChoice(mode=REVERSE, reason=failed)))
        return J

    def explain(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> ModeChoice:
        """The choice that a call with these arguments follows; decides now if none was made before."""
        if self._mode == AUTO:
            return self._chosen(args, kwargs).choice
        choice, *_ = self._decided(args, kwargs)
        return replace(choice, mode=self._mode, reason="asked for by its name")

    def _chosen(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen:
        """A look into a table, once it is known."""
        try:
            leaves, tree = jax.tree.flatten((args, kwargs))
            kinds = [x.aval if hasattr(x, "aval") else _exactly(x) for x in leaves]
            known = self._known.of((tree, tuple(kinds), _x64()))
            if known is None and len(leaves) == len(args):  # a number that is differentiated is known by its type
                kinds = [float if type(x) is float and i in self._moved else kinds[i] for i, x in enumerate(leaves)]
                known = self._known.of((tree, tuple(kinds), _x64()))
        except Exception:  # noqa: BLE001 - other arguments may be anything, and raise when they are compared
            known = None
        return self._sought(args, kwargs) if known is None else known

    def _sought(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Chosen:
        """By the kinds of all arguments, or else decided now. Choices made while tracing are provisional."""
        key = self._key(args, kwargs)
        known = self._known.find(key)
        if known is None and _tracing(args, kwargs):
            known = self._provisional.find(key)
        if known is not None:
            return known
        choice, outputs, final = self._decided(args, kwargs)
        chosen = self._by(choice, outputs)
        (self._known if final else self._provisional).keep(key, chosen)
        if choice.contradicted:
            self._contradicted, self._provisional = True, Choices()
            warnings.warn(contradiction(self._f, choice), stacklevel=USER)
        return chosen

    def _key(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Key | None:
        """None where JAX cannot flatten the arguments, of which it flattens only some for a Jacobian."""
        wanted = numbers_of(self._argnums, args)
        try:
            tree = jax.tree.structure((args, kwargs))
            kinds = [_kind(leaf, held=i not in wanted) for i, arg in enumerate(args) for leaf in jax.tree.leaves(arg)]
            kinds += [_kind(leaf, held=True) for leaf in jax.tree.leaves(kwargs)]
        except Exception:  # noqa: BLE001 - as above
            return None
        return Key.of(tree, kinds, _x64())

    def _by(self, choice: ModeChoice, outputs: Hashable = None) -> Chosen:
        return Chosen(function=self.by_mode[choice.mode], choice=choice, outputs=outputs)

    def _decided(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[ModeChoice, Hashable, bool]:
        """The choice, shapes and dtypes of the outputs, and whether that is for good."""
        if not present(self._argnums, args):
            return ModeChoice(mode=REVERSE, reason="argnums names an argument that is not there"), None, True
        try:
            traced = traced_function(self._f, args, kwargs, argnums=self._argnums)
        except Exception as error:  # noqa: BLE001 - whatever f raises, the user sees it when the Jacobian is computed
            why = f"the function cannot be traced ({type(error).__name__})"
            return ModeChoice(mode=REVERSE, reason=why), None, not _tracing(args, kwargs)
        outputs = tuple((out.shape, out.dtype) for out in traced.program.out_avals)
        final = not traced.inside_a_trace
        if not all(jnp.issubdtype(dtype, self._kind) for _, dtype in outputs):
            choice = ModeChoice(mode=REVERSE, reason="jax.jacobian refuses outputs of another kind of numbers")
        elif final and _takes_long_to_weigh(traced):
            choice = ModeChoice(mode=REVERSE, reason="to weigh so many operations takes longer than to run them")
        elif self._contradicted and not final:
            choice = ModeChoice(mode=REVERSE, reason="at an earlier call the modes gave different values")
        else:
            choice = self._weighed(traced, args, kwargs, final=final)
        return choice, outputs, final

    def _weighed(
        self, traced: TracedFunction, args: Sequence[Any], kwargs: Mapping[str, Any], *, final: bool
    ) -> ModeChoice:
        """By counts; outside a trace by the clock too, if asked, and confirmed.

        A function that calls Python is counted only, and so is one whose mode is named: nothing is left to choose.
        """
        try:
            counted = count_modes(self._jacobians(traced, args, kwargs), traced.x)
        except Exception as error:  # noqa: BLE001 - another version of JAX may have programs that we cannot read
            return ModeChoice(mode=REVERSE, reason=f"the modes cannot be counted ({type(error).__name__})")
        choice = by_counts(counted)
        if not final or self._mode != AUTO or any(map(runs_python, [traced.program, *counted.programs.values()])):
            return choice
        if self._decide == "measure":
            choice = by_clock(choice, counted.programs, traced.x, self._options | {"chunk": self._chunk})
        return choice if choice.mode == REVERSE or REVERSE not in counted.costs else _confirmed(choice, traced)

    def _jacobians(self, traced: TracedFunction, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Function]:
        """By mode, functions of what is differentiated; mixed mode traces the stages once more."""
        found: dict[str, Function] = {
            mode: jacobian_by(traced.f, mode, chunk=self._chunk, **self._options)
            for mode in (str(Direction.FORWARD), REVERSE)
        }
        in_stages = self.by_mode.get(str(Direction.MIXED))
        if in_stages is not None:
            bare = _without_aux(in_stages) if self._has_aux else in_stages
            found[str(Direction.MIXED)] = curried(bare, self._argnums, args, dict(kwargs))
        return found


def _takes_long_to_weigh(traced: TracedFunction) -> bool:
    """Whether deciding takes longer than a first call may, as of a Python loop unrolled into cheap operations."""
    equations = operations(traced.program)
    passes = sum(math.prod(out.shape) for out in traced.program.out_avals)
    return equations > _MANY and passes * cost_of_jaxpr(traced.program).seconds < _WEIGHING * equations


def contradiction(f: Function, choice: ModeChoice) -> str:
    """The warning that two modes differ, by more than rounding errors, in what they give for a function."""
    name = getattr(f, "__qualname__", type(f).__name__)
    return f"{name}: {choice.reason}; reverse mode is taken, as by the call that this replaces"


def _confirmed(choice: ModeChoice, traced: TracedFunction) -> ModeChoice:
    """The choice, or reverse mode where the modes do not agree at this point, or a value is not finite."""
    try:
        found = products_of(traced.f, traced.x)
    except Exception as error:  # noqa: BLE001 - a rule that fails at run time
        return replace(choice, mode=REVERSE, reason=f"the modes cannot be compared ({type(error).__name__})")
    return choice if found.agree else choice.refuted(found)


def _without_aux(f: Function) -> Function:
    """The first of the two things that it returns: what comes beside may be anything, and decides nothing."""
    return lambda *args, **kwargs: f(*args, **kwargs)[0]


def _tracing(args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether an argument is a tracer; one in a container that JAX cannot flatten shows when the function is traced."""
    try:
        leaves = jax.tree.leaves((tuple(args), dict(kwargs)))
    except Exception:  # noqa: BLE001 - keys of a dictionary that cannot be sorted, or a user's own flattening
        return False
    return any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)


def _x64() -> bool:
    """JAX's setting, here and now."""
    return jax.config.jax_enable_x64  # type: ignore[attr-defined, no-any-return]  # one of many that it makes itself


def _exactly(leaf: Any) -> Hashable:  # noqa: ANN401 - any leaf
    """The exact kind of an argument that is held: of arrays shape and dtype, else the value with its type."""
    if hasattr(leaf, "aval"):
        return leaf.aval  # type: ignore[no-any-return]  # shape, dtype and weak type in one, which hashes fast
    if hasattr(leaf, "dtype"):
        return leaf.shape, leaf.dtype
    return type(leaf), leaf


def _kind(leaf: Any, *, held: bool) -> tuple[Any, Any]:  # noqa: ANN401 - any leaf
    """The exact kind of an argument, and that of its family; a number that is differentiated is known by its type."""
    if hasattr(leaf, "dtype"):
        return _exactly(leaf), _exactly(leaf)
    return (_exactly(leaf) if held else type(leaf)), type(leaf)
