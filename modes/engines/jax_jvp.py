"""The reference for forward mode: jax.jacfwd, that is jax.jvp vmapped over the basis, compiled."""

import jax

from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost, Product, ProgramCost
from fwdrev.modes.core.engine import Direction, Engine, Jacobian
from fwdrev.modes.core.jax_compile import batch_cost, batch_products, compile_jacobian, compiled_cost, differentiated

__all__ = ["JaxJvp"]


class JaxJvp(Engine):
    """All N tangents in one batch, through the chain's own `value`."""

    __slots__ = ()

    name = "jax-jvp"
    summary = "jax.jacfwd of the same function: jax.jvp, vmapped over the basis and jitted"
    direction = Direction.FORWARD
    library = "jax"

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Trace and compile."""
        return compile_jacobian(chain, differentiated(jax.jacfwd, Wrt(wrt)))

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """One line for each map that the whole batch goes through."""
        wrt = Wrt(wrt)
        return batch_products(chain, wrt, chain.n_columns(wrt), self.direction)

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """N tangents, each pushed through every map of the chain."""
        wrt = Wrt(wrt)
        return batch_cost(chain, wrt, chain.n_columns(wrt), self.direction)

    def program_cost(self, chain: Chain, wrt: Wrt | str) -> ProgramCost:
        """XLA's own count."""
        return compiled_cost(chain, differentiated(jax.jacfwd, Wrt(wrt)))
