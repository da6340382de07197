"""The mixed mode in JAX: one compiled program that computes the bracketing by jax.jvp, jax.vjp and products."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from fwdrev.modes.bracketing.program import Block, Dense, Instruction, Multiply, Program, Pull, Push, program_of
from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import ProgramCost
from fwdrev.modes.core.data import Pytree
from fwdrev.modes.core.engine import Direction, Jacobian
from fwdrev.modes.core.jacobians import jacobian_by
from fwdrev.modes.core.jax_compile import Traceable, compile_jacobian, compiled_cost, differentiated
from fwdrev.modes.core.layer import Layer
from fwdrev.modes.engines.planner import Planner


class JaxBracketed(Planner):
    """The cheapest tree at the given prices, forward and reverse included."""

    __slots__ = ()

    name = "jax-bracketed"
    summary = "the cheapest bracketing, each layer by jax.jvp or jax.vjp, jitted as one program"
    library = "jax"

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Plans the bracketing, traces its program and compiles it."""
        return compile_jacobian(chain, self._traced(chain, Wrt(wrt)))

    def program_cost(self, chain: Chain, wrt: Wrt | str) -> ProgramCost:
        """XLA's own figures for the program."""
        return compiled_cost(chain, self._traced(chain, Wrt(wrt)))

    def _traced(self, chain: Chain, wrt: Wrt) -> Traceable:
        """The program of the best tree; for a chain too long to plan, the better of JAX's own two modes."""
        found = self.plan(chain, wrt)
        if found.tree is None:
            return differentiated(found.direction, wrt)
        return executed(program_of(found.tree, chain, wrt))


def executed(program: Program, chunk: int | None = None) -> Traceable:
    """The program as a function that JAX can trace; at most `chunk` seeds are pushed or pulled at a time."""

    def jacobian(chain: Chain, x: AnyArray, theta: AnyArray) -> AnyArray:
        points: list[tuple[Layer, AnyArray, AnyArray]] = []
        for layer, cut in zip(chain.layers, chain.cuts, strict=True):
            points.append((layer, x, theta[cut]))
            x = layer.value(x, theta[cut])
        memory = _Memory(program)
        for one in program.instructions:
            _execute(one, points, memory, chunk)
        return memory.whole(0, x.dtype)

    return jacobian


class _Memory:
    """The blocks computed so far, by buffer and first column."""

    def __init__(self, program: Program) -> None:
        self._shapes = program.buffers
        self._blocks: list[dict[int, AnyArray]] = [{} for _ in program.buffers]

    def write(self, block: Block, value: AnyArray) -> None:
        """Stores a block; each is written once."""
        self._blocks[block.buffer][block.start] = value

    def read(self, block: Block) -> AnyArray:
        """The columns of a block, which may have been written in parts, or as part of a larger block."""
        parts = sorted(self._blocks[block.buffer].items())
        wanted = {at: part for at, part in parts if at < block.stop and at + part.shape[1] > block.start}
        first = min(wanted)
        whole = wanted[first] if len(wanted) == 1 else jnp.concatenate(list(wanted.values()), axis=1)
        return whole[:, block.start - first : block.stop - first]

    def whole(self, buffer: int, dtype: AnyArray) -> AnyArray:
        """All columns side by side; there may be none."""
        rows, columns = self._shapes[buffer]
        return self.read(Block(buffer, 0, columns, "")) if columns else jnp.zeros((rows, 0), dtype)


def _execute(
    one: Instruction, points: list[tuple[Layer, AnyArray, AnyArray]], memory: _Memory, chunk: int | None
) -> None:
    match one:
        case Dense(layer=k, theta=of_theta, out=out):
            layer, x, theta = points[k]
            wide = (layer.n_params if of_theta else layer.n_in) > layer.n_out
            mode = Direction.REVERSE if wide else Direction.FORWARD
            memory.write(out, jacobian_by(layer.value, mode, int(of_theta), chunk=chunk)(x, theta))
        case Push(layer=k, source=source, out=out):
            layer, x, theta = points[k]
            _, push = jax.linearize(lambda x: layer.value(x, theta), x)
            memory.write(out, _each(push, memory.read(source).T, chunk).T)
        case Pull(layer=k, source=source, x=x_out, theta=theta_out):
            layer, x, theta = points[k]
            _, pull = jax.vjp(layer.value, x, theta)
            for place, value in zip((x_out, theta_out), _each(pull, memory.read(source), chunk), strict=True):
                if place is not None:
                    memory.write(place, value)
        case Multiply(left=left, right=right, out=out):
            memory.write(out, memory.read(left) @ memory.read(right))


def _each(linear: Callable[..., Pytree], seeds: AnyArray, chunk: int | None) -> Pytree:
    """Applies a linear function to every row; returns one array, or two."""
    if chunk is None or chunk >= len(seeds):
        return jax.vmap(linear)(seeds)
    return jax.lax.map(linear, seeds, batch_size=chunk)
