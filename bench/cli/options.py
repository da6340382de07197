"""Options that several commands have, each declared once."""

from typing import Annotated

import typer

__all__ = ["Arms", "CopyPattern", "Inputs", "Option", "Outputs", "Point", "Problem", "SourcePath", "Wrt"]

Problem = Annotated[str | None, typer.Option(help="See `fwdrev problems`; default driven.")]
Option = Annotated[list[str] | None, typer.Option(help="Of the problem, e.g. depth=6; may be repeated.")]
Wrt = Annotated[str | None, typer.Option(help="theta, x or both; default theta.")]

Inputs = Annotated[str | None, typer.Option(help="Sizes n; default 8:256:*2.")]
Outputs = Annotated[str | None, typer.Option(help="Sizes m; default 4:256:*4.")]
Arms = Annotated[
    str | None,
    typer.Option(help="Engines, or functions as MODULE:FUNCTION, with commas between; default forward,reverse."),
]
Point = Annotated[str | None, typer.Option(help="MODULE:FUNCTION of n that makes a function's input.")]
"""The last four are those of what the gate compares, `fwdrev.bench.gate_spec`."""

CopyPattern = Annotated[
    list[str] | None,
    typer.Option(
        "--copy",
        metavar="PATTERN",
        help="Generated files, ignored by git, that the revision needs too, e.g. _version.py; may be repeated.",
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
"""Where the sides of a comparison find their code, `fwdrev.bench.revision`."""
