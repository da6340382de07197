"""Exact costs: the multiply–adds of a product, and the memory that it moves.

A multiplication counts as one multiply–add, whether or not an addition follows it; additions alone are not counted.
Only the work on Jacobians is counted: evaluating the function costs every engine the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """The kind of an array operation; operations of one kind and one size take equally long."""

    PUSH = "push"
    """A tall matrix product stored by columns, as a push through a layer that stores its matrix by columns."""
    PULL = "pull"
    """A matrix product stored by rows."""
    SCALE_ROWS = "scale rows"
    SCALE_COLUMNS = "scale columns"
    OUTER = "outer"
    COPY = "copy"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One array operation, or the same one several `times`.

    A product is (rows, inner) · (inner, columns); anything else has a result of (rows, columns) and inner = 1.
    `multiply_adds` and `moved` (array entries read and written) are for all `times` together.
    """

    kind: Kind
    rows: int
    inner: int = 1
    columns: int
    multiply_adds: int
    moved: int
    times: int = 1
    fresh: bool = False
    """Whether the result gets new memory instead of being written in place."""

    @property
    def table(self) -> str:
        """The key under which its times are looked up."""
        return f"{self.kind} fresh" if self.fresh and self.kind is Kind.PULL else str(self.kind)

    @property
    def is_product(self) -> bool:
        """Whether it is a matrix product."""
        return self.kind in {Kind.PUSH, Kind.PULL}


@dataclass(frozen=True, slots=True)
class Cost:
    """A list of array operations, in order, with their totals."""

    operations: tuple[Operation, ...] = ()

    @property
    def multiply_adds(self) -> int:
        """The multiply–adds of all operations."""
        return sum(operation.multiply_adds for operation in self.operations)

    @property
    def moved(self) -> int:
        """The array entries that all operations read and write."""
        return sum(operation.moved for operation in self.operations)

    def __add__(self, other: "Cost") -> "Cost":
        """The operations of both, one after the other."""
        return Cost(self.operations + other.operations)

    def __mul__(self, times: int) -> "Cost":
        """These operations, repeated."""
        return Cost(
            tuple(
                replace(o, multiply_adds=o.multiply_adds * times, moved=o.moved * times, times=o.times * times)
                for o in self.operations
            )
        )

    @property
    def fresh(self) -> "Cost":
        """These operations, with results in new memory instead of written in place."""
        return Cost(tuple(replace(operation, fresh=True) for operation in self.operations))

    @classmethod
    def all(cls, parts: Iterable["Cost"]) -> "Cost":
        """The operations of all these costs, one after the other."""
        return cls(tuple(operation for part in parts for operation in part.operations))

    @classmethod
    def product(cls, rows: int, inner: int, columns: int, kind: Kind = Kind.PUSH) -> "Cost":
        """(rows, inner) · (inner, columns), each matrix moved once."""
        moved = rows * inner + inner * columns + rows * columns
        return cls._one(kind, rows, columns, rows * inner * columns, moved, inner=inner)

    @classmethod
    def scaling(cls, rows: int, columns: int, kind: Kind = Kind.SCALE_ROWS) -> "Cost":
        """A diagonal times a (rows, columns) matrix; the diagonal has one entry for each row, or for each column."""
        size = rows if kind is Kind.SCALE_ROWS else columns
        return cls._one(kind, rows, columns, rows * columns, size + 2 * rows * columns)

    @classmethod
    def outer(cls, rows: int, columns: int, multiply_adds: int, moved: int) -> "Cost":
        """Products of structured factors, with a result of (rows, columns)."""
        return cls._one(Kind.OUTER, rows, columns, multiply_adds, moved)

    @classmethod
    def copy(cls, rows: int, columns: int) -> "Cost":
        """Entries read and written without arithmetic."""
        return cls._one(Kind.COPY, rows, columns, 0, 2 * rows * columns)

    @classmethod
    def other(cls, rows: int, columns: int, multiply_adds: int, moved: int) -> "Cost":
        """Work that is known only by its amount."""
        return cls._one(Kind.OTHER, rows, columns, multiply_adds, moved)

    @classmethod
    def _one(cls, kind: Kind, rows: int, columns: int, multiply_adds: int, moved: int, inner: int = 1) -> "Cost":
        """No operation where the result is empty."""
        if 0 in (rows, columns):
            return cls()
        return cls(
            (Operation(kind=kind, rows=rows, inner=inner, columns=columns, multiply_adds=multiply_adds, moved=moved),)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One line of a recursion, or one product of a bracketing: its formula, its shapes and its cost.

    `line` reads like the formulas: `J_x L^3 · G^2`; `shape` is the result's shape, `factors` are the shapes of the
    factors: two for a product, one where a map is written out.
    """

    line: str
    factors: tuple[tuple[int, int], ...]
    shape: tuple[int, int]
    cost: Cost

    @property
    def vector(self) -> bool:
        """Whether it is a product with a single row or column: vector × matrix, not matrix × matrix."""
        return 1 in self.shape


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCost:
    """The cost of one Jacobian for one engine.

    `multiply_adds`: as above. `passes`: tangents pushed or cotangents pulled, the most of both that are under way at
    once where an engine does both. `bytes_moved`: every operand of every
    operation once, no cache assumed. `peak_bytes`: the most that is held at once in Jacobians, the result included.
    """

    multiply_adds: int
    passes: int
    bytes_moved: int
    peak_bytes: int

    @classmethod
    def of(cls, products: Iterable[Product], *, passes: int, peak: int, itemsize: int) -> "EngineCost":
        """The total of these products; `peak` in entries, `itemsize` in bytes."""
        total = Cost.all(product.cost for product in products)
        return cls(
            multiply_adds=total.multiply_adds,
            passes=passes,
            bytes_moved=total.moved * itemsize,
            peak_bytes=peak * itemsize,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCost:
    """A compiler's own figures for a program that it made; None where it has none.

    `flops` and `bytes_accessed` for one Jacobian, a multiply–add being two flops; `peak_bytes`: arguments, results and
    temporary arrays together. XLA counts before its last optimisations (jax issue 13956).
    """

    flops: int | None = None
    bytes_accessed: int | None = None
    peak_bytes: int | None = None
