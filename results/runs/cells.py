"""Tidy tables of a run: one row per value, and the numbers per cell on which everything else builds."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from fwdrev.bench.records.observation import PREPARING, WEIGHING, ArmResult, Status
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.runs.blocks import timed_blocks
from fwdrev.results.runs.observations import Columns, Observations
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.blocks import Blocks
from fwdrev.results.stats.estimate import log_means
from fwdrev.results.stats.log_ratios import LogRatios


def values(run: Run) -> pd.DataFrame:
    """One row for each timed block: round, n, m, engine, block, loops, seconds (per call); of a cluster, machine."""
    timed = Observations.of(run.observations).timed
    return _values(timed, 0, len(timed.engine))


def values_in_parts(run: Run, arms: int) -> Iterator[pd.DataFrame]:
    """The same in tables of that many arms, each in a cell and a round: all rows at once take a gigabyte."""
    timed = Observations.of(run.observations).timed
    for begin in range(0, len(timed.engine), arms):
        yield _values(timed, begin, min(begin + arms, len(timed.engine)))


def _values(timed: Columns, begin: int, end: int) -> pd.DataFrame:
    """The rows of the arms from `begin` to `end`."""
    first, last = timed.start[begin], timed.start[end]
    arm = np.repeat(np.arange(begin, end), np.diff(timed.start[begin : end + 1]))
    row = timed.row[arm]
    table = pd.DataFrame(
        {
            "round": timed.round[row],
            "n": timed.n[row],
            "m": timed.m[row],
            "engine": np.array(timed.engines, dtype=object)[timed.engine[arm]],
            "block": np.arange(first, last) - timed.start[arm],
            "loops": timed.loops[arm],
            "seconds": timed.values[first:last],  # noqa: PD011 - a field, not pandas
        }
    )
    return table.assign(machine=np.array([*timed.machines, None])[timed.machine[row]]) if timed.machines else table


def arms(run: Run) -> pd.DataFrame:
    """One row for each arm of each cell, with all costs except time.

    status, reason, prepare_seconds, error; the engine's own counts multiply_adds, passes, bytes_moved, peak_bytes; its
    compiler's flops, bytes_accessed, program_bytes (peak); measured peaks allocated_bytes and resident_bytes. Unknown
    values are None.
    """
    rows: dict[tuple[int, int, str], dict[str, object]] = {}
    for o in Observations.of(run.observations).others:
        if o.round in {PREPARING, WEIGHING}:
            for name, arm in o.arms.items():
                key = {"n": o.cell.n, "m": o.cell.m, "engine": name}
                row = rows.setdefault((o.cell.n, o.cell.m, name), key)
                if o.round == PREPARING:
                    row |= _preparation(arm)
                elif arm.memory is not None:
                    row |= {"allocated_bytes": arm.memory.allocated, "resident_bytes": arm.memory.resident}
    return pd.DataFrame(rows.values(), columns=_ARM_COLUMNS)


_COUNTS = ("multiply_adds", "passes", "bytes_moved", "peak_bytes")

_ARM_COLUMNS = [
    *("n", "m", "engine", "status", "reason", "prepare_seconds", "error"),
    *_COUNTS,
    *("flops", "bytes_accessed", "program_bytes", "allocated_bytes", "resident_bytes"),
]


def _preparation(arm: ArmResult) -> dict[str, object]:
    cost, program = arm.cost, arm.program
    facts: dict[str, object] = {"status": arm.status.value, "reason": arm.reason, "error": arm.error}
    if cost is not None:  # asdict would copy each deeply, which takes longer than all the rest
        facts |= {name: getattr(cost, name) for name in _COUNTS}
    if program is not None:  # tells the compiler's peak from the engine's own
        facts |= {"flops": program.flops, "bytes_accessed": program.bytes_accessed, "program_bytes": program.peak_bytes}
    return facts | {"prepare_seconds": arm.prepare_seconds}


def failures(run: Run) -> pd.DataFrame:
    """One row for each arm that was not measured in a cell: n, m, engine, status, reason."""
    table = reasons(run)
    return table[table["status"] != Status.MEASURED].reset_index(drop=True)


def reasons(run: Run) -> pd.DataFrame:
    """The failures, and the arms measured although their Jacobian could not be checked."""
    rows = {
        (o.cell.n, o.cell.m, name, arm.status.value, arm.reason)
        for o in Observations.of(run.observations).others
        for name, arm in o.arms.items()
        if arm.status is not Status.MEASURED or arm.reason is not None
    }
    ordered = sorted(rows, key=lambda row: (*row[:-1], row[-1] or ""))
    return pd.DataFrame(ordered, columns=["n", "m", "engine", "status", "reason"])


def cells(run: Run) -> pd.DataFrame:
    """All facts about each engine in each cell: the columns of `times` and those of `arms`, merged."""
    return arms(run).merge(times(run), how="outer", on=["n", "m", "engine"])


def engines_measured(run: Run) -> list[str]:
    """Engines with at least one value, in the order of the specification."""
    found = Observations.of(run.observations).timed.engines
    return [name for name in run.spec.engines if name in found]


def times(measured: Run | Blocks) -> pd.DataFrame:
    """Seconds per call with intervals: n, m, engine, point, low, high, rounds; low and high are NaN for one round.

    `rounds` counts machines where several of one type measured: their rounds are no independent ones.
    """
    blocks = timed_blocks(measured) if isinstance(measured, Run) else measured
    logs = blocks.medians
    point, low, high = log_means(logs)
    there = ~np.isnan(point)
    cell, engine = there.nonzero()
    sizes = np.array([(c.n, c.m) for c in blocks.cells], dtype=int).reshape(-1, 2)[cell]
    return pd.DataFrame(
        {
            "n": sizes[:, 0],
            "m": sizes[:, 1],
            "engine": np.array(blocks.engines, dtype=object)[engine],
            "point": point[there],
            "low": low[there],
            "high": high[there],
            "rounds": (~np.isnan(logs)).sum(axis=0)[there],
        }
    )


def log_ratios(run: Run, pair: tuple[str, str], blocks: Blocks | None = None) -> LogRatios:
    """For each round, or each of several machines, and cell: the median log ratio of paired blocks.

    `blocks`: those of the run, if already made. Raises NothingMeasuredError if no cell has both engines.
    """
    blocks = timed_blocks(run) if blocks is None else blocks
    missing = [name for name in pair if name not in blocks.engines]
    if missing:
        msg = f"{run.folder} has no time of {' or '.join(missing)}: "
        if blocks.engines:
            msg += f"it measured {', '.join(blocks.engines)}; name two of these by --pair"
        else:
            msg += f"nothing is measured yet; go on with: fwdrev sweep --resume {run.folder}"
        raise NothingMeasuredError(msg)
    ratios = blocks.log_ratios(*pair)
    there = ~np.isnan(ratios)
    if not there.any():
        msg = f"{run.folder} has no cell in which both {pair[0]} and {pair[1]} were timed: name two others by --pair"
        raise NothingMeasuredError(msg)
    columns = pd.MultiIndex.from_tuples([(c.n, c.m) for c in blocks.cells], names=["n", "m"])
    table = pd.DataFrame(
        ratios, index=pd.Index(blocks.units, name="machine" if blocks.machines else "round"), columns=columns
    )
    return LogRatios(pair=pair, table=table.loc[there.any(axis=1), there.any(axis=0)], outputs=tuple(run.spec.sizes_m))


def log_count_ratios(run: Run, pair: tuple[str, str], table: pd.DataFrame | None = None) -> LogRatios:
    """The log ratios of the engines' own multiply–adds: the prediction from operations alone, as one round.

    `table`: the table of the run's arms, if already made.
    """
    table = arms(run) if table is None else table
    table = table[table["engine"].isin(pair)].pivot_table(index=["n", "m"], columns="engine", values="multiply_adds")
    outputs = tuple(run.spec.sizes_m)
    if not set(pair) <= set(table.columns):
        nothing = pd.DataFrame(columns=pd.MultiIndex.from_arrays([[], []], names=["n", "m"]))
        return LogRatios(pair=pair, table=nothing, outputs=outputs)
    positive = table[(table[list(pair)] > 0).all(axis=1)]
    logs = (positive[pair[0]] / positive[pair[1]]).map(math.log)
    return LogRatios(pair=pair, table=logs.to_frame(0).T.sort_index(axis=1), outputs=outputs)
