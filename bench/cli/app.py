"""The table of contents of the command, and how its errors end: one line on standard error and an exit code."""

import os
import shlex
import signal
import sys
from typing import Annotated, Any

import typer

from fwdrev.bench.cli.advise import advise
from fwdrev.bench.cli.answers import crossover, export, plot
from fwdrev.bench.cli.baseline import baseline
from fwdrev.bench.cli.calibrate import calibrate
from fwdrev.bench.cli.catalogue import engines, problems
from fwdrev.bench.cli.check import check
from fwdrev.bench.cli.doctor import doctor
from fwdrev.bench.cli.explain import explain
from fwdrev.bench.cli.report import report
from fwdrev.bench.cli.rules import rules
from fwdrev.bench.cli.selftest import selftest
from fwdrev.bench.cli.show import EXIT_INTERRUPTED, EXIT_NOTHING, EXIT_USAGE
from fwdrev.bench.cli.sweep import sweep
from fwdrev.modes.errors import FwdrevError, NothingMeasuredError

__all__ = ["main"]

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

for command, example in (
    (sweep, "fwdrev sweep --problem driven --inputs 4:1024:*4 --outputs 1,16,256 --rounds 5"),
    (advise, "fwdrev advise model.py:residuals --shape 3"),
    (crossover, "fwdrev crossover runs/today --pair jax-jvp,jax-vjp --json"),
    (plot, "fwdrev plot runs/may runs/june --pair forward,reverse --format svg"),
    (report, "fwdrev report runs/today --open"),
    (rules, "fwdrev rules runs/driven runs/mlp runs/autoencoder --pair forward,reverse"),
    (check, "fwdrev check --against main --engines forward,reverse"),
    (baseline, "fwdrev baseline runs/today -o baseline.json"),
    (selftest, "fwdrev selftest --runs 20 --out selftest.jsonl"),
    (export, "fwdrev export runs/today --format pyperf --out today.json && pyperf show today.json"),
    (explain, "fwdrev explain --problem autoencoder --inputs 2000 --outputs 2000 --wrt x"),
    (engines, "fwdrev engines --json"),
    (problems, "fwdrev problems"),
    (doctor, "fwdrev doctor --json"),
    (calibrate, "fwdrev calibrate"),
):
    app.command(epilog=f"Example: {example}")(command)


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


def _fail(error: Exception | str, code: int) -> None:
    text = " ".join(str(error).split())
    typer.echo(f"fwdrev: {text if len(text) <= _LONGEST else text[:_LONGEST] + ' …'}", err=True)
    sys.exit(code)
