"""The interface of an engine: a small frozen object with facts, `prepare`, and exact costs.

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
    """The direction in which an engine goes through the chain."""

    FORWARD = "forward"
    REVERSE = "reverse"
    MIXED = "mixed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Engine(ABC):
    """A method that computes a Jacobian.

    Users ask for it by `name`; `summary` is its line in `fwdrev engines`; `library` is the library it computes with. An
    engine that does not compute a Jacobian (`null`) says so and is exempt from the check before timing.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    direction: ClassVar[Direction]
    library: ClassVar[str] = "numpy"
    computes: ClassVar[bool] = True

    @abstractmethod
    def prepare(self, chain: Chain, wrt: Wrt | str) -> Jacobian:
        """Do the one-off work; returns the callable that computes the Jacobian at a point."""

    @abstractmethod
    def cost(self, chain: Chain, wrt: Wrt | str) -> EngineCost:
        """The cost of one Jacobian in exact counts, without a clock."""

    def products(self, chain: Chain, wrt: Wrt | str) -> list[Product]:
        """The products that compute one Jacobian, in order.

        An engine that does not list its products returns one line with the total.
        """
        total, shape = self.cost(chain, wrt), (chain.n_out, chain.n_columns(Wrt(wrt)))
        work = Cost.other(*shape, total.multiply_adds, total.bytes_moved // chain.dtype.itemsize)
        return [Product(line="J f", factors=(), shape=shape, cost=work)]

    def priced(self, prices: Prices) -> "Engine":
        """This engine with plans made at these prices; the engine itself if it makes no plan."""
        return self

    def program_cost(self, chain: Chain, wrt: Wrt | str) -> ProgramCost | None:
        """The compiler's own figures for the program, if the engine compiles one; costs a compilation."""
        return None
