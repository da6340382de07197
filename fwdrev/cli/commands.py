"""The table of contents of the command."""

import shlex
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from fwdrev.cli.advise import advise
from fwdrev.cli.baseline import baseline
from fwdrev.cli.calibrate import calibrate
from fwdrev.cli.catalogue import engines, problems
from fwdrev.cli.check import check
from fwdrev.cli.common.exit_codes import EXIT_INTERRUPTED
from fwdrev.cli.common.options import spelled_out
from fwdrev.cli.doctor import doctor
from fwdrev.cli.explain import explain
from fwdrev.cli.inspect import crossover, export, plot
from fwdrev.cli.report import report
from fwdrev.cli.rules import rules
from fwdrev.cli.selftest import selftest
from fwdrev.cli.sweep import sweep
from fwdrev.modes.errors import InputError

_UsageError: type[Any] = typer.BadParameter.__mro__[1]
"""What typer raises for an option that it cannot parse; it has no public name of its own."""

app = typer.Typer(
    name="fwdrev",
    help="Measures when a Jacobian is cheaper by forward mode and when by reverse mode, and shows where the two cross.",
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
    (check, "fwdrev check --against main --functions model:step --point model:start"),
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


def run(arguments: Sequence[str]) -> int:
    """The exit code of the command that is asked for; raises what it raises, and InputError for wrong usage.

    Without typer's own `main`, which ends with 1 where a pipe breaks.
    """
    group: Any = typer.main.get_command(app)
    try:
        with group.make_context("fwdrev", spelled_out(arguments) or ["--help"]) as context:
            group.invoke(context)
    except typer.Exit as ended:
        return int(ended.exit_code)
    except typer.Abort:
        return EXIT_INTERRUPTED
    except _UsageError as error:
        asked = next((word for word in arguments[:1] if word in group.commands), "")
        help_of = " ".join(filter(None, ("fwdrev", asked, "--help")))
        said = error.format_message().removesuffix(".")
        msg = f"{shlex.join(['fwdrev', *arguments])}: {said}. See `{help_of}`."
        raise InputError(msg) from None
    return 0


def _show_version(*, asked: bool) -> bool:
    """Returns the value of the option."""
    if asked:
        from importlib.metadata import version

        typer.echo(f"fwdrev {version('fwdrev')}")
        raise typer.Exit
    return asked


@app.callback()
def _fwdrev(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True, callback=_show_version)
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show where an error comes from; or set FWDREV_DEBUG=1. It may stand anywhere."),
    ] = False,
) -> None:
    """Options of every command; `debug` is read by `main`, which shows errors of all kinds."""
