"""Memory: where one engine needs less of it than another, as their counts predict it and as it was measured.

Predicted is what an engine holds at once in Jacobians, the result included. Measured is all that it takes to prepare it
and to call it once: also its copies of the layers' constants, the values, and whatever else its library keeps. So the
two are far apart where the Jacobians are smaller than the constants.

tracemalloc sees what NumPy allocates, a GPU what JAX allocates there; a compiler says what its program needs. What is
seen is never compared with what is said.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from fwdrev.results.runs.cells import arms
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.crossing import crossing_point


class Source(StrEnum):
    """The measurement of a peak: a column of `arms(run)`."""

    ALLOCATED = "allocated_bytes"
    PROGRAM = "program_bytes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """By what factor, 1 or more, measured lies from predicted: half of the cells are no farther, none is beyond."""

    median: float
    worst: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlane:
    """log2(peak memory of one engine / of the other) in each cell.

    `table` has one row per m and one column per n, both ascending; NaN where one of the two is not known. `outputs` are
    the sizes m of the grid; a sweep that refines the plane has others in between.
    """

    table: pd.DataFrame
    outputs: tuple[int, ...]

    @property
    def grid(self) -> pd.DataFrame:
        """The part of the table that belongs to the grid."""
        return self.table[self.table.index.isin(self.outputs)]

    @property
    def known(self) -> int:
        """The number of cells of the grid in which both are known."""
        return int(self.grid.notna().to_numpy().sum())

    @property
    def less(self) -> int:
        """The number of these in which the first engine needs less."""
        return int((self.grid < 0).to_numpy().sum())

    @property
    def break_even(self) -> dict[int, float | None]:
        """At each n the m* at which both need the same; None where they do nowhere in range, or everywhere."""
        sizes = self.table.index.to_numpy(float)
        lines = zip(self.table.columns.to_numpy(int), self.table.to_numpy().T, strict=True)
        return {
            int(n): crossing_point(sizes, line[np.newaxis]) if np.nan_to_num(line).any() else None for n, line in lines
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRatios:
    """The plane of a pair of engines, predicted and measured, over the same cells.

    `source`: the measurement that has both engines, None without any; `apart`: how far the measured ratios lie from the
    predicted ones, None without cells that have both; `bytes_apart`: the same for the bytes of each engine.
    """

    pair: tuple[str, str]
    source: Source | None
    predicted: MemoryPlane
    measured: MemoryPlane
    apart: Apart | None
    bytes_apart: Mapping[str, Apart]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to compare in any cell."""
        return self.predicted.known == self.measured.known == 0


def memory_ratios(run: Run, pair: tuple[str, str]) -> MemoryRatios:
    """The pair's first engine to its second, from the passes before the rounds; an unknown cell is NaN."""
    table = arms(run)
    table = table[table["engine"].isin(pair)]
    counts = [_peaks(table, name, "peak_bytes") for name in pair]
    peaks = {source: [_peaks(table, name, source.value) for name in pair] for source in Source}
    source = next((s for s, (one, other) in peaks.items() if (one / other).notna().to_numpy().any()), None)
    measured = [found * np.nan for found in counts] if source is None else peaks[source]
    planes = [MemoryPlane(table=_logs(*found), outputs=tuple(run.spec.sizes_m)) for found in (counts, measured)]
    each = {name: _apart(_logs(*found)) for name, *found in zip(pair, measured, counts, strict=True)}
    return MemoryRatios(
        pair=pair,
        source=source,
        predicted=planes[0],
        measured=planes[1],
        apart=_apart(planes[1].table - planes[0].table),
        bytes_apart={name: apart for name, apart in each.items() if apart is not None},
    )


def _peaks(table: pd.DataFrame, engine: str, column: str) -> pd.DataFrame:
    """Bytes in every cell of `table`: one row per m, one column per n, ascending; NaN where they are not known."""
    found = table[table["engine"] == engine].pivot_table(index="m", columns="n", values=column, aggfunc="first")
    rows, columns = (pd.Index(sorted(table[size].unique()), name=size) for size in ("m", "n"))
    found = found.reindex(index=rows, columns=columns).astype(float)
    return found.where(found > 0)


def _logs(one: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """log2(one / other)."""
    return (one / other).map(np.log2)


def _apart(logs: pd.DataFrame) -> Apart | None:
    """Over the cells where it is known."""
    far = np.abs(logs.to_numpy())
    far = far[~np.isnan(far)]
    return Apart(median=2 ** float(np.median(far)), worst=2 ** float(far.max())) if far.size else None
