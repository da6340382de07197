"""What a user's function returns at a point, by calls or by a trace; it has to be the same each time."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.jacobians import Function
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.checks import check_compiled, checked_outputs, checked_repeats, without_aux
from fwdrev.modes.functions.program import jitted, traced
from fwdrev.modes.functions.trace_errors import failed, untraceable
from fwdrev.modes.jaxpr.cost import cost_of_jaxpr, operations

__all__ = ["Question", "Seen", "called", "looked", "traced_outputs"]

_REPEATABLE = 0.5
"""Seconds of a call from which a second one would take too much of a budget; unless the compiled one differs."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A function at arguments."""

    function: Function
    args: tuple[Any, ...]
    static: tuple[int, ...]
    name: str
    has_aux: bool

    def call(self) -> Any:  # noqa: ANN401 - what the user's code returns
        """What it returns."""
        try:
            return without_aux(self.function(*self.args), self.name, has_aux=self.has_aux)
        except InputError:
            raise
        except jax.errors.UnexpectedTracerError as error:
            raise InputError(untraceable(self.name, error)) from None
        except Exception as error:  # noqa: BLE001 - the user's code may raise anything
            raise InputError(failed(self.name, error)) from None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What a function returns, by a call or by a trace."""

    sizes: tuple[int, ...]
    dtypes: tuple[Any, ...]
    value: Callable[[AnyArray], AnyArray]
    call_seconds: float = 0.0
    compile_seconds: float = 0.0
    counted_seconds: float = 0.0
    equations: int = 0


def called(asked: Question, of_vector: Callable[[AnyArray], AnyArray], x: AnyArray) -> Seen:
    """The same in two calls and in a compiled one."""
    began = perf_counter()
    first = asked.call()
    sizes = checked_outputs(first, asked.name)
    again = perf_counter() - began < _REPEATABLE
    if again:
        checked_repeats(first, asked.call(), asked.name)
    expected = np.asarray(ravel_pytree(first)[0])
    began = perf_counter()
    try:
        value = jitted(of_vector, (x,))
        compiled = np.asarray(value(x))
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise InputError(untraceable(asked.name, error)) from None
    done = perf_counter()
    try:
        check_compiled(compiled, expected, asked.name)
    except InputError:
        if not again:
            checked_repeats(first, asked.call(), asked.name)
        raise
    jax.block_until_ready(value(x))  # type: ignore[no-untyped-call] # of JAX
    took = perf_counter() - done
    program, _ = traced(of_vector, (x,))
    return Seen(
        sizes=sizes,
        dtypes=tuple(jnp.result_type(leaf) for leaf in jax.tree.leaves(first)),
        value=value,
        call_seconds=took,
        compile_seconds=max(0.0, done - began - took),
        counted_seconds=cost_of_jaxpr(program).seconds,
        equations=operations(program),
    )


def looked(asked: Question, of_vector: Callable[[AnyArray], AnyArray], _x: AnyArray) -> Seen:
    """As JAX sees it."""
    sizes, dtypes = traced_outputs(asked)
    return Seen(sizes=sizes, dtypes=dtypes, value=jax.jit(of_vector))


def traced_outputs(asked: Question) -> tuple[tuple[int, ...], tuple[Any, ...]]:
    """The sizes and dtypes of the outputs."""

    def of_arrays(*arrays: Any) -> Any:  # noqa: ANN401 - pytrees
        rest = iter(arrays)
        args = [arg if i in asked.static else next(rest) for i, arg in enumerate(asked.args)]
        return without_aux(asked.function(*args), asked.name, has_aux=asked.has_aux)

    try:
        outputs = jax.eval_shape(of_arrays, *(arg for i, arg in enumerate(asked.args) if i not in asked.static))
        return checked_outputs(outputs, asked.name), tuple(leaf.dtype for leaf in jax.tree.leaves(outputs))
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's code may raise anything
        raise InputError(untraceable(asked.name, error)) from None
