"""The mixed mode: `prepare` finds the cheapest bracketing of the chain, and NumPy executes it.

    X(i..j) = X(k+1..j) · X(i..k),    Θ(i..j) = ( X(k+1..j) · Θ(i..k) │ Θ(k+1..j) ),    any split k

Where forward or reverse is as cheap as any bracketing, that engine itself runs.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fwdrev.modes.bracketing.program import Block, Dense, Instruction, Multiply, Program, Pull, Push, pulled_maps
from fwdrev.modes.core.arrays import AnyArray, Matrix, Order, empty
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.engine import Jacobian
from fwdrev.modes.core.layer import Linearization
from fwdrev.modes.core.linear_map import Full
from fwdrev.modes.engines.output_pool import OutputPool
from fwdrev.modes.engines.planner import Planner

Step = tuple[Callable[..., Any], tuple[Matrix, ...]]
"""A function and the matrices to call it with; the last one is written."""


class Bracketed(Planner):
    """The cheapest tree at the given prices: operations, or seconds of a calibrated machine."""

    __slots__ = ()

    name = "bracketed"
    summary = "the cheapest bracketing of the product: forward, reverse or anything between, in NumPy"

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Plans in O(l³) for l layers, then allocates a workspace for each layer and the buffers."""
        found = self.plan(chain, wrt)
        if found.program is not None:
            return _prepared(found.program, chain)
        return found.pure.prepare(chain, found.wrt)


def _prepared(program: Program, chain: Chain) -> Jacobian:
    layers = chain.linearizations(program.wishes(chain))
    turns = list(zip(layers, chain.cuts, strict=True))
    scratch = [np.empty(size, chain.dtype) for size in program.memory()]
    (whole, *others), (stored, *orders) = program.buffers, _orders(program, layers)
    parts = zip(others, orders, program.slots()[1:], strict=True)
    buffers = [empty(*shape, chain.dtype, each, scratch[slot]) for shape, each, slot in parts]
    results = OutputPool(
        lambda: empty(*whole, chain.dtype, stored),
        lambda J: [step for one in program.instructions for step in _steps(one, layers, [J, *buffers])],
    )

    def jacobian(x: AnyArray, theta: AnyArray) -> Matrix:
        x, theta = chain.point(x, theta)
        for layer, cut in turns:
            x = layer.move_to(x, theta[cut])
        result, steps = results.take()
        for call, matrices in steps:
            call(*matrices)
        return result

    return jacobian


def _orders(program: Program, layers: Sequence[Linearization]) -> list[Order]:
    """The memory order of each buffer: that of the layer it is pushed through, otherwise by rows."""
    orders: list[Order] = ["C"] * len(program.buffers)
    for one in program.instructions:
        if isinstance(one, Push):
            orders[one.out.buffer] = layers[one.layer].J_x.order or orders[one.source.buffer]
    return orders


def _steps(one: Instruction, layers: Sequence[Linearization], memory: Sequence[Matrix]) -> list[Step]:
    """The calls that execute an instruction."""

    def view(block: Block) -> Matrix:
        return memory[block.buffer][:, block.start : block.stop]

    match one:
        case Dense(layer=k, theta=theta, out=out):
            return [((layers[k].J_theta if theta else layers[k].J_x).dense, (view(out),))]
        case Push(layer=k, source=source, out=out):
            return [(layers[k].J_x.push, (view(source), view(out)))]
        case Multiply(left=left, right=right, out=out):
            return [(Full(view(left)).push, (view(right), view(out)))]
        case Pull(source=source):
            return _pulls(one, layers, view(source), view)


def _pulls(one: Pull, layers: Sequence[Linearization], U: Matrix, view: Callable[[Block], Matrix]) -> list[Step]:
    """Pulls through the shared diagonal in place: nothing else reads these rows."""
    S, maps = pulled_maps(one, layers, U.shape[0])
    first: list[Step] = [(S.pull, (U, U))] if S is not None else []
    outs = (one.theta, one.x)
    return first + [
        (J.pull, (U, view(out))) for J, out in zip(maps, outs, strict=True) if J is not None and out is not None
    ]
