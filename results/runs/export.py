"""Exports: a run as a pyperf file, as CSV (its times, or all other costs), or as the specification to measure it again.

Names are written so that they stay names: the engine `null` is `noop`, which no reader takes for a missing value, and
what a spreadsheet would compute, or pandas would take for missing, has an apostrophe before it.
"""

import json
from io import StringIO

import pandas as pd
import pyperf

from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.modes.registry import alias_of
from fwdrev.results.runs.cells import arms, values
from fwdrev.results.runs.run import Run

_COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""The first letter of a formula, in a spreadsheet."""

_MISSING = frozenset(
    ("#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "1.#IND", "1.#QNAN")
)
"""Texts that pandas reads as a missing value, beside some that begin with a minus."""


def to_csv(run: Run) -> str:
    """One line per timed block: round, n, m, engine, block, loops, seconds."""
    return _csv(_measured(run))


def to_costs(run: Run) -> str:
    """One line per engine and cell: seconds to prepare, counts, passes, bytes, memory; empty where not known."""
    return _csv(arms(run))


def to_pyperf(run: Run) -> str:
    """A file that pyperf reads: one benchmark for each engine and cell, in it one pyperf Run for each round."""
    table = _measured(run)
    machine = {
        key: _one_line(run.machine.get(key, "unknown")) for key in ("cpu_model_name", "platform", "python_version")
    }
    benchmarks = []
    for (n, m, engine), rows in table.groupby(["n", "m", "engine"], sort=True):
        name = _one_line(f"{run.spec.problem} wrt {run.spec.wrt.value} n={n} m={m} {alias_of(str(engine))}")
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


def spec_toml(spec: SweepSpec) -> str:
    """The file that `fwdrev sweep --spec` reads: TOML with every option, also those that were left at their defaults.

    Not what is found from them.
    """
    fields = spec.model_dump(mode="json", exclude_none=True, exclude={"shapes"})
    options = fields.pop("options")
    lines = [f"{key} = {_value(value)}" for key, value in fields.items()]
    if options:
        lines += ["", "[options]", *(f"{_value(key)} = {_value(value)}" for key, value in options.items())]
    return "\n".join(lines) + "\n"


def _csv(table: pd.DataFrame) -> str:
    written = table.assign(engine=table["engine"].map(alias_of))
    for column in written.columns.intersection(["engine", "reason"]):
        written[column] = written[column].map(_as_text)
    buffer = StringIO()
    written.to_csv(buffer, index=False)
    return buffer.getvalue()


def _as_text(value: object) -> object:
    """A text with an apostrophe before it, where a reader would take it for something else."""
    text = isinstance(value, str) and (value in _MISSING or value.startswith(_COMPUTED))
    return f"'{value}" if text else value


def _one_line(text: object) -> str:
    """As pyperf wants its metadata."""
    return " ".join(str(text).split()) or "unknown"


def _measured(run: Run) -> pd.DataFrame:
    table = values(run)
    if table.empty:
        raise NothingMeasuredError(f"{run.folder} has no measured values to export")
    return table


def _value(value: Json) -> str:
    """JSON is TOML too, but for its escapes in two halves and the one control character that it does not escape."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
