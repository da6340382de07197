"""Exports: a run as a pyperf file, as CSV (times, all other costs, crossovers), as Parquet (times), its specification.

Names are written so that they stay names: the engine `null` is `noop`, which no reader takes for a missing value, and
what a spreadsheet would compute, or pandas would take for missing, has an apostrophe before it.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from io import BytesIO, StringIO

import pandas as pd
import pyperf

from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError, NothingMeasuredError, UnavailableError
from fwdrev.modes.registry import alias_of
from fwdrev.results.runs.cells import arms, engines_measured, log_ratios, values, values_in_parts
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.machines import machines_of
from fwdrev.results.runs.run import Run, go_on
from fwdrev.results.stats.crossover import Crossover, crossover

_COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""The first letter of a formula, in a spreadsheet."""

_MISSING = frozenset(
    ("#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "1.#IND", "1.#QNAN")
)
"""Texts that pandas reads as a missing value, beside some that begin with a minus."""


_ARMS = 200_000
"""The arms, each in a cell and a round, of a part of a Parquet file: with ten blocks two million rows."""

_NAMES = ["engine", "first", "second", "cheaper_below"]
"""The columns of engines."""


def to_csv(run: Run) -> str:
    """One line per timed block: round, n, m, engine, block, loops, seconds; of a sweep over a cluster also machine."""
    return _csv(_measured(run))


def to_parquet(run: Run) -> bytes:
    """The columns of `to_csv` as a Parquet file, compressed; names are categories.

    Raises UnavailableError where pyarrow, which writes it, is not installed.
    """
    try:
        from pyarrow import Table
        from pyarrow.parquet import ParquetWriter
    except ImportError:
        raise UnavailableError("Parquet needs pyarrow: pip install 'fwdrev[parquet]'") from None
    kinds = {
        "engine": pd.CategoricalDtype([alias_of(name) for name in engines_measured(run)]),
        "machine": pd.CategoricalDtype(machines_of(run)),
    }
    buffer = BytesIO()
    with ExitStack() as held:
        writer = None
        for part in values_in_parts(run, _ARMS):
            named = part.assign(engine=part["engine"].map(alias_of))
            table = Table.from_pandas(named.astype({name: kinds[name] for name in kinds if name in named}))
            writer = writer or held.enter_context(ParquetWriter(buffer, table.schema, compression="zstd"))
            writer.write_table(table)
    if writer is None:
        raise _nothing(run)
    return buffer.getvalue()


def to_costs(run: Run) -> str:
    """One line per engine and cell: seconds to prepare, counts, passes, bytes, memory; empty where not known."""
    return _csv(arms(run))


def to_crossovers(run: Run, pairs: Sequence[tuple[str, str]] | None = None) -> str:
    """One line per pair and line of the plane: `solved_for` m at each n, then `solved_for` n at each m.

    The size at which the two are equally fast is in the column that `solved_for` names, or nothing there.
    `low`, `high` and `open_ends` are its interval, `cheaper_below` is the engine that is faster below it, or on the
    whole line. `pairs`: by default each forward engine with each reverse one of the same library.
    """
    pairs = default_pairs(engines_measured(run)) if pairs is None else pairs
    if not pairs:
        raise NothingMeasuredError(f"{run.folder} has no forward and reverse engine of one library: name two by --pair")
    lines = [line for pair in pairs for line in _crossings(crossover(log_ratios(run, pair)))]
    return _csv(pd.DataFrame(lines, dtype=object))


def _crossings(found: Crossover) -> Iterator[dict[str, object]]:
    for solved_for, at, crossings in (("m", "n", found.in_m), ("n", "m", found.in_n)):
        for size, crossing in crossings.items():
            e = crossing.size
            sizes = {at: size, solved_for: None if e is None else e.point}
            yield {
                "first": found.pair[0],
                "second": found.pair[1],
                "solved_for": solved_for,
                **{name: sizes[name] for name in ("n", "m")},
                **{name: None if e is None else getattr(e, name) for name in ("low", "high", "level")},
                "open_ends": " ".join(crossing.open_ends),
                "status": crossing.status.value,
                "cheaper_below": crossing.cheaper,
            }


def to_pyperf(run: Run, machine: str | None = None) -> str:
    """A file that pyperf reads: one benchmark for each engine and cell, in it one pyperf Run for each round.

    pyperf takes one benchmark to be of one machine: raises InputError for a run on several, unless one is named.
    """
    table, names = _measured(run), machines_of(run)
    if machine is None and len(names) > 1:
        msg = f"{run.folder} was measured on {', '.join(names)}, and pyperf has one file for each: give --out FILE"
        raise InputError(msg)
    if machine is not None:
        table = table[table["machine"] == machine]
    host = {} if machine is None else {"hostname": _one_line(machine)}
    known = {
        key: _one_line(run.machine.get(key, "unknown")) for key in ("cpu_model_name", "platform", "python_version")
    } | host
    benchmarks = []
    for (n, m, engine), rows in table.groupby(["n", "m", "engine"], sort=True):
        name = _one_line(f"{run.spec.problem} wrt {run.spec.wrt.value} n={n} m={m} {alias_of(str(engine))}")
        runs = [
            pyperf.Run(
                list(one["seconds"]),
                metadata={**known, "name": name, "loops": max(1, int(one["loops"].iloc[0])), "unit": "second"},
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
    written = table.copy()
    for column in written.columns.intersection(_NAMES):
        written[column] = written[column].map(alias_of)
    for column in written.columns.intersection([*_NAMES, "reason", "machine"]):
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
        raise _nothing(run)
    return table


def _nothing(run: Run) -> NothingMeasuredError:
    return NothingMeasuredError(f"{run.folder} has no measured values to export; {go_on(run.folder)}")


def _value(value: Json) -> str:
    """JSON is TOML too, but for its escapes in two halves and the one control character that it does not escape."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
