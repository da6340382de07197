"""A situation: a function and its arguments, made on request.

A decorator fills a table, and records the public report behind each situation:

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
    """The arguments of a call, written like a call."""
    return args, kwargs


OURS = "found by us"
"""The source of situations without a public report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function, the arguments of the first call, and those of later calls of the same Jacobian.

    `again`: None stands for the same arguments at another point. `options` are those that JAX also knows; `ours` those
    of `fwdrev.jacobian` alone. `doubt`: forward mode does not agree with reverse mode, and a warning may say so.
    `refused`: JAX may refuse where we answer, since its reverse mode or an older release cannot do it. `rounding`: a
    factor on the usual tolerance between the two sides.
    """

    f: Any
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    ours: Mapping[str, Any] = field(default_factory=dict)
    again: Sequence[Arguments] | None = None
    doubt: bool = False
    refused: bool = False
    rounding: float = 1.0


_Make = Callable[[], Call]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """The report of a situation, and its maker.

    `jit`: whether to compile its Jacobian, too; not if that is impossible or takes many seconds.
    `anew`: whether each side needs its own, since calls change or use up its parts.
    `long`: whether it takes seconds while another one of its kind does not.
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
