"""What the commands share: arguments, exit codes, and how an answer is shown."""

import json
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from fwdrev.cli.common.exit_codes import EXIT_INCONCLUSIVE, EXIT_NOTHING, EXIT_REGRESSION
from fwdrev.cli.common.streams import lost
from fwdrev.modes.errors import InputError

__all__ = [
    "AsJson",
    "Pair",
    "RunFolder",
    "answer",
    "caution",
    "exit_code",
    "loaded",
    "note",
    "quoted",
    "written_out",
]

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a sweep wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Pair = Annotated[str, typer.Option("--pair", help="The two engines to compare, e.g. jax-jvp,jax-vjp.")]


def answer(data: Any, lines: Iterable[str], *, as_json: bool) -> None:  # noqa: ANN401 - anything JSON
    """One answer, for a program or for a person. Lost where it cannot be shown: see `streams`."""
    print(json.dumps(data, indent=2) if as_json else "\n".join(lines), flush=True)  # noqa: T201


def note(text: str) -> None:
    """A line beside the answer: progress, a warning, an annotation. Lost where it cannot be shown."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201


def caution(threads: int) -> None:
    """What is wrong with the surroundings of a measurement that begins with so many threads, once for a command."""
    from fwdrev.bench.machine.environment import cautions

    for line in cautions(threads):
        note(f"warning: {line}")


def written_out(text: str) -> None:
    """An answer that is a file, in the bytes of that file; raises InputError where not all of it could be written.

    A reader that leaves had enough.
    """
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode(errors="backslashreplace"))
    sys.stdout.flush()
    why = lost(sys.stdout)
    if why is not None and not isinstance(why, BrokenPipeError):
        msg = f"cannot write standard output: {why.strerror}; give --out a file that can be written"
        raise InputError(msg)


def exit_code(outcome: Any) -> int:  # noqa: ANN401 - an Outcome, whose module is imported late
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


def loaded(folder: Path) -> Any:  # noqa: ANN401 - a Run, whose module is imported late
    """The run, its warnings told."""
    from fwdrev.results.runs.run import load

    run = load(folder)
    for warning in run.warnings:
        note(f"warning: {warning}")
    return run
