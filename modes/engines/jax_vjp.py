"""The reference for reverse mode: jax.jacrev, that is jax.vjp vmapped over the basis, compiled."""

import jax

from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import EngineCost, Product, ProgramCost
from fwdrev.modes.core.engine import Direction, Engine, Jacobian
from fwdrev.modes.core.jax_compile import batch_cost, batch_products, compile_jacobian, compiled_cost, differentiated

__all__ = ["JaxVjp"]


class JaxVjp(Engine):
    """All m cotangents in one batch, through the chain's own `value`."""

    __slots__ = ()

    name = "jax-vjp"
    summary = "jax.jacrev of the same function: jax.vjp, vmapped over the basis and jitted"
    direction = Direction.REVERSE
    library = "jax"

    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Trace and compile."""
        return compile_jacobian(chain, differentiated(jax.jacrev, Wrt(wrt)))

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """One line for each map that the whole batch goes through."""
        wrt = Wrt(wrt)
        return batch_products(chain, wrt, chain.n_out, self.direction)

    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """m cotangents, each pulled through every map of the chain."""
        wrt = Wrt(wrt)
        return batch_cost(chain, wrt, chain.n_out, self.direction)

    def program_cost(self, chain: Chain, wrt: Wrt | str) -> ProgramCost:
        """XLA's own count."""
        return compiled_cost(chain, differentiated(jax.jacrev, Wrt(wrt)))
