"""Exact costs: how many multiply–adds a product takes, and how much memory it has to move.

A multiplication counts as one multiply–add, whether or not an addition follows it; additions alone are not counted.
Only the work on Jacobians is counted: evaluating the function costs every engine the same.
"""

from dataclasses import dataclass

__all__ = ["Cost", "EngineCost", "ProgramCost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """The cost of one operation: `multiply_adds`, and `moved` = array entries read and written."""

    multiply_adds: int = 0
    moved: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        """Both, one after the other."""
        return Cost(multiply_adds=self.multiply_adds + other.multiply_adds, moved=self.moved + other.moved)

    def __mul__(self, times: int) -> "Cost":
        """The same operation several times."""
        return Cost(multiply_adds=self.multiply_adds * times, moved=self.moved * times)

    @classmethod
    def product(cls, rows: int, inner: int, columns: int) -> "Cost":
        """(rows, inner) · (inner, columns), each matrix moved once."""
        return cls(
            multiply_adds=rows * inner * columns,
            moved=rows * inner + inner * columns + rows * columns,
        )

    @classmethod
    def scaling(cls, size: int, times: int) -> "Cost":
        """A diagonal of `size` entries times a matrix of size · times entries."""
        return cls(multiply_adds=size * times, moved=size + 2 * size * times)

    @classmethod
    def copy(cls, entries: int) -> "Cost":
        """Entries read and written without arithmetic."""
        return cls(moved=2 * entries)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineCost:
    """What one Jacobian costs an engine.

    `multiply_adds`: as above. `passes`: tangents pushed or cotangents pulled. `bytes_moved`: every operand of every
    operation once, no cache assumed. `peak_bytes`: the most that is held at once in Jacobians, the result included.
    """

    multiply_adds: int
    passes: int
    bytes_moved: int
    peak_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramCost:
    """What a compiler says of the program that it made; None where it does not know.

    `flops` and `bytes_accessed` for one Jacobian, a multiply–add being two flops; `peak_bytes`: arguments, results and
    temporary arrays together. XLA counts before its last optimisations (jax issue 13956).
    """

    flops: int | None = None
    bytes_accessed: int | None = None
    peak_bytes: int | None = None
