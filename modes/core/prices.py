"""Prices: the quantity that a plan minimises, operations or predicted seconds.

Callers pass prices in: this package reads no clock and no file. Operations are exact and the same
everywhere. Seconds are those of one machine, as `fwdrev calibrate` found them.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.cost import Cost, EngineCost, Operation, Product

Number = int | float


class Prices(ABC):
    """A price for each array operation.

    `unit`: the unit of the prices; `margin`: by how much, relatively, a plan has to be cheaper than forward and reverse
    to be worth it, given how exact the prices are.
    """

    unit: ClassVar[str]
    margin: ClassVar[float]

    @abstractmethod
    def of(self, operation: Operation) -> Number:
        """The price of an operation, repeats included."""

    def total(self, cost: Cost) -> Number:
        """The price of all operations of a cost."""
        return sum(map(self.of, cost.operations))

    def jacobian(self, name: str, cost: EngineCost, products: Sequence[Product], chain: Chain) -> Number:
        """The price of a whole Jacobian by the engine of that name; never below the price of its products."""
        return self.total(Cost.all(line.cost for line in products))


@dataclass(frozen=True, slots=True)
class Operations(Prices):
    """Multiply–adds: exact whole numbers."""

    unit = "multiply–adds"
    margin = 0.0

    def of(self, operation: Operation) -> int:
        """Its multiply–adds."""
        return operation.multiply_adds


OPERATIONS = Operations()
