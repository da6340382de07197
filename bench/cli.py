"""The command `fwdrev`: each function is the table of contents of what its command does.

parse → typed options → run → analyse → show. Only this module prints errors and exits; nothing imports it, and it
imports what a command needs when that command runs, so that `fwdrev --help` is quick.
"""

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from fwdrev.bench.arguments import engine_pair, names, problem_options
from fwdrev.modes.errors import FwdrevError, InputError, NothingMeasuredError

__all__ = ["main"]

EXIT_USAGE, EXIT_NOTHING, EXIT_INTERRUPTED = 2, 4, 130
"""Wrong usage or input; nothing measured; stopped by Ctrl-C (128 + SIGINT, as shells count)."""

_LONGEST = 600
"""Of an error's line: what was given may be of any length."""

_UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""What typer raises for an option that it cannot parse; it has no public name of its own."""

app = typer.Typer(
    name="fwdrev",
    help="When is a Jacobian cheaper by forward mode, when by reverse mode? Measures, and shows where the two cross.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a sweep wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Pair = Annotated[str, typer.Option("--pair", help="The two engines to compare, e.g. jax-jvp,jax-vjp.")]


class ExportFormat(StrEnum):
    """What a run can be exported to."""

    PYPERF = "pyperf"
    CSV = "csv"


def _show_version(*, asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"fwdrev {version('fwdrev')}")
        raise typer.Exit


@app.callback()
def _fwdrev(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options of every command."""


@app.command(epilog="Example: fwdrev sweep --problem driven --inputs 4:1024:*4 --outputs 1,16,256 --rounds 5")
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
        kept = (
            f"what was measured is kept: fwdrev plot {_quoted(folder)}" if folder.exists() else "nothing was measured"
        )
        typer.echo(f"interrupted; {kept}", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    _show_run(folder, as_json=as_json)


@app.command(epilog="Example: fwdrev crossover runs/today --pair jax-jvp,jax-vjp --json")
def crossover(run: RunFolder, pair: Pair = "forward,reverse", *, as_json: AsJson = False) -> None:
    """Where two engines break even, and the law m* = c · n^α through it, with intervals."""
    from fwdrev.results.law import crossover as find
    from fwdrev.results.summary import crossover_lines
    from fwdrev.results.tables import log_ratios

    found_run = _loaded(run)
    found = find(log_ratios(found_run, engine_pair(pair, found_run.spec.engines)))
    _answer(found.to_json(), crossover_lines(found), as_json=as_json)


@app.command(epilog="Example: fwdrev plot runs/today --pair forward,jax-jvp")
def plot(
    run: RunFolder,
    pair: Annotated[list[str] | None, typer.Option(help="Two engines for a map; may be repeated.")] = None,
    out: Annotated[Path | None, typer.Option(help="A folder; default RUN/figures.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Draw the crossover maps and the cost curves, as SVG and PNG."""
    from fwdrev.plots.figures import save_figures

    found = _loaded(run)
    pairs = [engine_pair(text, found.spec.engines) for text in pair] if pair else None
    paths = save_figures(found, out or run / "figures", pairs)
    _answer({"figures": [str(path) for path in paths]}, map(str, paths), as_json=as_json)


@app.command(epilog="Example: fwdrev export runs/today --format pyperf --out today.json && pyperf show today.json")
def export(
    run: RunFolder,
    *,
    to: Annotated[ExportFormat, typer.Option("--format", help="What to write.")],
    out: Annotated[Path | None, typer.Option(help="A new file; default standard output.")] = None,
) -> None:
    """Write the raw values as a pyperf file or as CSV."""
    from fwdrev.results.export import to_csv, to_pyperf

    found = _loaded(run)
    text = to_csv(found) if to is ExportFormat.CSV else to_pyperf(found)
    if out is None:
        typer.echo(text, nl=not text.endswith("\n"))
        return
    try:
        with out.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        msg = f"{out} exists already: give --out a new file, or remove this one"
        raise InputError(msg) from None
    except OSError as error:
        msg = f"cannot write {out}: {error.strerror}; give --out a file that can be written"
        raise InputError(msg) from None


@app.command(epilog="Example: fwdrev engines --json")
def engines(*, as_json: AsJson = False) -> None:
    """List the engines: what each does, or why it is not available."""
    from fwdrev.modes.errors import UnavailableError
    from fwdrev.modes.registry import engine, engine_names

    rows: list[dict[str, Any]] = []
    for name in engine_names():
        try:
            found = engine(name)
        except (UnavailableError, InputError) as error:
            rows.append({"name": name, "available": False, "summary": f"not available: {error}"})
        else:
            facts = {"direction": found.direction.value, "library": found.library}
            rows.append({"name": name, "available": True, "summary": found.summary, **facts})
    _answer({"engines": rows}, _columns((row["name"], row["summary"]) for row in rows), as_json=as_json)


@app.command(epilog="Example: fwdrev problems")
def problems(*, as_json: AsJson = False) -> None:
    """List the problems: what each is, and its options with their defaults."""
    from fwdrev.modes.registry import problem_names, problem_summary
    from fwdrev.modes.registry import problem_options as options_of

    rows: list[dict[str, Any]] = [
        {"name": name, "summary": problem_summary(name), "options": options_of(name)} for name in problem_names()
    ]
    lines = _columns(
        (row["name"], row["summary"] + "".join(f"  {key}={value}" for key, value in row["options"].items()))
        for row in rows
    )
    _answer({"problems": rows}, lines, as_json=as_json)


def main() -> None:
    """Run the command; every error of ours is one line on standard error, and its exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))  # leave nothing behind
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        sys.stdout.flush()
    except NothingMeasuredError as error:
        _fail(error, EXIT_NOTHING)
    except FwdrevError as error:
        _fail(error, EXIT_USAGE)
    except _UsageError as error:
        given = shlex.join(["fwdrev", *sys.argv[1:]])
        _fail(f"{given}: {error.format_message()} See `fwdrev --help`.", EXIT_USAGE)
    except (typer.Abort, KeyboardInterrupt):
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:  # whoever reads our answer has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _fail(f"cannot write the answer: {error.strerror}", EXIT_USAGE)
    else:
        sys.exit(code)


def _quoted(path: Path) -> str:
    """As a shell wants it."""
    return shlex.quote(str(path))


def _fail(error: Exception | str, code: int) -> None:
    text = " ".join(str(error).split())
    typer.echo(f"fwdrev: {text if len(text) <= _LONGEST else text[:_LONGEST] + ' …'}", err=True)
    sys.exit(code)


def _loaded(folder: Path) -> Any:  # noqa: ANN401 - a Run, whose module is imported late
    """The run, its warnings told."""
    from fwdrev.results.journal import load

    run = load(folder)
    for warning in run.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return run


def _answer(data: Any, lines: Iterable[str], *, as_json: bool) -> None:  # noqa: ANN401 - anything JSON
    typer.echo(json.dumps(data, indent=2) if as_json else "\n".join(lines))


def _show_run(folder: Path, *, as_json: bool) -> None:
    """What to know after a sweep: what failed, where things cross, what to do next."""
    from fwdrev.results.law import crossover as find
    from fwdrev.results.pairs import default_pairs
    from fwdrev.results.summary import crossover_lines, failure_lines
    from fwdrev.results.tables import engines_measured, failures, log_ratios

    run = _loaded(folder)
    found = [find(log_ratios(run, pair)) for pair in default_pairs(engines_measured(run))]
    lines = failure_lines(run)
    for each in found:
        lines += [*crossover_lines(each), ""]
    lines += [f"measured: {folder}", f"figures:  fwdrev plot {_quoted(folder)}"] if engines_measured(run) else []
    answer = {
        "run": str(folder),
        "crossovers": [each.to_json() for each in found],
        "failures": failures(run).to_dict(orient="records"),
    }
    _answer(answer, lines, as_json=as_json)
    if not engines_measured(run):
        msg = f"{folder}: no engine could be measured in any cell"
        raise NothingMeasuredError(msg)


def _columns(rows: Iterable[tuple[str, str]]) -> list[str]:
    table = list(rows)
    width = max((len(name) for name, _ in table), default=0)
    return [f"{name:<{width}}  {text}" for name, text in table]
