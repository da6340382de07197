"""Options that several commands have, each declared once."""

from typing import Annotated

import typer

__all__ = ["Arms", "Inputs", "Option", "Outputs", "Point", "Problem", "Wrt"]

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
