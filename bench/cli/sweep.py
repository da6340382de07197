"""Measuring: `fwdrev sweep`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from fwdrev.bench.arguments import names, problem_options
from fwdrev.bench.cli.show import EXIT_INTERRUPTED, AsJson, answer, loaded, quoted
from fwdrev.modes.errors import NothingMeasuredError

__all__ = ["sweep"]


def sweep(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A small plane in less than a minute.")] = False,
    spec: Annotated[Path | None, typer.Option(help="A TOML file with any of these options.")] = None,
    problem: Annotated[str | None, typer.Option(help="See `fwdrev problems`.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="Of the problem, e.g. depth=6; may be repeated.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Sizes n: 4:4096:*4, 10:50:+10 or 4,16,100.")] = None,
    outputs: Annotated[str | None, typer.Option(help="Sizes m, written likewise.")] = None,
    engines: Annotated[str | None, typer.Option(help="Names with commas between; see `fwdrev engines`.")] = None,
    wrt: Annotated[str | None, typer.Option(help="theta, x or both.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh processes; each measures the whole plane.")] = None,
    blocks: Annotated[int | None, typer.Option(help="Timed blocks of each engine in a cell and round.")] = None,
    block_seconds: Annotated[float | None, typer.Option(help="Length of a block in seconds.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float64 or float32.")] = None,
    threads: Annotated[int | None, typer.Option(help="For BLAS and XLA.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the problems and of the order.")] = None,
    out: Annotated[Path | None, typer.Option(help="A new folder; default runs/DATE-TIME-PROBLEM.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the plane: every engine in every cell, paired, round by round."""
    from fwdrev.bench import QUICK, LocalExecutor, fingerprint, make_spec, read_spec
    from fwdrev.bench.progress import watched
    from fwdrev.bench.scratch import scratch_folder
    from fwdrev.bench.sweep import sweep as measure
    from fwdrev.results.journal import create

    given = {
        "problem": problem,
        "inputs": inputs,
        "outputs": outputs,
        "engines": None if engines is None else names(engines),
        "wrt": wrt,
        "rounds": rounds,
        "blocks": blocks,
        "block_seconds": block_seconds,
        "dtype": dtype,
        "threads": threads,
        "seed": seed,
        "options": problem_options(option) if option else None,
    }
    plan = make_spec(
        (QUICK if quick else {})
        | (read_spec(spec) if spec else {})
        | {key: value for key, value in given.items() if value is not None}
    )
    folder = out or Path("runs") / f"{datetime.now().astimezone():%Y%m%d-%H%M%S}-{plan.problem}"
    try:
        with scratch_folder() as scratch, create(folder, plan, fingerprint(plan.threads)) as journal:
            for observation in watched(measure(plan, LocalExecutor(plan, scratch)), plan):
                journal.append(observation)
    except KeyboardInterrupt:
        kept = f"what was measured is kept: fwdrev plot {quoted(folder)}" if folder.exists() else "nothing was measured"
        typer.echo(f"interrupted; {kept}", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _show_run(folder, as_json=as_json)


def _show_run(folder: Path, *, as_json: bool) -> None:
    """What to know after a sweep: what failed, where things cross, what to do next."""
    from fwdrev.results.law import crossover as find
    from fwdrev.results.pairs import default_pairs
    from fwdrev.results.summary import crossover_lines, failure_lines
    from fwdrev.results.tables import engines_measured, failures, log_ratios

    run = loaded(folder)
    found = [find(log_ratios(run, pair)) for pair in default_pairs(engines_measured(run))]
    lines = failure_lines(run)
    for each in found:
        lines += [*crossover_lines(each), ""]
    lines += [f"measured: {folder}", f"figures:  fwdrev plot {quoted(folder)}"] if engines_measured(run) else []
    data = {
        "run": str(folder),
        "crossovers": [each.to_json() for each in found],
        "failures": failures(run).to_dict(orient="records"),
    }
    answer(data, lines, as_json=as_json)
    if not engines_measured(run):
        msg = f"{folder}: no engine could be measured in any cell"
        raise NothingMeasuredError(msg)
