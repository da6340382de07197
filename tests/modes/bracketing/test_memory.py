"""The memory of a bracketing: buffers alive together do not overlap, and the stated bytes are those allocated."""

import tracemalloc
from dataclasses import fields

from hypothesis import given, settings, strategies as st

from fwdrev.modes import Direction, Problem, Wrt, engine
from fwdrev.modes.bracketing.program import Block, Program, program_of
from fwdrev.modes.bracketing.tree import Tree
from fwdrev.modes.core.prices import OPERATIONS
from fwdrev.modes.engines.planner import plan
from tests.cases import make, problems, trees


def _lives(program: Program) -> dict[int, set[int]]:
    """For each buffer but the result, the instructions from the first to the last that touch it."""
    touched: dict[int, list[int]] = {}
    for at, one in enumerate(program.instructions):
        for value in (getattr(one, field.name) for field in fields(one)):
            if isinstance(value, Block) and value.buffer:
                touched.setdefault(value.buffer, []).append(at)
    return {buffer: set(range(min(times), max(times) + 1)) for buffer, times in touched.items()}


@settings(max_examples=200)
@given(st.data(), problems(), st.sampled_from(Wrt))
def test_buffers_that_are_alive_together_lie_apart(data: st.DataObject, p: Problem, wrt: Wrt) -> None:
    """Every buffer has a slot that is large enough and its own until it is done; the result has none."""
    tree: Tree = data.draw(trees(0, len(p.chain.layers)))
    program = program_of(tree, p.chain, wrt)
    slots, memory, lives = program.slots(), program.memory(), _lives(program)
    assert slots[0] == -1
    assert set(lives) == set(range(1, len(program.buffers)))
    assert set(slots[1:]) == set(range(len(memory)))
    for one, alive in lives.items():
        rows, columns = program.buffers[one]
        assert rows * columns <= memory[slots[one]]
        assert all(slots[one] != slots[other] for other in lives if other > one and alive & lives[other])


def test_peak_bytes_of_a_mixed_mode_are_what_is_allocated() -> None:
    """At a waist, a call allocates at most a tenth more than stated; the parts exist since `prepare`."""
    p = make(("autoencoder", 400, 400, {"hidden": 3000, "waist": 60}))
    assert plan(p.chain, Wrt.X, OPERATIONS).direction is Direction.MIXED
    stated = engine("bracketed").cost(p.chain, Wrt.X).peak_bytes
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        jacobian = engine("bracketed").prepare(p.chain, Wrt.X)
        jacobian(p.x, p.theta)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    assert stated <= peak <= 1.1 * stated
