"""Advice on a function: `fwdrev advise`."""

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from fwdrev.cli.common.show import AsJson, answer, interruptible, note
from fwdrev.modes.errors import InputError, shown

if TYPE_CHECKING:
    from fwdrev.bench.functions.target import Target
    from fwdrev.results.advice.record import Advice


Dtype = StrEnum("Dtype", ["FLOAT32", "FLOAT64"])
"""The precisions that can be asked for."""


def advise(
    target: Annotated[
        str,
        typer.Argument(
            metavar="MODULE:FUNCTION",
            help="Or FILE.py:FUNCTION; or stages, called one after the other: MODULE:f1,f2,f3.",
        ),
    ],
    *,
    shape: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SIZES",
            help="The shape of an argument, e.g. 1000 or 3,4, filled with random numbers; once for each argument, with "
            "stages for each of the first one.",
        ),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(metavar="FILE.npz", help="A file with the arguments under their names, or as arr_0, arr_1, …"),
    ] = None,
    point: Annotated[
        str | None,
        typer.Option(metavar="[MODULE:]FUNCTION", help="A function that returns the argument, or a tuple of them."),
    ] = None,
    argnums: Annotated[
        str | None, typer.Option(help="The arguments to differentiate, counted from 0, e.g. 0 or 0,2; default all.")
    ] = None,
    has_aux: Annotated[
        bool, typer.Option("--has-aux", help="The function returns (outputs, aux); only outputs are differentiated.")
    ] = False,
    vmap: Annotated[
        bool, typer.Option("--vmap", help="The function takes one sample; the arrays have a leading axis of samples.")
    ] = False,
    measure: Annotated[bool, typer.Option(help="Time the Jacobians, or only count their operations.")] = True,
    budget: Annotated[str, typer.Option(help="The longest time to measure, compiling included.")] = "20s",
    dtype: Annotated[
        Dtype | None, typer.Option(help="The precision; default that of the arguments, or of JAX.")
    ] = None,
    torch: Annotated[bool, typer.Option("--torch", help="The function takes tensors of PyTorch.")] = False,
    seed: Annotated[int, typer.Option(help="The seed of the random numbers and of the order.", min=0)] = 0,
    as_json: AsJson = False,
) -> None:
    """Say by which mode to compute the Jacobian of your function.

    Also by how much it is faster than the others, and the line of code to use.
    """
    from fwdrev.bench.functions.target import Target, checked
    from fwdrev.bench.records.parsing import seconds_of

    asked = checked(
        Target(
            what=target,
            at=at,
            shapes=None if shape is None else [_shape(text) for text in shape],
            point=point,
            argnums=None if argnums is None else _numbers(argnums),
            has_aux=has_aux,
            vmap=vmap,
            seed=seed,
            dtype=None if dtype is None else dtype.value,
            torch=torch,
        )
    )
    seconds = seconds_of(budget)
    with interruptible():
        advice = _advice(asked, seconds, measure=measure)
    answer(advice.to_json(), str(advice).splitlines(), as_json=as_json)


def _advice(target: "Target", budget: float, *, measure: bool) -> "Advice":
    """From processes in which the function may do what it likes."""
    from fwdrev.api.advise import measured_advice
    from fwdrev.bench.functions.isolated import function_process
    from fwdrev.results.advice.decision import counted_advice

    with function_process(target) as trials:
        note(f"looking at {target.what}")
        facts = trials.facts(budget)
        if not measure:
            return counted_advice(facts, trials.expected(budget, measured=False))
        left = max(0.0, budget - trials.spent_seconds)
        return measured_advice(trials, facts, left, seed=target.seed, told=note)


def _shape(text: str) -> tuple[int, ...]:
    """`1000`, `3,4`."""
    sizes = [size.strip() for size in text.split(",") if size.strip()]
    if not sizes or not all(re.fullmatch("[1-9][0-9]{0,17}", size) for size in sizes):
        raise InputError(f"shape {shown(text)}: give sizes from 1 with commas, e.g. 1000 or 3,4")
    return tuple(int(size) for size in sizes)


def _numbers(text: str) -> int | tuple[int, ...]:
    """`0`, `0,2`."""
    try:
        numbers = [int(number) for number in text.split(",")]
    except ValueError:
        msg = f"argnums {shown(text)}: give numbers of arguments with commas, counted from 0, e.g. 0 or 0,2"
        raise InputError(msg) from None
    return numbers[0] if len(numbers) == 1 else tuple(numbers)
