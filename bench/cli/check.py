"""The timing gate: `fwdrev check`."""

from functools import partial
from typing import Annotated, Any

import typer

from fwdrev.bench.arguments import names, problem_options
from fwdrev.bench.cli.judged import JUnitFile, MarkdownFile, OnGitHub, reports_of, tell
from fwdrev.bench.cli.show import EXIT_INTERRUPTED, AsJson, exit_code

__all__ = ["check"]


def check(
    *,
    against: Annotated[str, typer.Option(help="The git revision to compare the working tree with, e.g. main.")],
    problem: Annotated[str | None, typer.Option(help="See `fwdrev problems`; default driven.")] = None,
    option: Annotated[list[str] | None, typer.Option(help="Of the problem, e.g. depth=6; may be repeated.")] = None,
    inputs: Annotated[str | None, typer.Option(help="Sizes n; default 8:256:*2.")] = None,
    outputs: Annotated[str | None, typer.Option(help="Sizes m; default 4:256:*4.")] = None,
    engines: Annotated[
        str | None, typer.Option(help="Engines, or functions as MODULE:FUNCTION, with commas between.")
    ] = None,
    point: Annotated[str | None, typer.Option(help="MODULE:FUNCTION of n that makes a function's input.")] = None,
    wrt: Annotated[str | None, typer.Option(help="theta, x or both.")] = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh pairs of processes; default 10, at least 3.")] = None,
    threshold: Annotated[str, typer.Option(help="The slow-down of a cell that is accepted.")] = "5%",
    seed: Annotated[int | None, typer.Option(help="Of the problems and of the order.")] = None,
    junit: JUnitFile = None,
    markdown: MarkdownFile = None,
    github: OnGitHub = False,
    as_json: AsJson = False,
) -> None:
    """Tell whether the working tree is slower than a revision: 0 no, 1 yes, 3 nobody knows, 4 nothing to compare."""
    from fwdrev.bench.gate_spec import gate_spec
    from fwdrev.bench.units import fraction_of
    from fwdrev.results.gate_text import judged

    given = {
        "problem": problem,
        "options": problem_options(option) if option else None,
        "inputs": inputs,
        "outputs": outputs,
        "wrt": wrt,
        "rounds": rounds,
        "seed": seed,
    }
    given = {key: value for key, value in given.items() if value is not None}
    spec = gate_spec(given, None if engines is None else names(engines))
    reports = reports_of(junit=junit, markdown=markdown, github=github)
    try:
        commit, run = _run(spec, against, point, fraction_of(threshold))
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing is left behind", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    title = f"base {commit[:12]} ({against}), head: the working tree; {spec.rounds} rounds, threshold {threshold}"
    judgement = judged(run.gate, title, run.reasons)
    data = {"base": commit, "exit_code": exit_code(judgement.outcome), "unmeasured": run.reasons, **run.gate.to_json()}
    tell(judgement, data, reports, as_json=as_json)


def _run(spec: Any, name: str, point: str | None, threshold: float) -> tuple[str, Any]:  # noqa: ANN401 - a SweepSpec and a GateRun, whose modules are imported late
    """The commit, and what the gate found beside it."""
    from fwdrev.bench.against import against
    from fwdrev.bench.revision import revision
    from fwdrev.results.gate_run import gate_run

    with revision(name) as sides:
        measure = partial(against, sides=sides, inputs=point)
        told = partial(typer.echo, err=True)
        return sides.commit, gate_run(spec, measure, threshold=threshold, told=told)
