"""Log ratios of two engines over the plane: the start of crossovers, maps and sentences."""

from dataclasses import dataclass

import pandas as pd

from fwdrev.modes.core.arrays import Matrix, Vector
from fwdrev.results.display import Displayed


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRatios(Displayed):
    """log(time of one engine / time of the other), for each round and cell.

    `table` has one row per round and one column per (n, m), both ascending; NaN where a round did not measure a cell.
    `outputs` are the sizes m of the grid; a sweep that refines the plane measures others in between.
    """

    pair: tuple[str, str]
    table: pd.DataFrame
    outputs: tuple[int, ...]

    @property
    def n(self) -> list[int]:
        """The measured sizes n, ascending."""
        return sorted({int(n) for n in self.table.columns.get_level_values("n")})

    @property
    def m(self) -> list[int]:
        """The measured sizes m of the grid, ascending."""
        return sorted({int(m) for m in self.table.columns.get_level_values("m")} & set(self.outputs))

    @property
    def grid(self) -> pd.DataFrame:
        """The part of the table that belongs to the grid."""
        return self.table.loc[:, self.table.columns.get_level_values("m").isin(self.outputs)]

    def along_m(self, n: int) -> tuple[Vector, Matrix]:
        """All sizes m measured at this n, and the log ratios (rounds, sizes)."""
        return self._line("n", n, "m")

    def along_n(self, m: int) -> tuple[Vector, Matrix]:
        """The sizes n measured at this m, and the log ratios (rounds, sizes)."""
        return self._line("m", m, "n")

    def _line(self, level: str, size: int, along: str) -> tuple[Vector, Matrix]:
        """Avoids a pandas index for each line, since a plane has hundreds of lines."""
        columns = self.table.columns
        there = columns.get_level_values(level).to_numpy() == size
        return columns.get_level_values(along).to_numpy()[there], self.table.to_numpy()[:, there]


def cell_means(table: pd.DataFrame) -> dict[tuple[int, int], float]:
    """The mean over the rounds in each measured cell (n, m) of such a table."""
    mean = table.mean().dropna()
    return {(int(n), int(m)): log for (n, m), log in zip(mean.index, mean.tolist(), strict=True)}
