"""What a run answers: its crossover, its figures, its raw values."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from fwdrev.cli.common.drawing import prepare_drawing
from fwdrev.cli.common.files import check_place, write, written_out
from fwdrev.cli.common.show import AsJson, Pair, RunFolder, answer, loaded, note
from fwdrev.modes.errors import InputError

ExportFormat = StrEnum("ExportFormat", ["PYPERF", "CSV", "COSTS"])
"""What a run can be exported to."""

FigureFormat = StrEnum("FigureFormat", ["SVG", "PNG", "PDF"])
"""What a figure can be saved as."""


def crossover(run: RunFolder, pair: Pair = "forward,reverse", *, as_json: AsJson = False) -> None:
    """Where two engines break even, and the law m* = c · n^α through it, with intervals and what was predicted."""
    from fwdrev.bench.records.parsing import engine_pair
    from fwdrev.results.costs.calibration import calibration_of
    from fwdrev.results.costs.prediction import prediction
    from fwdrev.results.runs.cells import log_ratios
    from fwdrev.results.stats.crossover import crossover as find
    from fwdrev.results.text.summary import crossover_lines, prediction_lines

    found_run = loaded(run)
    engines = engine_pair(pair, found_run.spec.engines)
    found, known = find(log_ratios(found_run, engines)), calibration_of(found_run)
    expected = None if known is None else prediction(found_run, engines, known.seconds)
    data = found.to_json() | ({} if expected is None else {"prediction": expected.to_json()})
    lines = [] if expected is None else ["", *prediction_lines(expected)]
    answer(data, [*crossover_lines(found), *lines], as_json=as_json)


def plot(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Folders that sweeps wrote.")],
    pair: Annotated[list[str] | None, typer.Option(help="Two engines to compare; may be repeated.")] = None,
    cell: Annotated[str | None, typer.Option(metavar="N,M", help="The cell of a trend; default in the middle.")] = None,
    formats: Annotated[
        list[FigureFormat] | None, typer.Option("--format", help="May be repeated; default all of them.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A folder; default RUN/figures, of the first.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Draw a run: maps, memory, costs, rules of thumb. Several runs: their maps side by side, and the trend."""
    prepare_drawing()
    from fwdrev.bench.records.parsing import cell_of, engine_pair
    from fwdrev.plots.comparisons import save_comparisons
    from fwdrev.plots.gallery import save_figures

    found, at = [loaded(run) for run in dict.fromkeys(runs)], None if cell is None else cell_of(cell)
    measured = [name for each in found for name in each.spec.engines]
    pairs = [engine_pair(text, measured) for text in pair] if pair else None
    kinds = [each.value for each in dict.fromkeys(formats or FigureFormat)]
    folder = out or runs[0] / "figures"
    if len(found) == 1:
        if at is not None:
            raise InputError(f"--cell {cell} is for the trend over several runs: give two or more, or leave it out")
        paths = save_figures(found[0], folder, pairs, kinds)
    else:
        paths, notes = save_comparisons(found, folder, pairs, cell=at, formats=kinds)
        for text in notes:
            note(f"warning: {text}")
    answer({"figures": [str(path) for path in paths]}, map(str, paths), as_json=as_json)


def export(
    run: RunFolder,
    *,
    to: Annotated[ExportFormat, typer.Option("--format", help="What to write.")],
    out: Annotated[Path | None, typer.Option(help="A new file; default standard output.")] = None,
) -> None:
    """Write the raw values as a pyperf file or as CSV, or all costs but time (counts, bytes, memory) as CSV."""
    from fwdrev.results.runs.export import to_costs, to_csv, to_pyperf

    if out is not None:
        check_place(out, new=True)
    found = loaded(run)
    text = {ExportFormat.CSV: to_csv, ExportFormat.COSTS: to_costs, ExportFormat.PYPERF: to_pyperf}[to](found)
    if out is None:
        written_out(text if text.endswith("\n") else f"{text}\n")
    else:
        write(out, text, new=True)
