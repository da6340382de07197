"""What the commands share: arguments, exit codes, and how an answer is shown."""

import json
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "EXIT_INCONCLUSIVE",
    "EXIT_INTERRUPTED",
    "EXIT_NOTHING",
    "EXIT_REGRESSION",
    "EXIT_USAGE",
    "AsJson",
    "Pair",
    "RunFolder",
    "answer",
    "columns",
    "exit_code",
    "loaded",
    "quoted",
]

EXIT_REGRESSION, EXIT_USAGE, EXIT_INCONCLUSIVE, EXIT_NOTHING, EXIT_INTERRUPTED = 1, 2, 3, 4, 130
"""Slower, or more operations; wrong usage or input; nobody knows; nothing measured or compared; stopped by Ctrl-C,
which is 128 + SIGINT, as shells count."""

RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="The folder that a sweep wrote.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Pair = Annotated[str, typer.Option("--pair", help="The two engines to compare, e.g. jax-jvp,jax-vjp.")]


def answer(data: Any, lines: Iterable[str], *, as_json: bool) -> None:  # noqa: ANN401 - anything JSON
    """One answer, for a program or for a person."""
    typer.echo(json.dumps(data, indent=2) if as_json else "\n".join(lines))


def columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Names and texts, aligned."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return ["  ".join(f"{text:<{width}}" for text, width in zip(row, widths, strict=True)).rstrip() for row in table]


def exit_code(outcome: Any) -> int:  # noqa: ANN401 - an Outcome, whose module is imported late
    """Of a command that judges; never 0 when nothing was compared, never 1 but for a regression."""
    from fwdrev.results.judgement import Outcome

    codes = {
        Outcome.REGRESSED: EXIT_REGRESSION,
        Outcome.INCONCLUSIVE: EXIT_INCONCLUSIVE,
        Outcome.NOTHING: EXIT_NOTHING,
    }
    return codes.get(outcome, 0)


def quoted(path: Path) -> str:
    """As a shell wants it."""
    return shlex.quote(str(path))


def loaded(folder: Path) -> Any:  # noqa: ANN401 - a Run, whose module is imported late
    """The run, its warnings told."""
    from fwdrev.results.run import load

    run = load(folder)
    for warning in run.warnings:
        typer.echo(f"warning: {warning}", err=True)
    return run
