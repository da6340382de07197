"""Predicted seconds of array operations and of whole Jacobians on a calibrated machine.

A Jacobian takes

    call + layer · layers + value · (multiply–adds of the value) + operation · operations + table · Σ operations
         + multiply_add · (multiply–adds) + byte · (bytes moved) + cold_byte · (bytes moved beyond the cache)

with nonnegative rates for each engine. Σ operations adds up measured times of single array operations, which lie in
tables over their sizes: the rate of a matrix product changes tenfold with its shape, and the crossover is where two
engines differ by less than that. Compiled engines have no such operations and go by the totals alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

from fwdrev.modes.core.chain import Chain
from fwdrev.modes.core.cost import Cost, EngineCost, Operation, Product
from fwdrev.modes.core.prices import Prices

MARGIN = 0.03
"""A mixed plan has to beat forward and reverse by more than the model's own error at neighbouring sizes."""

CACHE = 2**21
"""Bytes that stay in cache: a core's second level and a share of the third. Of 2¹⁹ … 2²³ this value predicted
crossovers best (AMD EPYC, 1 MiB of second level; a virtual machine may state anything)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """One engine's rates: seconds per unit of each term."""

    call: float = 0.0
    layer: float = 0.0
    value: float = 0.0
    operation: float = 0.0
    table: float = 0.0
    multiply_add: float = 0.0
    byte: float = 0.0
    cold_byte: float = 0.0

    def seconds(self, units: Mapping[str, float]) -> float:
        """The sum over the terms."""
        return math.fsum(getattr(self, name) * unit for name, unit in units.items())


@dataclass(frozen=True, slots=True)
class Table:
    """Seconds of one kind of operation at sizes that are powers of two, one axis for each size.

    Between these sizes, log seconds are linear in the log sizes; beyond them, time is proportional
    to each size. Where the table says None (too large to be measured), it is as if the axis ended before.
    """

    values: Any
    """Nested lists of seconds or None."""
    _logs: dict[tuple[int, ...], float] = field(default_factory=dict, repr=False, compare=False)

    def seconds(self, sizes: Sequence[int]) -> float:
        """Seconds at these sizes, each 1 or more; interpolates between the surrounding corners."""
        # a plan asks for one point at a time: scipy's RegularGridInterpolator takes five times as long (255 µs, not 52)
        low = [min(size.bit_length() - 1, 60) for size in sizes]
        shares = [math.log2(size) - at for size, at in zip(sizes, low, strict=True)]
        total = 0.0
        for corner in product((0, 1), repeat=len(low)):
            weight = math.prod(share if up else 1 - share for up, share in zip(corner, shares, strict=True))
            if weight > 0:
                total += weight * self._log(tuple(at + up for at, up in zip(low, corner, strict=True)))
        return math.exp(total)

    def _log(self, at: tuple[int, ...]) -> float:
        """Log seconds at a grid point; outside the grid, log 2 more than at half the size."""
        if at not in self._logs:
            found = self._value(at)
            if found is None:
                widest = max(range(len(at)), key=at.__getitem__)
                half = tuple(a - (axis == widest) for axis, a in enumerate(at))
                self._logs[at] = self._log(half) + math.log(2)
            else:
                self._logs[at] = math.log(found)
        return self._logs[at]

    def _value(self, at: tuple[int, ...]) -> float | None:
        found = self.values
        for index in at:
            if index >= len(found):
                return None
            found = found[index]
        return found if found is None else float(found)


@dataclass(frozen=True, slots=True)
class Seconds(Prices):
    """Tables by kind of operation and rates by engine; both hold only what was calibrated."""

    tables: Mapping[str, Table]
    rates: Mapping[str, Rates]

    unit = "seconds"
    margin = MARGIN

    def of(self, operation: Operation) -> float:
        """Looks the operation up in its table; work known only by its amount is priced as a large matrix product."""
        table = self.tables.get(operation.table)
        if table is None:
            return operation.multiply_adds * self._large_product
        sizes = (operation.rows, operation.inner, operation.columns)
        return table.seconds(sizes if operation.is_product else (operation.rows, operation.columns)) * operation.times

    def jacobian(self, name: str, cost: EngineCost, products: Sequence[Product], chain: Chain) -> float:
        """Seconds of one Jacobian by that engine; for an uncalibrated engine, the sum over its operations."""
        rates = self.rates.get(name, Rates(table=1.0))
        return rates.seconds(terms(self, cost, products, chain))

    @property
    def _large_product(self) -> float:
        """Seconds of a multiply–add in a product of 256 × 256 matrices."""
        table = self.tables.get("push")
        return 1e-10 if table is None else table.seconds((256, 256, 256)) / 256**3

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        rates = {name: {k: v for k, v in asdict(r).items() if v} for name, r in self.rates.items()}
        return {"tables": {kind: table.values for kind, table in self.tables.items()}, "rates": rates}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Seconds":
        """Reads back the data that `to_json` wrote."""
        return cls(
            {kind: Table(values) for kind, values in data["tables"].items()},
            {name: Rates(**rates) for name, rates in data["rates"].items()},
        )


def terms(prices: Prices, cost: EngineCost, products: Sequence[Product], chain: Chain) -> dict[str, float]:
    """The quantities that an engine's rates multiply, by the name of the rate.

    Evaluating a layer takes about as many multiply–adds as pushing one tangent through both its maps. If more is
    held at once than the cache takes, the rest comes from memory.
    """
    value = Cost.all(J.push_cost(1) for layer in chain.linearizations() for J in (layer.J_x, layer.J_theta))
    operations = Cost.all(line.cost for line in products)
    return {
        "call": 1.0,
        "layer": float(len(chain.layers)),
        "value": float(value.multiply_adds),
        "operation": float(len(operations.operations)),
        "table": float(prices.total(operations)),
        "multiply_add": float(cost.multiply_adds),
        "byte": float(cost.bytes_moved),
        "cold_byte": cost.bytes_moved * max(0.0, 1 - CACHE / cost.peak_bytes) if cost.peak_bytes else 0.0,
    }
