"""What an engine is: a small frozen object with facts, `prepare`, and the exact cost of what it does.

    jacobian = engine("forward").prepare(chain, "theta")     # one-off: plan, workspace, trace, compile
    J = jacobian(x, theta)                                   # (m, N), as often as needed

Engines are interchangeable: same arguments, same result, one (m, N) array. A NumPy engine returns a NumPy array and a
JAX engine a JAX array, which is ready when it is returned. A prepared Jacobian owns its workspace: one per thread.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.chain import Chain, Wrt
from fwdrev.modes.core.cost import Cost, EngineCost, Product, ProgramCost
from fwdrev.modes.core.prices import Prices

Jacobian = Callable[[AnyArray, AnyArray], AnyArray]
"""(x, θ) -> J: (n_1,), (P,) -> (m, N)."""


class Direction(StrEnum):
    """The way an engine goes through the chain."""

    FORWARD = "forward"
    REVERSE = "reverse"
    MIXED = "mixed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Engine(ABC):
    """A way to get a Jacobian.

    `name` is how users ask for it, `summary` one line for `fwdrev engines`; `library` is what it computes with; an
    engine that does not compute a Jacobian (`null`) says so and is exempt from the check before timing.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    direction: ClassVar[Direction]
    library: ClassVar[str] = "numpy"
    computes: ClassVar[bool] = True

    @abstractmethod
    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Do all that is needed once; returns the callable that computes the Jacobian at a point."""

    @abstractmethod
    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """What one Jacobian costs: exact counts, no clock."""

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """What one Jacobian takes, product by product, in order.

        An engine that does not tell has a single line with the amount of its work.
        """
        total, shape = self.cost(chain, wrt), (chain.n_out, chain.n_columns(Wrt(wrt)))
        work = Cost.other(*shape, total.multiply_adds, total.bytes_moved // chain.dtype.itemsize)
        return [Product(line="J f", factors=(), shape=shape, cost=work)]

    def priced(self, prices: Prices) -> "Engine":
        """The same engine, planning at these prices, if it plans."""
        return self

    def program_cost(self, chain: Chain, wrt: Wrt | str) -> ProgramCost | None:
        """What the compiler says of the program, for an engine that compiles one; costs a compilation."""
        return None
