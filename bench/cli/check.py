"""The timing gate: `fwdrev check`."""

from collections.abc import Sequence
from contextlib import closing
from typing import Annotated, Any

import typer

from fwdrev.bench.arguments import names, problem_options
from fwdrev.bench.cli.show import EXIT_INTERRUPTED, AsJson, answer
from fwdrev.modes.errors import InputError

__all__ = ["check"]

_PLANE: dict[str, Any] = {"inputs": "8:256:*2", "outputs": "4:256:*4", "rounds": 8, "blocks": 10, "block_seconds": 2e-3}
"""24 cells on both sides of the crossover of `driven`; with four engines a run takes a minute and a half."""


def check(
    *,
    against: Annotated[str, typer.Option(help="The git revision to compare the working tree with, e.g. main.")],
    problem: Annotated[str | None, typer.Option(help="See `fwdrev problems`; default driven.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="Of the problem, e.g. depth=6; may be repeated.")] = None,
    inputs: Annotated[str | None, typer.Option(help=f"Sizes n; default {_PLANE['inputs']}.")] = None,
    outputs: Annotated[str | None, typer.Option(help=f"Sizes m; default {_PLANE['outputs']}.")] = None,
    engines: Annotated[
        str | None, typer.Option(help="Engines, or functions as MODULE:FUNCTION, with commas between.")
    ] = None,
    point: Annotated[str | None, typer.Option(help="MODULE:FUNCTION of n that makes a function's input.")] = None,
    wrt: Annotated[str | None, typer.Option(help="theta, x or both.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh pairs of processes; default 8, at least 3.")] = None,
    threshold: Annotated[str, typer.Option(help="The slow-down of a cell that is accepted.")] = "5%",
    seed: Annotated[int | None, typer.Option(help="Of the problems and of the order.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether the working tree is slower than a revision: 0 no, 1 yes, 3 nobody knows, 4 nothing to compare."""
    from fwdrev.bench.units import fraction_of
    from fwdrev.results.gate_text import gate_lines

    given = {
        "problem": problem,
        "options": problem_options(option) if option else None,
        "inputs": inputs,
        "outputs": outputs,
        "wrt": wrt,
        "rounds": rounds,
        "seed": seed,
    }
    spec = _spec({key: value for key, value in given.items() if value is not None}, engines)
    try:
        commit, gate, why = _decided(spec, against, point, fraction_of(threshold))
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing is left behind", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    data = {"base": commit, "unmeasured": why, **gate.to_json()}
    title = f"base {commit[:12]} ({against}), head: the working tree; {spec.rounds} rounds, threshold {threshold}"
    answer(data, [title, "", *why, *gate_lines(gate)], as_json=as_json)
    raise typer.Exit(gate.exit_code)


def _spec(given: dict[str, Any], engines: str | None) -> Any:  # noqa: ANN401 - a SweepSpec, whose module is imported late
    """Functions are the project's: each side looks for its own."""
    from fwdrev.bench.spec import make_spec

    arms = ["forward", "reverse", "jax-jvp", "jax-vjp"] if engines is None else names(engines)
    known = [name for name in arms if ":" not in name]
    spec = make_spec(_PLANE | given | {"engines": known or ["forward"]})
    if not arms:
        msg = f"engines {engines!r}: name at least one"
        raise InputError(msg)
    return spec.model_copy(update={"engines": arms})


def _decided(spec: Any, name: str, point: str | None, threshold: float) -> tuple[str, Any, list[str]]:  # noqa: ANN401 - as above
    """The commit, the gate, and what could not be measured; what is flagged is measured again in fresh rounds."""
    from fwdrev.bench.revision import revision
    from fwdrev.results.gate import decide
    from fwdrev.results.measured_sides import sides_of, unmeasured

    with revision(name) as sides:
        seen = _observed(spec, sides, point, "")
        measured = sides_of(seen)
        gate = decide(measured, threshold=threshold)
        if gate.to_confirm:
            fresh = _observed(_narrowed(spec, gate.pairs_to_confirm), sides, point, "again: ")
            gate = decide(measured, threshold=threshold, confirmation=sides_of(fresh))
        why = [
            f"{arm}, {reason} (in {len(cells)} of {len(spec.cells)} cells)"
            for (arm, reason), cells in unmeasured(seen).items()
        ]
        return sides.commit, gate, why


def _observed(spec: Any, sides: Any, point: str | None, what: str) -> list[Any]:  # noqa: ANN401 - as above
    from fwdrev.bench.against import against

    found: list[Any] = []
    with closing(against(spec, sides, inputs=point)) as observations:
        for o in observations:
            if not found or o.round != found[-1].round:
                typer.echo(f"{what}round {o.round + 1} of {spec.rounds}", err=True)
            found.append(o)
    return found


def _narrowed(spec: Any, pairs: Sequence[Any]) -> Any:  # noqa: ANN401 - as above
    """The smallest plane that has all of them, with another order."""
    cells = [cell for cell, _ in pairs]
    arms = {arm for _, arm in pairs}
    return spec.model_copy(
        update={
            "inputs": sorted({cell.n for cell in cells}),
            "outputs": sorted({cell.m for cell in cells}),
            "engines": [name for name in spec.engines if name in arms],
            "seed": spec.seed + 1,
        }
    )
