"""Estimates the cost of a JAX program from its jaxpr; lowers, compiles and runs nothing.

    cost = cost_of(jax.jacfwd(f), x)
    cost.counts["flops"], cost.seconds

Each equation counts by its operation and its sizes, inside a loop once for each pass; each kind
of work has a rate. The rates were fitted to the Jacobians of `benchmarks/advice.py` (`--fit` prints the rates that
fit its measurements). They serve to compare programs; as a prediction of seconds they are often off by half, on
another machine by more.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, JaxprEqn, Var

from fwdrev.modes.jaxpr.primitives import (
    DECOMPOSED,
    DIVISIONS,
    FREE,
    KNOWN,
    MOVED,
    PRODUCTS,
    REDUCED,
    SCATTERED,
    TRANSCENDENTAL,
    WINDOWS,
)
from fwdrev.modes.jaxpr.programs import NOTHING, Alternatives, Inside, bytes_of, inside_of, shape_of, size_of

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
"""The size from which an array's memory comes from the system each time, in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JaxprCost:
    """Counts by kind of work (see `RATES`), and bytes: of the largest array, of the results, at the peak.

    A loop without a known length is counted once, of branches the longest; results that are never used, which XLA would
    drop, count as well. `peak_bytes` is the memory alive at once when the program runs one equation after the other, as
    outside jit: with seeds and results, without arguments and constants. XLA fuses, and needs less. `unknown`:
    primitives counted only by the sizes of their operands and results, or whose programs are guesses.
    """

    counts: Mapping[str, int]
    largest_bytes: int
    result_bytes: int
    peak_bytes: int
    unknown: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """Expected seconds of a call, for comparison with other programs."""
        return seconds_of(self.counts)


@dataclass(slots=True)
class _Tally:
    """The counts so far, the bytes of the largest array, and the unknown primitives."""

    counts: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    unknown: set[str] = field(default_factory=set)


def cost_of(f: Callable[..., object], *args: object) -> JaxprCost:
    """The cost of a function at arrays, or at anything with shapes and dtypes; costs a trace."""
    return cost_of_jaxpr(jax.make_jaxpr(f)(*args))


def cost_of_jaxpr(closed: ClosedJaxpr) -> JaxprCost:
    """The cost of a program that JAX has traced."""
    tally = _Tally(Counter(calls=1))
    _count(closed.jaxpr, 1, tally)
    return JaxprCost(
        counts={kind: count for kind, count in tally.counts.items() if count},
        largest_bytes=tally.largest,
        result_bytes=sum(map(bytes_of, closed.jaxpr.outvars)),
        peak_bytes=_peak(closed.jaxpr),
        unknown=tuple(sorted(tally.unknown)),
    )


def _peak(jaxpr: Jaxpr) -> int:
    """The peak of bytes alive at once: each result lives from its equation to the last equation that reads it."""
    last = {v: i for i, equation in enumerate(jaxpr.eqns) for v in equation.invars if isinstance(v, Var)}
    ended: dict[int, list[Var]] = {}
    last |= dict.fromkeys((v for v in jaxpr.outvars if isinstance(v, Var)), len(jaxpr.eqns))
    alive = peak = 0
    for i, equation in enumerate(jaxpr.eqns):
        inside = _inside(equation)
        within = max((_peak(each) for alternatives, _ in inside.runs for each in alternatives), default=0)
        size = sum(map(bytes_of, equation.outvars))
        alive += size
        peak = max(peak, alive + (within if inside.loop else max(0, within - size)))
        for v in equation.outvars:
            ended.setdefault(last.get(v, i), []).append(v)
        alive -= sum(map(bytes_of, ended.pop(i, ())))
    return peak


def _inside(equation: JaxprEqn) -> Inside:
    return NOTHING if equation.primitive.name in KNOWN else inside_of(equation)


def _count(jaxpr: Jaxpr, times: int, tally: _Tally) -> None:
    """Add the work of each equation, whether its result is used or not."""
    for equation in jaxpr.eqns:
        name, inside = equation.primitive.name, _inside(equation)
        for alternatives, each in inside.runs:
            _count_longest(alternatives, times * each, tally)
        if inside.guessed:
            tally.unknown.add(name)
        if inside.loop:  # each pass takes some time, and so do the rows that it reads and writes
            tally.counts["iterations"] += times * inside.passes
            tally.counts["elements"] += times * sum(map(size_of, inside.rows))
            tally.counts["fresh bytes"] += times * _fresh(equation)
        if inside.loop or not (inside.runs or name in FREE):
            tally.largest = max([tally.largest, *map(bytes_of, equation.outvars)])
        if not inside.runs and name not in FREE:
            _add(equation, name, times, tally)


def _count_longest(alternatives: Alternatives, times: int, tally: _Tally) -> None:
    """Add the counts of the longest branch, and the largest array of any branch."""
    found = [_Tally() for _ in alternatives]
    for branch, counted in zip(alternatives, found, strict=True):
        _count(branch, times, counted)
    tally.counts.update(max(found, key=lambda each: seconds_of(each.counts)).counts)
    tally.largest = max(tally.largest, *(each.largest for each in found))
    tally.unknown.update(*(each.unknown for each in found))


def _add(equation: JaxprEqn, name: str, times: int, tally: _Tally) -> None:
    """One operation, repeated; an unknown one reads its operands and writes its results."""
    try:
        counts = _known(equation, name) if name in KNOWN else None
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # this version of JAX has other parameters
        counts = None
    if counts is None:
        tally.unknown.add(name)
        read_and_written = sum(map(size_of, [*equation.invars, *equation.outvars]))
        counts = {"elements": read_and_written, "fresh bytes": _fresh(equation)}
    tally.counts.update({kind: times * count for kind, count in counts.items()})


def _known(equation: JaxprEqn, name: str) -> dict[str, int]:
    """The work of one operation."""
    out = sum(map(size_of, equation.outvars))
    if name in PRODUCTS:
        operands = sum(map(size_of, equation.invars))
        counts = {"flops": _flops(equation, name), "operands": operands, "products": out, "product calls": 1}
    elif name in DECOMPOSED or name in {"triangular_solve", "fft"}:
        counts = {"flops": _flops(equation, name), "product calls": 1}
    elif name in SCATTERED:
        counts = {"scattered": size_of(equation.invars[-1]), "scatter calls": 1}
    elif name == "dynamic_update_slice":
        counts = {"gathered": size_of(equation.invars[1])}
    elif name in {"dynamic_slice", "gather", "transpose"}:
        counts = {"transposed" if name == "transpose" else "gathered": out}
    elif name in WINDOWS:
        counts = {"elements": out * math.prod(equation.params.get("window_dimensions", ())), "reduction calls": 1}
    elif name in REDUCED:
        counts = {"elements": size_of(equation.invars[0]), "reduction calls": 1}
    elif name == "sort":  # each number is compared with others so often
        counts = {"transcendentals": out * _levels(shape_of(equation.invars[0])[equation.params["dimension"]])}
    elif name in MOVED:
        return {"fresh bytes": _fresh(equation)} if name == "concatenate" else {}
    else:
        return {"transcendentals" if name in TRANSCENDENTAL else "divisions" if name in DIVISIONS else "elements": out}
    return counts | {"fresh bytes": _fresh(equation)}


def _fresh(equation: JaxprEqn) -> int:
    """Bytes of the results that are large enough to get fresh memory."""
    return sum(size for size in map(bytes_of, equation.outvars) if size > _FRESH)


def _flops(equation: JaxprEqn, name: str) -> int:
    """The additions and multiplications of a matrix product or convolution."""
    out, shape = sum(map(size_of, equation.outvars)), shape_of(equation.invars[0])
    if name == "dot_general":
        contracted: tuple[int, ...] = equation.params["dimension_numbers"][0][0]
        return 2 * out * math.prod(shape[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel = shape_of(equation.invars[1])
        channels: int = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
        return 2 * out * math.prod(kernel) // max(1, channels)
    if name == "triangular_solve":
        return out * shape[-1]
    if name == "fft":
        return 5 * out * sum(map(_levels, equation.params["fft_lengths"]))
    most, cube = DECOMPOSED[name]
    long, short = max(shape[-2:]), min(shape[-2:])
    return round(math.prod(shape[:-2]) * (most * long * short**2 + cube * short**3))


def _levels(size: int) -> int:
    """How often a size can be halved."""
    return max(1, (size - 1).bit_length())


def unknown_text(names: Iterable[str]) -> str:
    """A sentence about the unknown primitives."""
    return f"primitives counted by the sizes of their arrays alone: {', '.join(sorted(set(names)))}"


def seconds_of(counts: Mapping[str, int], rates: Mapping[str, float] = RATES) -> float:
    """Seconds for these counts at the given rates."""
    return math.fsum(rates[kind] * count for kind, count in counts.items())
