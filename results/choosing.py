"""Which mode the Jacobian of a function is computed by: remembered, counted or measured, once for each shape."""

import gc
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr

from fwdrev.modes.function_cost import cost_by_mode
from fwdrev.modes.interface import Direction
from fwdrev.modes.jacobians import Argnums, Function, Pytree, curried, jacobian_by, present, selected
from fwdrev.modes.jax_stages import mixed
from fwdrev.results.choice_file import choice_key, remember, remembered
from fwdrev.results.fastest import fastest, median_seconds

__all__ = ["DECISIONS", "DECISIVE", "HEAVY", "Chooser"]

DECISIONS = ("measure", "count")

DECISIVE = 10.0
"""How many times longer than another a mode has to take, by counts, not to be measured, if it takes long at all."""

HEAVY = 0.05
"""Seconds, by counts: a mode that should take less is measured whatever counts say, since they may err; a heavier one
may take all memory, or minutes."""

_DEFAULT = str(Direction.REVERSE)
"""What jax.jacobian does, where nothing speaks for another mode."""


_Key = tuple[Any, tuple[Any, ...]]


class Chooser:
    """The Jacobians of one function, and what was found out about them."""

    def __init__(
        self,
        f: Function,
        argnums: Argnums,
        *,
        stages: Sequence[Function] | None,
        chunk: int | None,
        decide: str,
        **options: bool,
    ) -> None:
        self._argnums, self._decide = argnums, decide
        self._asked = {"argnums": argnums, "chunk": chunk, **options}
        self.by_mode = {
            str(mode): jacobian_by(f, mode, argnums, chunk=chunk, **options)
            for mode in (Direction.FORWARD, Direction.REVERSE)
        }
        if stages is not None:
            self.by_mode[str(Direction.MIXED)] = mixed(stages, argnums, **options)
        bare = _without_aux if options.get("has_aux") else _as_it_is
        self._f, self._bare = bare(f), {mode: bare(jacobian) for mode, jacobian in self.by_mode.items()}
        self._kind = jnp.complexfloating if options.get("holomorphic") else jnp.floating
        self._final: dict[_Key, Function] = {}
        self._counted: dict[_Key, Function] = {}

    def chosen(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Function:
        """The Jacobian to call for arguments like these: a look into a table, once it was found out."""
        leaves, tree = jax.tree.flatten((args, kwargs))
        try:
            key = tree, tuple([x.aval for x in leaves])  # shape, dtype and weak type in one, which hashes fast
        except AttributeError:  # no arrays of JAX
            key = tree, tuple(map(_kind, leaves))
        known = self._final.get(key)
        return known if known is not None else self._sought(key, leaves, args, kwargs)

    def _sought(self, key: _Key, leaves: Sequence[Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Function:
        """Counts that decide under a trace do not stand in the way of a later call that can measure."""
        tracing = any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
        known = self._counted.get(key) if tracing else None
        if known is not None:
            return known
        mode, final = self._found(args, kwargs, tracing=tracing)
        found = self.by_mode[mode]
        (self._final if final else self._counted)[key] = found
        return found

    def _found(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, tracing: bool) -> tuple[str, bool]:
        """The mode, and whether that is for good."""
        if not present(self._argnums, args):
            return _DEFAULT, True  # which says what is wrong
        try:
            closed = jax.make_jaxpr(curried(self._f, self._argnums, args, dict(kwargs)))(selected(self._argnums, args))
        except Exception:  # noqa: BLE001 - whatever f raises, the user sees it when the Jacobian is computed
            return _DEFAULT, not tracing
        if not all(jnp.issubdtype(out.dtype, self._kind) for out in closed.out_avals):
            return _DEFAULT, True  # which refuses them, as jax.jacobian does
        tracing = tracing or any(isinstance(const, jax.core.Tracer) for const in closed.consts)
        if self._decide == "count":
            return _shortest(self._expected(args, kwargs)), not tracing
        return self._measured(closed, args, kwargs, tracing=tracing)

    def _measured(
        self, closed: ClosedJaxpr, args: Sequence[Any], kwargs: Mapping[str, Any], *, tracing: bool
    ) -> tuple[str, bool]:
        """The mode that was measured once before, or else is now, if it can be."""
        key = choice_key(closed, self._asked | {"modes": list(self.by_mode)})
        known = remembered(key, self.by_mode)
        if known is not None:
            return known, True
        expected = self._expected(args, kwargs)
        shortest = min(expected.values(), default=0.0)
        worthy = [mode for mode, seconds in expected.items() if seconds <= max(HEAVY, DECISIVE * shortest)]
        if tracing or len(worthy) < 2:  # noqa: PLR2004 - one needs no race
            return _shortest(expected), not tracing
        try:
            seconds = self._seconds(worthy, args, kwargs)
        except Exception:  # noqa: BLE001 - no memory, or an error of f that comes with its values
            return _shortest(expected), True
        mode = fastest(seconds)
        remember(key, mode, seconds)
        return mode, True

    def _expected(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, float]:
        """Seconds that counts let expect, of the modes that give what jax.jacobian gives."""
        costs = cost_by_mode(self._bare, args, kwargs, argnums=self._argnums)
        return {mode: cost.seconds for mode, cost in costs.items()}

    def _seconds(self, modes: Sequence[str], args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, float]:
        """Of a call of each, compiled."""
        wanted = jax.tree.map(jnp.asarray, selected(self._argnums, args))
        compiled = {
            mode: jax.jit(curried(self._bare[mode], self._argnums, args, dict(kwargs))).lower(wanted).compile()
            for mode in modes
        }
        collecting = gc.isenabled()
        try:
            return median_seconds({mode: _waiting(program, wanted) for mode, program in compiled.items()})
        finally:
            if not collecting:  # timing switches it on again
                gc.disable()


def _without_aux(f: Function) -> Function:
    """The first of the two things that it returns: what comes beside may be anything, and decides nothing."""
    return lambda *args, **kwargs: f(*args, **kwargs)[0]


def _as_it_is(f: Function) -> Function:
    return f


def _waiting(program: Any, wanted: Pytree) -> Function:  # noqa: ANN401 - a compiled program
    return lambda: jax.block_until_ready(program(wanted))  # type: ignore[no-untyped-call]


def _shortest(expected: Mapping[str, float]) -> str:
    return min(expected, key=expected.__getitem__, default=_DEFAULT)


def _kind(leaf: Any) -> Any:  # noqa: ANN401 - any leaf of a pytree
    """Of an argument what decides: shape and dtype of an array, the type of a number, which may be new at each call."""
    try:
        return leaf.shape, leaf.dtype, getattr(leaf, "weak_type", False)
    except AttributeError:
        return leaf if isinstance(leaf, (str, bool)) else type(leaf)
