"""What a program of JAX costs, read from its jaxpr: nothing is lowered, compiled or run.

    cost = cost_of(jax.jacfwd(f), x)
    cost.counts["flops"], cost.seconds

Each equation is counted by what it does to how many numbers, in loops as often as they are gone through, and each kind
of work has a rate. The rates were fitted to the Jacobians of `benchmarks/advice.py` (`--fit` prints them anew), so that
they compare programs; as a prediction of seconds they are often off by half, and on another machine by more.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn

__all__ = ["RATES", "JaxprCost", "cost_of", "counted"]

RATES = {
    "calls": 4.8e-6,
    "elements": 0.08e-9,
    "divisions": 0.8e-9,
    "transcendentals": 8.2e-9,
    "flops": 0.008e-9,
    "operands": 0.07e-9,
    "products": 0.3e-9,
    "transposed": 0.07e-9,
    "gathered": 1.7e-9,
    "scattered": 5.8e-9,
    "fresh bytes": 0.27e-9,
    "product calls": 0.38e-6,
    "reduction calls": 0.12e-6,
    "scatter calls": 4.7e-6,
    "iterations": 0.58e-6,
}
"""Seconds of each kind of work, one thread, float64.

`calls` of the program; `elements` of arrays by additions and the like, which XLA fuses; `divisions` and roots;
`transcendentals`; `flops` of matrix products and convolutions, the numbers that go in (`operands`) and come out
(`products`); numbers that are `transposed`, `gathered`, `scattered`; `fresh bytes` of arrays so large that their memory
is new each time; what a product, a reduction, a scatter and a pass through a loop take besides.
"""

_FRESH = 12 << 20
"""Bytes of an array from which its memory comes from the system each time."""

_FUSED = frozenset({"broadcast_in_dim", "convert_element_type", "copy", "expand_dims", "iota", "reshape", "squeeze"})
"""Cost nothing of their own."""

_MOVED = frozenset({"concatenate", "pad", "rev", "slice", "split", "stack", "unstack"})
"""Fused with what reads them, too, but an array that is made whole where it is large."""

_DIVISIONS = frozenset({"div", "integer_pow", "rem", "rsqrt", "sqrt"})

_TRIGONOMETRIC = frozenset({"acos", "asin", "atan", "atan2", "cos", "sin", "tan"})
_HYPERBOLIC = frozenset({"acosh", "asinh", "atanh", "cosh", "logistic", "sinh", "tanh"})
_POWERS = frozenset({"cbrt", "exp", "exp2", "expm1", "log", "log1p", "pow"})
_SPECIAL = frozenset({"digamma", "erf", "erf_inv", "erfc", "lgamma"})
_TRANSCENDENTAL = _TRIGONOMETRIC | _HYPERBOLIC | _POWERS | _SPECIAL

_SCATTERED = frozenset({"scatter", "scatter-add", "scatter-max", "scatter-min", "scatter-mul"})

_CUBIC = {"cholesky": 1 / 3, "eig": 25.0, "eigh": 9.0, "lu": 2 / 3, "qr": 4 / 3, "geqrf": 4 / 3, "svd": 20.0}
"""Floating point operations of a decomposition, in cubes of the larger side; leading terms of LAPACK's algorithms."""

_INSIDE = frozenset(
    {"checkpoint", "closed_call", "core_call", "custom_jvp_call", "custom_vjp_call", "jit", "pjit", "remat", "remat2"}
)
"""Do what the program that they hold does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JaxprCost:
    """Counts by kind of work (see `RATES`), and the bytes of the largest array on the way and of the results.

    A loop without a known length is counted once, of branches the longest.
    """

    counts: Mapping[str, int]
    largest_bytes: int
    result_bytes: int

    @property
    def seconds(self) -> float:
        """Expected of a call, for comparison with other programs."""
        return _seconds(self.counts)


def cost_of(f: Callable[..., Any], *args: Any) -> JaxprCost:  # noqa: ANN401 - pytrees
    """Of a function at arrays, or at anything that has their shapes and dtypes; costs a trace."""
    return counted(jax.make_jaxpr(f)(*args))


def counted(closed: ClosedJaxpr) -> JaxprCost:
    """Of a function that JAX has traced."""
    counts: Counter[str] = Counter(calls=1)
    largest = _count(closed.jaxpr, 1, counts)
    return JaxprCost(counts=dict(counts), largest_bytes=largest, result_bytes=sum(map(_bytes, closed.jaxpr.outvars)))


def _count(jaxpr: Jaxpr, times: int, counts: Counter[str]) -> int:
    """Add what each equation does; the bytes of the largest array."""
    largest = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name == "cond":
            inner = _longest(equation, times)
            counts.update(inner[0])
            largest = max(largest, inner[1])
            continue
        if name not in _FUSED | _INSIDE:
            largest = max(largest, sum(map(_bytes, equation.outvars)))
        bodies = list(_bodies(equation))
        for body, length in bodies:
            largest = max(largest, _count(body, times * length, counts))
        if name in {"scan", "while"}:
            counts["iterations"] += times * bodies[-1][1]
        if not bodies and name not in _FUSED:
            _add(equation, name, times, counts)
    return largest


def _bodies(equation: JaxprEqn) -> Iterator[tuple[Jaxpr, int]]:
    """The programs inside an equation, and how often they are run; none where it is an operation itself."""
    name, params = equation.primitive.name, equation.params
    if name == "scan":
        yield params["jaxpr"].jaxpr, int(params["length"])
    elif name == "while":
        yield params["cond_jaxpr"].jaxpr, 1
        yield params["body_jaxpr"].jaxpr, 1
    elif name in _INSIDE:
        held: Any = params.get("jaxpr", params.get("call_jaxpr"))
        yield getattr(held, "jaxpr", held), 1


def _longest(equation: JaxprEqn, times: int) -> tuple[Counter[str], int]:
    """The counts of the branch that takes longest, and the largest array of any."""
    found = []
    for branch in equation.params["branches"]:
        counts: Counter[str] = Counter()
        found.append((counts, _count(branch.jaxpr, times, counts)))
    counts, _ = max(found, key=lambda each: _seconds(each[0]))
    return counts, max(largest for _, largest in found)


def _add(equation: JaxprEqn, name: str, times: int, counts: Counter[str]) -> None:
    """One operation, so many times."""
    out = times * sum(map(_size, equation.outvars))
    whole = True
    if name in {"dot_general", "conv_general_dilated"}:
        counts["flops"] += times * _flops(equation, name)
        counts["operands"] += times * sum(map(_size, equation.invars))
        counts["products"] += out
        counts["product calls"] += times
    elif name in _SCATTERED:
        counts["scattered"] += times * _size(equation.invars[-1])
        counts["scatter calls"] += times
    elif name == "dynamic_update_slice":
        counts["gathered"] += times * _size(equation.invars[1])
    elif name in {"dynamic_slice", "gather"}:
        counts["gathered"] += out
    elif name == "transpose":
        counts["transposed"] += out
    elif name.startswith(("arg", "cum", "reduce")):
        counts["elements"] += times * _size(equation.invars[0])
        counts["reduction calls"] += times
    elif name in _CUBIC or name in {"triangular_solve", "fft", "sort"}:
        counts["flops"] += times * _flops(equation, name)
        counts["product calls"] += times
    else:
        whole = name == "concatenate"
        if name not in _MOVED:
            counts[_elementwise(name)] += out
    bytes_ = sum(map(_bytes, equation.outvars))
    if whole and bytes_ > _FRESH:
        counts["fresh bytes"] += times * bytes_


def _elementwise(name: str) -> str:
    """The kind of an operation that is done to each number."""
    if name in _TRANSCENDENTAL:
        return "transcendentals"
    return "divisions" if name in _DIVISIONS else "elements"


def _flops(equation: JaxprEqn, name: str) -> int:
    """Additions and multiplications."""
    out, shape = sum(map(_size, equation.outvars)), _shape(equation.invars[0])
    if name == "dot_general":
        contracted: tuple[int, ...] = equation.params["dimension_numbers"][0][0]
        return 2 * out * math.prod(shape[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel = _shape(equation.invars[1])
        channels: int = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
        return 2 * out * math.prod(kernel) // max(1, channels)
    if name == "triangular_solve":
        return out * shape[-1]
    if name in {"fft", "sort"}:
        return 5 * out * max(1, shape[-1] - 1).bit_length()
    return round(_CUBIC[name] * math.prod(shape[:-2]) * max(shape[-2:]) ** 3)


def _shape(variable: Any) -> tuple[int, ...]:  # noqa: ANN401 - a variable or a literal; a token has no shape
    return tuple(getattr(variable.aval, "shape", ()))


def _size(variable: Any) -> int:  # noqa: ANN401
    return math.prod(_shape(variable))


def _bytes(variable: Any) -> int:  # noqa: ANN401
    return _size(variable) * int(getattr(getattr(variable.aval, "dtype", None), "itemsize", 0))


def _seconds(counts: Mapping[str, int]) -> float:
    return math.fsum(RATES[kind] * count for kind, count in counts.items())
