"""What a situation is: a function and its arguments, made when they are called for.

A table is filled by a decorator, which takes the public report that the situation comes from:

    SITUATIONS, situation = table()

    @situation("jax-ml/jax#10410")
    def mean_of_nothing() -> Call: ...
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["OURS", "Arguments", "Call", "Situation", "at", "table"]

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def at(*args: Any, **kwargs: Any) -> Arguments:
    """The arguments of a call, as they are written in one."""
    return args, kwargs


OURS = "found by us"
"""Stands for a report where there is no public one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function, the arguments of the first call, and those of later calls of the same Jacobian.

    `again`: None stands for the same arguments at another point. `options` are those that JAX knows, too; `ours` those
    of `fwdrev.jacobian` alone.  `doubt`: forward mode does not agree with
    reverse mode, of which a warning may tell. `forward`: reverse mode refuses the function, forward mode may not.
    `rounding`: how many times more than usual the two sides may differ.
    """

    f: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    ours: Mapping[str, Any] = field(default_factory=dict)
    again: Sequence[Arguments] | None = None
    doubt: bool = False
    forward: bool = False
    rounding: float = 1.0


_Make = Callable[[], Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Where it was reported, and how to get into it.

    `jit`: whether its Jacobian is compiled, too; not where it cannot be, nor where compiling takes many seconds.
    `anew`: whether each side needs its own, since calls change or use up what it is made of.
    `long`: whether it takes seconds and another one of its kind does not.
    """

    report: str
    make: Callable[[], Call]
    jit: bool
    anew: bool
    long: bool


def table() -> tuple[dict[str, Situation], Callable[..., Callable[[_Make], _Make]]]:
    """An empty table of situations by name, and the decorator that fills it."""
    found: dict[str, Situation] = {}

    def situation(report: str, *, jit: bool = True, anew: bool = False, long: bool = False) -> Callable[[_Make], _Make]:
        def named(make: _Make) -> _Make:
            assert make.__name__ not in found
            found[make.__name__] = Situation(report=report, make=make, jit=jit, anew=anew, long=long)
            return make

        return named

    return found, situation
