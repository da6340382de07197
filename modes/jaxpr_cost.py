"""What a program of JAX costs, read from its jaxpr: nothing is lowered, compiled or run.

    cost = cost_of(jax.jacfwd(f), x)
    cost.counts["flops"], cost.seconds

Each equation is counted by what it does to how many numbers, in loops as often as they are gone through, and each kind
of work has a rate. The rates were fitted to the Jacobians of `benchmarks/advice.py` (with `--fit` it prints those that
suit what it measured), so that they compare programs; as a prediction of seconds they are often off by half, and on
another machine by more.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Var, jaxprs_in_params

__all__ = ["RATES", "JaxprCost", "cost_of", "cost_of_jaxpr", "equations_of", "operations", "seconds_of"]

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
`transcendentals`, which comparing two numbers in a sort takes as long as; `flops` of matrix products and convolutions,
the numbers that go in (`operands`) and come out (`products`); numbers that are `transposed`, `gathered`, `scattered`;
`fresh bytes` of arrays so large that their memory is new each time; what a product, a reduction, a scatter and a pass
through a loop take besides.
"""

_FRESH = 12 << 20
"""Bytes of an array from which its memory comes from the system each time."""

_FREE = frozenset(
    {
        *("broadcast_in_dim", "convert_element_type", "copy", "copy_p", "device_put", "expand_dims", "iota", "name"),
        *("optimization_barrier", "reshape", "squeeze", "debug_callback", "debug_print", "create_token"),
    }
)
"""Fused with what reads them, or nothing at all."""

_MOVED = frozenset({"concatenate", "pad", "rev", "slice", "split", "stack", "tile", "unstack"})
"""Fused with what reads them; what is concatenated is made whole where it is large."""

_DIVISIONS = frozenset({"div", "integer_pow", "rem", "rsqrt", "sqrt"})

_TRIGONOMETRIC = frozenset({"acos", "asin", "atan", "atan2", "cos", "sin", "tan"})
_HYPERBOLIC = frozenset({"acosh", "asinh", "atanh", "cosh", "logistic", "sinh", "tanh"})
_POWERS = frozenset({"cbrt", "exp", "exp2", "expm1", "log", "log1p", "pow"})
_SPECIAL = frozenset(
    {
        *("bessel_i0e", "bessel_i1e", "digamma", "erf", "erf_inv", "erfc", "igamma", "igammac", "lgamma", "polygamma"),
        *("random_bits", "sort", "regularized_incomplete_beta", "threefry2x32", "zeta"),
    }
)
_TRANSCENDENTAL = _TRIGONOMETRIC | _HYPERBOLIC | _POWERS | _SPECIAL

_REDUCED = frozenset(
    {
        *("argmax", "argmin", "cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum", "reduce", "reduce_and"),
        *("reduce_max", "reduce_min", "reduce_or", "reduce_prod", "reduce_sum", "reduce_xor", "top_k"),
    }
)

_WINDOWS = frozenset({"reduce_window", "reduce_window_max", "reduce_window_min", "reduce_window_sum"})

_SCATTERED = frozenset(
    {
        *("scatter", "scatter-add", "scatter-max", "scatter-min", "scatter-mul", "scatter-sub"),
        *("select_and_gather_add", "select_and_scatter", "select_and_scatter_add"),
    }
)

_DECOMPOSED = {
    "cholesky": (0, 1 / 3),
    "eig": (0, 25),
    "eigh": (0, 9),
    "geqrf": (2, -2 / 3),
    "householder_product": (2, -2 / 3),
    "lu": (1, -1 / 3),
    "qr": (2, -2 / 3),
    "svd": (4, 16),
}
"""Floating point operations of a decomposition, in max(m, n) · min(m, n)² and in min(m, n)³: the leading terms of Golub
and Van Loan, Matrix Computations."""

_LOOPS = frozenset({"scan", "while"})

_BY_ELEMENT = _REDUCED | _WINDOWS | _SCATTERED
"""Primitives with a program inside that says how two numbers become one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JaxprCost:
    """Counts by kind of work (see `RATES`), and bytes: of the largest array, of the results, at the peak.

    A loop without a known length is counted once, of branches the longest; results that are never used, which XLA would
    drop, count as well. `peak_bytes` is what is alive at once when the program runs one equation after the other, as
    outside jit: seeds and results included, arguments and constants not. XLA, which fuses, needs less.
    """

    counts: Mapping[str, int]
    largest_bytes: int
    result_bytes: int
    peak_bytes: int

    @property
    def seconds(self) -> float:
        """Expected of a call, for comparison with other programs."""
        return seconds_of(self.counts)


def cost_of(f: Callable[..., Any], *args: Any) -> JaxprCost:  # noqa: ANN401 - pytrees
    """Of a function at arrays, or at anything that has their shapes and dtypes; costs a trace."""
    return cost_of_jaxpr(jax.make_jaxpr(f)(*args))


def cost_of_jaxpr(closed: ClosedJaxpr) -> JaxprCost:
    """Of a function that JAX has traced."""
    counts: Counter[str] = Counter(calls=1)
    largest = _count(closed.jaxpr, 1, counts)
    return JaxprCost(
        counts={kind: count for kind, count in counts.items() if count},
        largest_bytes=largest,
        result_bytes=sum(map(_bytes, closed.jaxpr.outvars)),
        peak_bytes=_peak(closed.jaxpr),
    )


def _peak(jaxpr: Jaxpr) -> int:
    """Bytes alive at once: each result from the equation that makes it to the last one that reads it."""
    last = {v: i for i, equation in enumerate(jaxpr.eqns) for v in equation.invars if isinstance(v, Var)}
    ended: dict[int, list[Var]] = {}
    last |= dict.fromkeys((v for v in jaxpr.outvars if isinstance(v, Var)), len(jaxpr.eqns))
    alive = peak = 0
    for i, equation in enumerate(jaxpr.eqns):
        branches = [branch.jaxpr for branch in equation.params.get("branches", ())]
        inside = max(map(_peak, [*(body for body, _ in _bodies(equation)), *branches]), default=0)
        size = sum(map(_bytes, equation.outvars))
        alive += size
        peak = max(peak, alive + (inside if equation.primitive.name in _LOOPS else max(0, inside - size)))
        for v in equation.outvars:
            ended.setdefault(last.get(v, i), []).append(v)
        alive -= sum(map(_bytes, ended.pop(i, ())))
    return peak


def operations(program: ClosedJaxpr) -> int:
    """How many operations a program has, those of programs inside of it included: compiling takes as long as that."""
    return sum(1 for _ in equations_of(program.jaxpr))


def equations_of(jaxpr: Jaxpr) -> Iterator[JaxprEqn]:
    """All equations, those of programs inside of equations too."""
    for equation in jaxpr.eqns:
        yield equation
        for body in jaxprs_in_params(equation.params):
            yield from equations_of(body)


def _count(jaxpr: Jaxpr, times: int, counts: Counter[str]) -> int:
    """Add what each equation does, whether its result is used or not; the bytes of the largest array."""
    largest = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name == "cond":
            inner = _longest(equation, times)
            counts.update(inner[0])
            largest = max(largest, inner[1])
            continue
        bodies = list(_bodies(equation))
        for body, length in bodies:
            largest = max(largest, _count(body, times * length, counts))
        if name in _LOOPS:
            _add_loop(equation, times, bodies[-1][1], counts)
        if name in _LOOPS or not (bodies or name in _FREE):
            largest = max([largest, *map(_bytes, equation.outvars)])
        if not bodies and name not in _FREE:
            _add(equation, name, times, counts)
    return largest


def _bodies(equation: JaxprEqn) -> Iterator[tuple[Jaxpr, int]]:
    """The programs that are run inside an equation, and how often; none where it is an operation itself."""
    name, params = equation.primitive.name, equation.params
    if name == "scan":
        yield params["jaxpr"].jaxpr, int(params["length"])
    elif name == "while":
        yield params["cond_jaxpr"].jaxpr, 1
        yield params["body_jaxpr"].jaxpr, 1
    elif name == "custom_linear_solve":
        yield params["jaxprs"].solve.jaxpr, 1
    elif name not in _BY_ELEMENT:  # jit, checkpoint, custom_jvp_call, …: of several programs the first one is run
        held = (getattr(value, "jaxpr", value) for value in params.values())
        inside = next((value for value in held if isinstance(value, Jaxpr)), None)
        if inside is not None:
            yield inside, 1


def _add_loop(equation: JaxprEqn, times: int, length: int, counts: Counter[str]) -> None:
    """What a loop takes besides its body: each pass, and the rows that it reads and writes."""
    counts["iterations"] += times * length
    if equation.primitive.name == "scan":
        body: Jaxpr = equation.params["jaxpr"].jaxpr
        outside, inside = [*equation.invars, *equation.outvars], [*body.invars, *body.outvars]
        rows = [whole for whole, row in zip(outside, inside, strict=True) if _shape(whole) != _shape(row)]
        counts["elements"] += times * sum(map(_size, rows))
        counts["fresh bytes"] += times * _fresh(equation)


def _longest(equation: JaxprEqn, times: int) -> tuple[Counter[str], int]:
    """The counts of the branch that takes longest, and the largest array of any."""
    found = []
    for branch in equation.params["branches"]:
        counts: Counter[str] = Counter()
        found.append((counts, _count(branch.jaxpr, times, counts)))
    counts, _ = max(found, key=lambda each: seconds_of(each[0]))
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
    elif name in _REDUCED | _WINDOWS:
        window = math.prod(equation.params.get("window_dimensions", ()))
        counts["elements"] += out * window if name in _WINDOWS else times * _size(equation.invars[0])
        counts["reduction calls"] += times
    elif name in _DECOMPOSED or name in {"triangular_solve", "fft"}:
        counts["flops"] += times * _flops(equation, name)
        counts["product calls"] += times
    else:
        whole = name in {"concatenate", "sort"}
        if name not in _MOVED:
            counts[_elementwise(name)] += out * _compared(equation, name)
    if whole:
        counts["fresh bytes"] += times * _fresh(equation)


def _fresh(equation: JaxprEqn) -> int:
    """Bytes of the results that are so large that their memory is new."""
    return sum(size for size in map(_bytes, equation.outvars) if size > _FRESH)


def _compared(equation: JaxprEqn, name: str) -> int:
    """How often each number is compared with another one, in a sort."""
    return _levels(_shape(equation.invars[0])[equation.params["dimension"]]) if name == "sort" else 1


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
    if name == "fft":
        return 5 * out * sum(map(_levels, equation.params["fft_lengths"]))
    most, cube = _DECOMPOSED[name]
    long, short = max(shape[-2:]), min(shape[-2:])
    return round(math.prod(shape[:-2]) * (most * long * short**2 + cube * short**3))


def _levels(size: int) -> int:
    """How often a size can be halved."""
    return max(1, (size - 1).bit_length())


def _shape(variable: Any) -> tuple[int, ...]:  # noqa: ANN401 - a variable or a literal; a token has no shape
    return tuple(getattr(variable.aval, "shape", ()))


def _size(variable: Any) -> int:  # noqa: ANN401
    return math.prod(_shape(variable))


def _bytes(variable: Any) -> int:  # noqa: ANN401
    return _size(variable) * int(getattr(getattr(variable.aval, "dtype", None), "itemsize", 0))


def seconds_of(counts: Mapping[str, int], rates: Mapping[str, float] = RATES) -> float:
    """Of so much work at those rates."""
    return math.fsum(rates[kind] * count for kind, count in counts.items())
