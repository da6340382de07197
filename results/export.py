"""Exports: a run as a pyperf file, or as CSV: its times, or all other costs."""

from io import StringIO

import pandas as pd
import pyperf

from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.results.run import Run
from fwdrev.results.tables import arms, values

__all__ = ["to_costs", "to_csv", "to_pyperf"]


def to_csv(run: Run) -> str:
    """One line per timed block: round, n, m, engine, block, loops, seconds."""
    buffer = StringIO()
    _measured(run).to_csv(buffer, index=False)
    return buffer.getvalue()


def to_costs(run: Run) -> str:
    """One line per engine and cell: seconds to prepare, counts, passes, bytes, memory; empty where not known."""
    buffer = StringIO()
    arms(run).to_csv(buffer, index=False)
    return buffer.getvalue()


def to_pyperf(run: Run) -> str:
    """A file that pyperf reads: one benchmark for each engine and cell, in it one pyperf Run for each round."""
    table = _measured(run)
    machine = {
        key: _one_line(run.machine.get(key, "unknown")) for key in ("cpu_model_name", "platform", "python_version")
    }
    benchmarks = []
    for (n, m, engine), rows in table.groupby(["n", "m", "engine"], sort=True):
        name = _one_line(f"{run.spec.problem} wrt {run.spec.wrt.value} n={n} m={m} {engine}")
        runs = [
            pyperf.Run(
                list(one["seconds"]),
                metadata={**machine, "name": name, "loops": max(1, int(one["loops"].iloc[0])), "unit": "second"},
                collect_metadata=False,
            )
            for _, one in rows.groupby("round")
        ]
        benchmarks.append(pyperf.Benchmark(runs))
    buffer = StringIO()
    pyperf.BenchmarkSuite(benchmarks).dump(buffer)
    return buffer.getvalue()


def _one_line(text: object) -> str:
    """As pyperf wants its metadata."""
    return " ".join(str(text).split()) or "unknown"


def _measured(run: Run) -> pd.DataFrame:
    table = values(run)
    if table.empty:
        msg = f"{run.folder} has no measured values to export"
        raise NothingMeasuredError(msg)
    return table
