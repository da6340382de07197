"""The reference engines: compiled jax.jacfwd and jax.jacrev, that is jax.jvp and jax.vjp vmapped over the basis."""

from abc import abstractmethod
from dataclasses import replace

from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import Cost, EngineCost, Operation, Product, ProgramCost
from fwdrev.modes.core.engine import Direction, Engine, Jacobian
from fwdrev.modes.core.jax_compile import compile_jacobian, compiled_cost, differentiated
from fwdrev.modes.core.linear_map import LinearMap


class _Reference(Engine):
    """Differentiates the chain's own `value` for all seeds in one batch."""

    __slots__ = ()

    library = "jax"

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Traces and compiles the program."""
        return compile_jacobian(chain, differentiated(self.direction, Wrt(wrt)))

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """One line for each map of the chain, in the order in which all seeds go through them."""
        wrt = Wrt(wrt)
        lines: list[Product] = []
        for k, layer in enumerate(chain.linearizations(), 1):
            if layer.J_x.n_in and (k > 1 or wrt.has_x):
                lines.append(self._batch(f"J_x L^{k}", layer.J_x, self._seeds(chain, wrt)))
            if layer.J_theta.n_in and wrt.has_theta:
                lines.append(self._batch(f"J_θ L^{k}", layer.J_theta, self._seeds(chain, wrt)))
        return lines if self.direction is Direction.FORWARD else lines[::-1]

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """The cost of all seeds through every map; the peak holds the result and the widest layer, or the seeds."""
        wrt = Wrt(wrt)
        seeds = self._seeds(chain, wrt)
        widest = max(seeds, *(max(layer.n_in, layer.n_out) for layer in chain.layers))
        return EngineCost.of(
            self.products(chain, wrt),
            passes=seeds,
            peak=seeds * widest + chain.n_out * chain.n_columns(wrt),
            itemsize=chain.dtype.itemsize,
        )

    def program_cost(self, chain: Chain, wrt: Wrt | str) -> ProgramCost:
        """XLA's own figures for the program."""
        return compiled_cost(chain, differentiated(self.direction, Wrt(wrt)))

    @abstractmethod
    def _seeds(self, chain: Chain, wrt: Wrt) -> int:
        """The number of tangents pushed, or of cotangents pulled."""

    @abstractmethod
    def _batch(self, name: str, J: LinearMap, seeds: int) -> Product:
        """Pushes or pulls all seeds through a map."""


class JaxJvp(_Reference):
    """The reference for forward mode: N tangents."""

    __slots__ = ()

    name = "jax-jvp"
    summary = "jax.jacfwd of the same function: jax.jvp, vmapped over the basis and jitted"
    direction = Direction.FORWARD

    def _seeds(self, chain: Chain, wrt: Wrt) -> int:
        return chain.n_columns(wrt)

    def _batch(self, name: str, J: LinearMap, seeds: int) -> Product:
        V, shape = (J.n_in, seeds), (J.n_out, seeds)
        cost = Cost.all(_batched(one, one.rows, seeds, seeds) for one in J.push_cost(1).operations)
        return Product(line=f"{name} · V", factors=(J.shape, V), shape=shape, cost=cost)


class JaxVjp(_Reference):
    """The reference for reverse mode: m cotangents."""

    __slots__ = ()

    name = "jax-vjp"
    summary = "jax.jacrev of the same function: jax.vjp, vmapped over the basis and jitted"
    direction = Direction.REVERSE

    def _seeds(self, chain: Chain, wrt: Wrt) -> int:
        return chain.n_out

    def _batch(self, name: str, J: LinearMap, seeds: int) -> Product:
        U, shape = (seeds, J.n_out), (seeds, J.n_in)
        cost = Cost.all(_batched(one, seeds, one.columns, seeds) for one in J.pull_cost(1).operations)
        return Product(line=f"U · {name}", factors=(U, J.shape), shape=shape, cost=cost)


def _batched(one: Operation, rows: int, columns: int, seeds: int) -> Cost:
    """Scales an operation on one seed to all seeds: a matrix is moved once, each seed and each result separately."""
    if one.is_product:
        return Cost.product(rows, one.inner, columns, one.kind)
    multiply_adds, moved = one.multiply_adds * seeds, one.moved * seeds
    return Cost((replace(one, rows=rows, columns=columns, multiply_adds=multiply_adds, moved=moved),))
