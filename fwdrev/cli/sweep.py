"""Measuring: `fwdrev sweep`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fwdrev.bench.records.parsing import duration, names, problem_options
from fwdrev.cli.common.exit_codes import EXIT_INTERRUPTED
from fwdrev.cli.common.options import Option, Problem, Wrt
from fwdrev.cli.common.show import AsJson, answer, loaded, note, quoted
from fwdrev.modes.errors import InputError, NothingMeasuredError

if TYPE_CHECKING:
    from fwdrev.api.sweep import Report

__all__ = ["sweep"]


def sweep(
    *,
    quick: Annotated[bool, typer.Option("--quick", help="A small plane in less than a minute.")] = False,
    spec: Annotated[Path | None, typer.Option(help="A TOML file with any of these options.")] = None,
    problem: Problem = None,
    option: Option = None,
    inputs: Annotated[str | None, typer.Option(help="Sizes n: 4:4096:*4, 10:50:+10 or 4,16,100.")] = None,
    outputs: Annotated[str | None, typer.Option(help="Sizes m, written likewise.")] = None,
    engines: Annotated[str | None, typer.Option(help="Names with commas between; see `fwdrev engines`.")] = None,
    wrt: Wrt = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh processes; each measures the whole plane.")] = None,
    blocks: Annotated[int | None, typer.Option(help="Timed blocks of each engine in a cell and round.")] = None,
    block_seconds: Annotated[float | None, typer.Option(help="Length of a block in seconds.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float64 or float32.")] = None,
    threads: Annotated[int | None, typer.Option(help="For BLAS and XLA.")] = None,
    device: Annotated[str | None, typer.Option(help="cpu or gpu, for the JAX engines.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the problems and of the order.")] = None,
    precision: Annotated[
        str | None, typer.Option(help="Refine until every crossover is known so well, e.g. 5%.")
    ] = None,
    budget: Annotated[str | None, typer.Option(help="Refine for so long at most, e.g. 120s; default 10min.")] = None,
    timeout: Annotated[str | None, typer.Option(help="For one cell, e.g. 60s; default 300s.")] = None,
    memory_limit: Annotated[str | None, typer.Option(help="Address space of a worker's arms, e.g. 4GB.")] = None,
    protocol: Annotated[str | None, typer.Option(help="paired, or pyperf: the stock runner, arm by arm.")] = None,
    prices: Annotated[
        str | None, typer.Option(help="What mixed modes plan by: operations, or seconds (default once calibrated).")
    ] = None,
    rigorous: Annotated[bool, typer.Option("--rigorous", help="Twice as many processes.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Half as many processes.")] = False,
    out: Annotated[Path | None, typer.Option(help="A new folder; default runs/DATE-TIME-PROBLEM.")] = None,
    resume: Annotated[Path | None, typer.Option(help="Go on with this run; --rounds may add some.")] = None,
    as_json: AsJson = False,
) -> None:
    """Measure the plane: every engine in every cell, paired, round by round."""
    from fwdrev.api.sweep import kept, measure, new_run, old_run

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
        "device": device,
        "seed": seed,
        "precision": precision,
        "budget": budget,
        "timeout": timeout,
        "memory_limit": memory_limit,
        "protocol": protocol,
        "prices": prices,
        "effort": _effort(rigorous=rigorous, fast=fast),
        "options": problem_options(option) if option else None,
    }
    given = {key: value for key, value in given.items() if value is not None}
    if resume is None:
        folder, opened = new_run(given, quick=quick, spec=spec, out=out, told=note)
    else:
        others = {"quick": quick or None, "spec": spec, "out": out}
        folder, opened = resume, old_run(resume, given, [key for key, value in others.items() if value is not None])
    try:
        report = measure(folder, opened, note)
    except (KeyboardInterrupt, SystemExit) as ended:  # by Ctrl-C, or by SIGTERM or SIGHUP
        note(f"interrupted; {kept(folder)}")
        if isinstance(ended, SystemExit):
            raise
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _show(folder, report, as_json=as_json)


def _effort(*, rigorous: bool, fast: bool) -> str | None:
    if rigorous and fast:
        msg = "--rigorous and --fast: give one of them"
        raise InputError(msg)
    return "rigorous" if rigorous else "fast" if fast else None


def _show(folder: Path, report: "Report", *, as_json: bool) -> None:
    """What to know after a sweep: what failed, where things cross, why it ended, what to do next."""
    from fwdrev.results.runs.cells import engines_measured, failures, log_ratios
    from fwdrev.results.runs.engine_pairs import default_pairs
    from fwdrev.results.stats.crossover import crossover
    from fwdrev.results.text.summary import crossover_lines, failure_lines

    run = loaded(folder)
    found = [crossover(log_ratios(run, pair)) for pair in default_pairs(engines_measured(run))]
    lines = failure_lines(run)
    for each in found:
        lines += [*crossover_lines(each), ""]
    lines += [f"ended:    {report.outcome}", f"rounds:   {_time(report)}"]
    lines += [f"measured: {folder}", f"figures:  fwdrev plot {quoted(folder)}"] if engines_measured(run) else []
    data = {
        "run": str(folder),
        "outcome": report.outcome,
        "measuring_seconds": report.measuring,
        "timed_seconds": report.timed,
        "crossovers": [each.to_json() for each in found],
        "failures": failures(run).to_dict(orient="records"),
    }
    answer(data, lines, as_json=as_json)
    if not engines_measured(run):
        msg = f"{folder}: no engine could be measured in any cell"
        raise NothingMeasuredError(msg)


def _time(report: "Report") -> str:
    if not report.measuring:
        return "there was nothing left to measure"
    return f"{duration(report.measuring)}, {report.timed / report.measuring:.0%} of it inside timed blocks"
