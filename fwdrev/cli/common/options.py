"""Options that several commands have, each declared once."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any

import typer

Problem = Annotated[
    str | None, typer.Option(help="One of `fwdrev problems`, or your own as MODULE:FACTORY; default driven.")
]
Engines = Annotated[
    str | None, typer.Option(help="Some of `fwdrev engines`, or your own as MODULE:CLASS, with commas between.")
]
Option = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="An option of the problem, e.g. depth=6; may be repeated."),
]
Wrt = Annotated[
    str | None,
    typer.Option(
        help="Differentiate with respect to theta, x or both; default theta, or x where a problem has no parameters."
    ),
]

Inputs = Annotated[
    str | None,
    typer.Option(
        "--sizes",
        "--inputs",
        help="The sizes of functions, default 1000; or the sizes n for engines, default 8:256:*2.",
    ),
]
Outputs = Annotated[str | None, typer.Option(help="The sizes m for engines; default 4:256:*4.")]
Arms = Annotated[
    str | None,
    typer.Option(
        "--functions",
        "--engines",
        help="Functions of the project, as MODULE:FUNCTION or FILE.py:FUNCTION, or engines, with commas between. "
        "Default: the functions of [tool.fwdrev] in pyproject.toml, or forward,reverse.",
    ),
]
Point = Annotated[
    str | None,
    typer.Option(
        metavar="MODULE:FUNCTION",
        help="A function that returns the input; it may take the size. A tuple is several arguments. Give one for all "
        "functions, or one for each with commas between; without MODULE it is the function's own.",
    ),
]
"""The last four are those of what the gate compares, `fwdrev.bench.records.gate_spec`."""

Threshold = Annotated[
    str | None, typer.Option(help="The slow-down to accept; default 5%, for a baseline of functions 10%.")
]

CopyPattern = Annotated[
    list[str] | None,
    typer.Option(
        "--copy",
        metavar="PATTERN",
        help="Generated files that git ignores and the revision needs too, e.g. _version.py; may be repeated.",
    ),
]
SourcePath = Annotated[
    list[str] | None,
    typer.Option(
        "--path",
        metavar="DIR",
        help="A folder of the project from which both sides import, e.g. python; may be repeated.",
    ),
]
"""Where the sides of a comparison find their code, `fwdrev.bench.revisions.git_worktree`."""

ANY = "any"
"""What `--allow-different-results` has without a value, see `spelled_out`."""

DIFFERENT = "--allow-different-results"


Command = Callable[..., None]


def declared(options: Mapping[str, Any]) -> Callable[[Command], Command]:
    """Puts options into the place of a command's parameter `given`, a dict which gets those that the user gave.

    typer reads the options of a command off its signature. `option` comes parsed, under its name in specifications.
    """

    def decorate(command: Command) -> Command:
        @wraps(command)
        def called(**values: Any) -> None:  # noqa: ANN401 - options of any type
            from fwdrev.bench.records.parsing import problem_options

            given = {name: value for name in options if (value := values.pop(name)) is not None}
            if "option" in given:
                given["options"] = problem_options(given.pop("option"))
            command(given=given, **values)

        parameters = []
        for own in inspect.signature(command).parameters.values():
            put = options if own.name == "given" else {}
            parameters += [own.replace(name=name, default=None, annotation=kind) for name, kind in put.items()] or [own]
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what `inspect` looks for
        return called

    return decorate


def option_name(key: str) -> str:
    """The option that sets the field `key` of a specification."""
    return "--option" if key == "options" else f"--{key.replace('_', '-')}"


def spelled_out(arguments: Sequence[str]) -> list[str]:
    """The command's arguments with a value for each option: typer knows none whose value may be left out."""
    found = list(arguments)
    for at, word in enumerate(arguments):
        follows = arguments[at + 1 : at + 2]
        if word == DIFFERENT and not (follows and re.fullmatch(r"[-+]?\.?\d\S*|any|inf|nan", follows[0])):
            found[at] = f"{DIFFERENT}={ANY}"
    return found
