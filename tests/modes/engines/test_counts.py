"""Operation counts are exact: they equal the counts of instrumented maps while the engines run.

The instrument multiplies numbers that count their own multiplications, so it uses no formula.
"""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from fwdrev.modes import LinearMap, Problem, Wrt, engine
from fwdrev.modes.bracketing.program import Block, Dense, Program, Pull, Push, products_of, program_of
from fwdrev.modes.core.linear_map import Diagonal, Full, Scaled
from fwdrev.modes.core.structured_map import Outer, Zero
from fwdrev.modes.engines.bracketed import Bracketed
from tests.cases import CASES, case_id, make, problems, trees


class Counter:
    """The number of multiplications."""

    def __init__(self) -> None:
        self.multiplications = 0


class Number:
    """A number that counts its multiplications."""

    def __init__(self, value: float, counter: Counter) -> None:
        self.value = value
        self.counter = counter

    def __mul__(self, other: Any) -> "Number":
        """Multiplies and counts."""
        self.counter.multiplications += 1
        return Number(self.value * getattr(other, "value", other), self.counter)

    __rmul__ = __mul__

    def __add__(self, other: Any) -> "Number":
        """Adds without counting."""
        return Number(self.value + getattr(other, "value", other), self.counter)

    __radd__ = __add__


def _counting(array: Any, counter: Counter) -> Any:
    return np.array([Number(float(v), counter) for v in array.flat] or [], dtype=object).reshape(array.shape)


def _values(array: Any) -> Any:
    return np.array([getattr(v, "value", v) for v in array.flat], dtype=float).reshape(array.shape)


def _instrumented(J: LinearMap, counter: Counter) -> LinearMap:
    """The same map over counting numbers."""
    if isinstance(J, Scaled):
        S = _instrumented(J.S, counter)
        assert isinstance(S, Diagonal)
        return Scaled(S, _counting(J.M, counter))
    if isinstance(J, Full):
        return Full(_counting(J.M, counter))
    if isinstance(J, Diagonal):
        return Diagonal(_counting(J.row[0], counter))
    if isinstance(J, Outer):
        return Outer(_counting(J.x, counter), J.n_out)
    assert isinstance(J, Zero)
    return Zero(J.n_out, J.n_in, np.dtype(object))


def _run_counting(p: Problem, wrt: Wrt, name: str) -> int:
    """Runs an engine's textbook recursion over instrumented maps: forward or reverse, one product after the other."""
    counter = Counter()
    layers = list(zip(*p.chain.linearize(p.x, p.theta), strict=True))
    J = (_forward if name == "forward" else _reverse)(layers, wrt, counter)
    expected = engine(name).prepare(p.chain, wrt)(p.x, p.theta)
    np.testing.assert_allclose(_values(J), expected, rtol=1e-9, atol=1e-12)
    return counter.multiplications


def _forward(layers: Any, wrt: Wrt, counter: Counter) -> Any:
    G = None
    for J_x, J_theta in layers:
        parts = []
        if G is not None:
            parts.append(_instrumented(J_x, counter).push(G))
        elif wrt.has_x:
            parts.append(_instrumented(J_x, counter).dense())
        if wrt.has_theta:
            parts.append(_instrumented(J_theta, counter).dense())
        G = np.hstack(parts)
    return G


def _reverse(layers: Any, wrt: Wrt, counter: Counter) -> Any:
    """If J_x and J_θ begin with the same S, pulling through it once is allowed when cheaper."""
    D: Any = None
    blocks: list[Any] = []
    for k in reversed(range(len(layers))):
        if not wrt.has_x and not any(J.n_in for _, J in layers[: k + 1]):
            break  # nothing to differentiate with respect to
        J_x, J_theta = layers[k]
        before = any(J.n_in for _, J in layers[:k])
        wanted = ([J_theta] if wrt.has_theta else []) + ([J_x] if before or wrt.has_x else [])
        if D is None:
            pulled = [_instrumented(J, counter).dense() for J in wanted]
        else:
            pulled = _cheapest_pull(wanted, D, counter)
        if wrt.has_theta:
            blocks.insert(0, pulled.pop(0))
        D = pulled.pop() if pulled else None
    first = D if wrt.has_x else np.zeros((layers[-1][0].n_out, 0), dtype=object)
    return np.hstack([first, *blocks])


def _cheapest_pull(maps: list[LinearMap], D: Any, counter: Counter) -> list[Any]:
    """Tries both ways with counters of their own; keeps the cheaper one."""
    ways = []
    for shared in (True, False):
        if shared and not (maps and all(isinstance(J, Scaled) and J.S is maps[0].S for J in maps)):  # type: ignore[attr-defined]
            continue
        trial = Counter()
        U = _counting(_values(D), trial)
        if shared:
            first = maps[0]
            assert isinstance(first, Scaled)
            U = _instrumented(first.S, trial).pull(U)
            results = [_instrumented(Full(J.M), trial).pull(U) for J in maps if isinstance(J, Scaled)]
        else:
            results = [_instrumented(J, trial).pull(U) for J in maps]
        ways.append((trial.multiplications, results))
    count, results = min(ways, key=lambda way: way[0])
    counter.multiplications += count
    return results


@pytest.mark.parametrize("name", ["forward", "reverse"])
@pytest.mark.parametrize("wrt", Wrt)
@pytest.mark.parametrize("case", [c for c in CASES if c[1] < 60], ids=case_id)
def test_recursions_count_what_they_multiply(case: Any, wrt: Wrt, name: str) -> None:
    """The engine's own count is that of the instrument, to the last multiplication."""
    p = make(case)
    if p.chain.n_in > 16:
        p = make((case[0], case[1], case[2], case[3] | {"width": 6}))
    assert engine(name).cost(p.chain, wrt).multiply_adds == _run_counting(p, wrt, name)


@given(problems(), st.sampled_from(Wrt), st.sampled_from(["forward", "reverse"]))
def test_counts_on_any_chain(p: Problem, wrt: Wrt, name: str) -> None:
    """Counts are right for all layers."""
    assert engine(name).cost(p.chain, wrt).multiply_adds == _run_counting(p, wrt, name)


@given(problems(), st.sampled_from(Wrt))
def test_jax_engines_count_one_pass_per_seed(p: Problem, wrt: Wrt) -> None:
    """jax-jvp pushes N tangents one by one through every map that they reach, jax-vjp pulls m cotangents."""
    _expect_passes(p, wrt)


@pytest.mark.parametrize("wrt", Wrt)
@pytest.mark.parametrize("case", [c for c in CASES if c[1] < 60], ids=case_id)
def test_jax_engines_count_one_pass_per_seed_on_the_table(case: Any, wrt: Wrt) -> None:
    """Counts are right on every problem."""
    _expect_passes(make(case), wrt)


def _expect_passes(p: Problem, wrt: Wrt) -> None:
    """Expects the instrument's count of one seed, times the seeds."""
    J_x, J_theta = p.chain.linearize(p.x, p.theta)
    maps = (J_x if wrt.has_x else J_x[1:]) + (J_theta if wrt.has_theta else [])
    for name, seeds in (("jax-jvp", p.chain.n_columns(wrt)), ("jax-vjp", p.m)):
        counter = Counter()
        for J in maps:
            counting = _instrumented(J, counter)
            if name == "jax-jvp":
                counting.push(_counting(np.ones((J.n_in, 1)), counter))
            else:
                counting.pull(_counting(np.ones((1, J.n_out)), counter))
        cost = engine(name).cost(p.chain, wrt)
        assert cost.passes == seeds
        assert cost.multiply_adds == seeds * counter.multiplications


@pytest.mark.parametrize("name", ["bracketed", pytest.param("jax-bracketed", marks=pytest.mark.long)])
@pytest.mark.parametrize("wrt", Wrt)
@pytest.mark.parametrize("case", [c for c in CASES if c[1] < 60], ids=case_id)
def test_bracketings_count_what_they_multiply(case: Any, wrt: Wrt, name: str) -> None:
    """The planned tree's count is that of the instrument, which executes the tree's textbook program."""
    p = make(case)
    if p.chain.n_in > 16:
        p = make((case[0], case[1], case[2], case[3] | {"width": 6}))
    plan = Bracketed().plan(p.chain, wrt)
    assert plan.tree is not None
    counted, J = _run_program(p, program_of(plan.tree, p.chain, wrt))
    assert engine(name).cost(p.chain, wrt).multiply_adds == counted
    np.testing.assert_allclose(J, engine("reverse").prepare(p.chain, wrt)(p.x, p.theta), rtol=1e-9, atol=1e-12)


@given(problems(), st.sampled_from(Wrt))
def test_bracketings_of_any_chain_count_what_they_multiply(p: Problem, wrt: Wrt) -> None:
    """Counts are right for all layers."""
    plan = Bracketed().plan(p.chain, wrt)
    assert plan.tree is not None
    assert plan.cost(p.chain).multiply_adds == _run_program(p, program_of(plan.tree, p.chain, wrt))[0]


@given(st.data(), problems(), st.sampled_from(Wrt))
def test_counts_of_any_tree(data: st.DataObject, p: Problem, wrt: Wrt) -> None:
    """Counts are right for all brackets, cheapest or not."""
    program = program_of(data.draw(trees(0, len(p.chain.layers))), p.chain, wrt)
    lines = products_of(program, p.chain.linearizations())
    assert sum(line.cost.multiply_adds for line in lines) == _run_program(p, program)[0]


def _run_program(p: Problem, program: Program) -> tuple[int, Any]:
    """Returns the multiplications and the Jacobian, in counting numbers, which each instruction gets anew."""
    counter, layers = Counter(), p.chain.linearize(p.x, p.theta)
    memory = [np.zeros(shape) for shape in program.buffers]

    def read(block: Block) -> Any:
        return _counting(memory[block.buffer][:, block.start : block.stop], counter)

    def write(block: Block, result: Any) -> None:
        memory[block.buffer][:, block.start : block.stop] = _values(result)

    for one in program.instructions:
        if isinstance(one, Dense):
            write(one.out, _instrumented(layers[one.theta][one.layer], counter).dense())
        elif isinstance(one, Push):
            write(one.out, _instrumented(layers[0][one.layer], counter).push(read(one.source)))
        elif isinstance(one, Pull):
            places = (layers[1][one.layer], one.theta), (layers[0][one.layer], one.x)
            outs = [(J, out) for J, out in places if out is not None]
            results = _cheapest_pull([J for J, _ in outs], read(one.source), counter)
            for (_, out), result in zip(outs, results, strict=True):
                write(out, result)
        else:
            write(one.out, read(one.left).dot(read(one.right)))
    return counter.multiplications, memory[0]


@pytest.mark.parametrize("wrt", [Wrt.THETA, Wrt.BOTH])
@pytest.mark.parametrize("name", ["forward", "reverse"])
def test_peak_bytes_are_what_is_allocated(name: str, wrt: Wrt) -> None:
    """Apart from the layers' own workspaces, NumPy allocates the stated peak for Jacobians, and hardly more."""
    p = make(("driven", 3000, 300, {"width": 100}))
    engine(name).prepare(p.chain, wrt)(p.x, p.theta)
    workspaces = _allocated(p.chain.linearizations)
    peak = _allocated(lambda: engine(name).prepare(p.chain, wrt)(p.x, p.theta))
    stated = engine(name).cost(p.chain, wrt).peak_bytes
    assert stated <= peak - workspaces <= 1.04 * stated


def _allocated(call: Callable[[], object]) -> int:
    """The bytes that NumPy and Python hold at the peak."""
    tracemalloc.start()
    try:
        kept = call()
        peak = tracemalloc.get_traced_memory()[1]
        del kept
    finally:
        tracemalloc.stop()
    return peak
