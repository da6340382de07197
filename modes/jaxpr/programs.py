"""Finds the programs that an equation of a jaxpr runs inside, and how often.

    inside = inside_of(equation)
    for alternatives, times in inside.runs: ...

Names of primitives and parameters differ between versions of JAX, and users add their own primitives. The purpose of a
program shows in its shapes: one with the results of the equation is its body; one of a tuple is a branch; one
that gives a single truth value beside a body is the condition of a loop; a body that takes rows of the equation's
operands runs once for each row.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Literal, Var

_LOOPS = frozenset({"scan", "while"})
"""Primitives that are loops even where no shape shows it: a scan without rows, a carry of one truth value."""

_RUN = "solve"
"""The program of custom_linear_solve that runs; its others are the operator and the parts for derivatives."""

_LENGTH = "length"
"""The parameter of a scan that holds the number of passes."""

Alternatives = tuple[Jaxpr, ...]
"""The parameter with alternative programs, of which one runs."""

Value = Var | Literal
"""An operand or result of an equation: an array, or a token, which has no shape."""


@dataclass(frozen=True, slots=True)
class Inside:
    """The programs that one equation runs inside.

    `runs`: alternative programs, of which one runs, and how often. `rows`: arrays that a loop reads or writes in rows.
    `guessed`: the program, or the number of its passes, is a guess.
    """

    runs: tuple[tuple[Alternatives, int], ...] = ()
    loop: bool = False
    rows: tuple[Value, ...] = ()
    guessed: bool = False

    @property
    def passes(self) -> int:
        """How often the body runs."""
        return self.runs[-1][1] if self.runs else 1


NOTHING = Inside()
"""No programs: the equation is an operation itself."""


def inside_of(equation: JaxprEqn) -> Inside:
    """The programs that an equation runs; a loop of unknown length counts once."""
    name, held = equation.primitive.name, list(_held(equation.params))
    if not held:
        return NOTHING
    every = [each for _, each in held]
    if name == "while" and len(every) > 1:
        return Inside(tuple((each, 1) for each in every), loop=True)
    results = _dtypes(equation.outvars)
    fitting = [each for each in every if _dtypes(each[0].outvars) == results]
    sure = [each for label, each in held if label == _RUN] or fitting
    body = (sure or every)[0]
    conditions = [each for each in every if sure and each is not body and _is_condition(each[0])]
    pairs = _paired(body[0], equation)
    rows = tuple(whole for whole, row in pairs if len(shape_of(whole)) > len(shape_of(row)))
    by_rows = bool(rows) and any(shape_of(v) for v in body[0].invars)  # not two numbers that become one
    length = equation.params.get(_LENGTH)
    times = int(length) if isinstance(length, Integral) else _times(pairs)
    return Inside(
        runs=(*((each, times) for each in conditions), (body, times)),
        loop=name in _LOOPS or bool(conditions) or by_rows,
        rows=rows,
        guessed=not sure or (name in _LOOPS and not (conditions or rows) and length is None),
    )


def equations_of(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All equations, including those of programs inside equations, whether these run or not."""
    for equation in jaxpr.eqns:
        yield equation
        for _, alternatives in _held(equation.params):
            for body in alternatives:
                yield from equations_of(body)


def operations(program: ClosedJaxpr) -> int:
    """The number of operations of a program, inner programs included; compile time grows with it."""
    return sum(1 for _ in equations_of(program.jaxpr))


def shape_of(value: Value) -> tuple[int, ...]:
    """The shape of an array."""
    return tuple(getattr(value.aval, "shape", ()))


def size_of(value: Value) -> int:
    """The number of entries of an array."""
    return math.prod(shape_of(value))


def bytes_of(value: Value) -> int:
    """The bytes of an array; 0 where its dtype has no item size."""
    return size_of(value) * int(getattr(getattr(value.aval, "dtype", None), "itemsize", 0))


def _held(params: Mapping[str, Any]) -> Iterator[tuple[str, Alternatives]]:
    """The programs among parameters, by name: one, a tuple of branches, or a record that names several."""
    for name, value in params.items():
        program = _program(value)
        if program is not None:
            yield name, (program,)
        elif hasattr(value, "_asdict"):
            yield from _held(value._asdict())
        elif isinstance(value, tuple | list):
            branches = tuple(each for each in map(_program, value) if each is not None)
            if branches:
                yield name, branches


def _program(value: object) -> Jaxpr | None:
    """The program itself, or the one closed over its constants."""
    inner = getattr(value, "jaxpr", value)
    return inner if isinstance(inner, Jaxpr) else None


def _dtypes(variables: Iterable[Value]) -> list[Any]:
    return [getattr(v.aval, "dtype", None) for v in variables]


def _is_condition(program: Jaxpr) -> bool:
    return len(program.outvars) == 1 and str(_dtypes(program.outvars)[0]) == "bool" and not shape_of(program.outvars[0])


def _paired(program: Jaxpr, equation: JaxprEqn) -> list[tuple[Value, Value]]:
    """The equation's operands and results beside the parts that the program takes and gives.

    A program without results writes them into arguments that follow, as a kernel of Pallas does.
    """
    taken, given = list(equation.invars), list(equation.outvars)
    if not program.outvars:
        return list(zip([*taken, *given], program.invars, strict=False))
    pairs = list(zip(taken, program.invars, strict=True)) if len(taken) == len(program.invars) else []
    return [*pairs, *zip(given, program.outvars, strict=False)]


def _times(pairs: list[tuple[Value, Value]]) -> int:
    """How often the parts fit into the whole."""
    return max((-(-size_of(whole) // size_of(part)) for whole, part in pairs if size_of(part)), default=1) or 1
