"""What the commands share: arguments, how an answer is shown, and how an interrupted command ends."""

import json
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fwdrev.cli.common.exit_codes import EXIT_INCONCLUSIVE, EXIT_INTERRUPTED, EXIT_NOTHING, EXIT_REGRESSION
from fwdrev.modes.core.data import Json

if TYPE_CHECKING:
    from fwdrev.results.gate.verdicts.report import Outcome
    from fwdrev.results.runs.run import Run


RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a sweep.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Pair = Annotated[
    str | None,
    typer.Option(
        "--pair",
        metavar="ENGINE,ENGINE",
        help="The two engines to compare. Default: forward,reverse, or the first such pair of the sweep's engines.",
    ),
]


def answer(data: Json, lines: Iterable[str], *, as_json: bool) -> None:
    """One answer, for a program or for a person. Lost where it cannot be shown: see `streams`."""
    print(json.dumps(data, indent=2) if as_json else "\n".join(lines), flush=True)


def note(text: str) -> None:
    """A line beside the answer: progress, a warning, an annotation. Lost where it cannot be shown."""
    print(text, file=sys.stderr, flush=True)


def caution(threads: int) -> None:
    """What is wrong with the surroundings of a measurement that begins with so many threads, once for a command."""
    from fwdrev.bench.machine.environment import cautions

    for line in cautions(threads):
        note(f"warning: {line}")


def exit_code(outcome: "Outcome") -> int:
    """Of a command that judges; never 0 when nothing was compared, never 1 but for a regression."""
    from fwdrev.results.gate.verdicts.report import Outcome

    codes = {
        Outcome.REGRESSED: EXIT_REGRESSION,
        Outcome.INCONCLUSIVE: EXIT_INCONCLUSIVE,
        Outcome.MISSING: EXIT_NOTHING,
        Outcome.NOTHING: EXIT_NOTHING,
    }
    return codes.get(outcome, 0)


def quoted(path: Path) -> str:
    """As a shell wants it."""
    return shlex.quote(str(path))


def loaded(folder: Path) -> "Run":
    """The run, after its warnings are shown."""
    from fwdrev.results.runs.run import load

    run = load(folder)
    for warning in run.warnings:
        note(f"warning: {warning}")
    return run


def each_run(folders: Iterable[Path]) -> list[Path]:
    """The folders without repeats; instead of a cluster's, those of its runs, one for each type of machine."""
    from fwdrev.results.runs.run import runs_in

    return list(dict.fromkeys(run for folder in folders for run in runs_in(folder)))


@contextmanager
def interruptible(
    left: Callable[[], str] = lambda: "nothing is left behind", *, also_stopped: bool = False
) -> Iterator[None]:
    """Ends the command at Ctrl-C, after a line about what it leaves; `also_stopped`: that line at a SIGTERM, too."""
    try:
        yield
    except KeyboardInterrupt:
        note(f"interrupted; {left()}")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except SystemExit:  # by SIGTERM or SIGHUP
        if also_stopped:
            note(f"interrupted; {left()}")
        raise
