"""What a run answers: its crossover, its figures, its raw values."""

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fwdrev.cli.common.drawing import drawing, prepare_drawing
from fwdrev.cli.common.files import check_place, write, written_out
from fwdrev.cli.common.show import AsJson, Pair, RunFolder, answer, each_run, loaded, note
from fwdrev.modes.errors import InputError

if TYPE_CHECKING:
    from fwdrev.results.runs.run import Run

ExportFormat = StrEnum("ExportFormat", ["PYPERF", "CSV", "PARQUET", "COSTS", "CROSSOVER"])
"""What a run can be exported to."""

FigureFormat = StrEnum("FigureFormat", ["SVG", "PNG", "PDF"])
"""What a figure can be saved as."""


def crossover(run: RunFolder, pair: Pair = None, *, as_json: AsJson = False) -> None:
    """Show where two engines break even, with intervals.

    Also the law m* = c · n^α through these sizes and, on a calibrated machine, what the cost model predicts.
    """
    from fwdrev.api.crossover import crossover as find
    from fwdrev.results.costs.calibration import calibration_of
    from fwdrev.results.costs.prediction import prediction
    from fwdrev.results.runs.machines import machines_json
    from fwdrev.results.text.summary import crossover_lines, machine_lines, prediction_lines

    found_run = loaded(run)
    found, known = find(found_run, pair), calibration_of(found_run)
    expected = None if known is None else prediction(found_run, found.pair, known.seconds)
    data = found.to_json() | machines_json(found_run) | ({} if expected is None else {"prediction": expected.to_json()})
    lines = [] if expected is None else ["", *prediction_lines(expected)]
    answer(data, [*crossover_lines(found), *machine_lines(found_run), *lines], as_json=as_json)


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="The folders of sweeps.")],
    pair: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ENGINE,ENGINE",
            help="Two engines to compare; may be repeated. Default: each forward engine with each reverse one of the "
            "same library.",
        ),
    ] = None,
    cell: Annotated[
        str | None, typer.Option(metavar="N,M", help="The cell of the trend; default the middle one.")
    ] = None,
    formats: Annotated[
        list[FigureFormat] | None,
        typer.Option("--format", help="The format of the files; may be repeated; default all."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder; default figures in the first RUN.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Draw a run: maps, memory, costs, rules of thumb.

    Of several runs it draws the maps side by side, and the trend of a cell.
    """
    prepare_drawing()
    from fwdrev.bench.records.parsing import cell_of, engine_pair
    from fwdrev.plots.comparisons import save_comparisons
    from fwdrev.plots.gallery import save_figures

    found, at = [loaded(run) for run in each_run(runs)], None if cell is None else cell_of(cell)
    measured = [name for each in found for name in each.spec.engines]
    pairs = [engine_pair(text, measured) for text in pair] if pair else None
    kinds = [each.value for each in dict.fromkeys(formats or FigureFormat)]
    folder = out or runs[0] / "figures"
    if len(found) == 1:
        if at is not None:
            raise InputError(f"--cell {cell} is for the trend over several runs: give two or more, or leave it out")
        with drawing() as told:
            paths = save_figures(found[0], folder, pairs, kinds, told)
    else:
        with drawing() as told:
            paths, notes = save_comparisons(found, folder, pairs, cell=at, formats=kinds, told=told)
        for text in notes:
            note(f"warning: {text}")
    answer({"figures": [str(path) for path in paths]}, map(str, paths), as_json=as_json)


def export(
    run: RunFolder,
    *,
    to: Annotated[ExportFormat, typer.Option("--format", help="What to write.")],
    pair: Annotated[
        list[str] | None,
        typer.Option(metavar="ENGINE,ENGINE", help="For crossover: two engines; may be repeated. Default as for plot."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A new file; default standard output.")] = None,
) -> None:
    """Write a run as CSV, as Parquet or as a pyperf file.

    csv: the time of each block; parquet: the same in a small file, for millions of them; costs: counts, bytes and
    memory of each engine in each cell; crossover: where each pair of engines breaks even, m* at each n and n* at each
    m; pyperf: all times, for `pyperf show` and `pyperf compare_to`.
    """
    from fwdrev.api.new_names import as_file_name
    from fwdrev.bench.records.parsing import engine_pair
    from fwdrev.results.runs.export import to_costs, to_crossovers, to_csv, to_parquet, to_pyperf
    from fwdrev.results.runs.machines import machines_of

    if pair and to is not ExportFormat.CROSSOVER:
        raise InputError(f"--pair {pair[0]} is for --format crossover: leave it out, or give that format")
    if out is not None:
        check_place(out, new=True)
    elif to is ExportFormat.PARQUET:
        raise InputError("--format parquet makes a file that is no text: give --out FILE.parquet")
    found = loaded(run)
    pairs = [engine_pair(text, found.spec.engines) for text in pair] if pair else None
    writers: dict[ExportFormat, Callable[[Run], str | bytes]] = {
        ExportFormat.CSV: to_csv,
        ExportFormat.PARQUET: to_parquet,
        ExportFormat.COSTS: to_costs,
        ExportFormat.PYPERF: to_pyperf,
        ExportFormat.CROSSOVER: partial(to_crossovers, pairs=pairs),
    }
    machines = machines_of(found) if to is ExportFormat.PYPERF else []
    if len(machines) > 1 and out is not None:
        for name in machines:
            place = out.with_name(f"{out.stem}-{as_file_name(name)}{out.suffix}")
            write(place, to_pyperf(found, name), new=True)
            note(f"written: {place}")
        return
    content = writers[to](found)
    if out is not None:
        write(out, content, new=True)
    else:
        written_out(str(content).rstrip("\n") + "\n")
