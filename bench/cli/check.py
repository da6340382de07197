"""The timing gate: `fwdrev check`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fwdrev.bench.arguments import names, problem_options
from fwdrev.bench.cli.judged import JUnitFile, MarkdownFile, OnGitHub, reports_of, tell
from fwdrev.bench.cli.options import Arms, Inputs, Option, Outputs, Point, Problem, Wrt
from fwdrev.bench.cli.show import EXIT_INTERRUPTED, AsJson, exit_code
from fwdrev.modes.errors import InputError

__all__ = ["check"]


def check(
    *,
    against: Annotated[
        str | None, typer.Option(help="The git revision to compare the working tree with, e.g. main.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="Or the file of `fwdrev baseline` to compare with.")] = None,
    run: Annotated[Path | None, typer.Option(help="Compare this run with the baseline; default a new one.")] = None,
    problem: Problem = None,
    option: Option = None,
    inputs: Inputs = None,
    outputs: Outputs = None,
    engines: Arms = None,
    point: Point = None,
    wrt: Wrt = None,
    rounds: Annotated[int | None, typer.Option(help="Fresh pairs of processes; default 10, at least 3.")] = None,
    threshold: Annotated[str, typer.Option(help="The slow-down of a cell that is accepted.")] = "5%",
    seed: Annotated[int | None, typer.Option(help="Of the problems and of the order.")] = None,
    junit: JUnitFile = None,
    markdown: MarkdownFile = None,
    github: OnGitHub = False,
    as_json: AsJson = False,
) -> None:
    """Tell whether it is slower than a revision or a baseline: 0 no, 1 yes, 3 nobody knows, 4 nothing to compare."""
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
    reports = reports_of(junit=junit, markdown=markdown, github=github)
    if against is None or baseline is not None or run is not None:
        from fwdrev.bench.cli.check_baseline import judged_by_baseline

        others = [name for name, value in {"engines": engines, "point": point, **given}.items() if value is not None]
        judgement, data = judged_by_baseline(baseline, against, run, threshold, others)
    else:
        judgement, data = _judged_by_revision(against, given, engines, point, threshold)
    tell(judgement, {"exit_code": exit_code(judgement.outcome), **data}, reports, as_json=as_json)


def _judged_by_revision(
    against: str, given: dict[str, Any], engines: str | None, point: str | None, threshold: str
) -> tuple[Any, dict[str, Any]]:
    """The judgement, whose module is imported late, and its data."""
    from fwdrev.bench.gate_spec import gate_spec
    from fwdrev.bench.units import fraction_of
    from fwdrev.results.gate_text import judged
    from fwdrev.results.shifts import FEWEST

    spec, accepted = gate_spec(given, None if engines is None else names(engines)), fraction_of(threshold)
    if spec.rounds < FEWEST:
        msg = f"rounds {spec.rounds}: nothing is decided by fewer than {FEWEST}; give at least {FEWEST}"
        raise InputError(msg)
    try:
        commit, run = _run(spec, against, point, accepted)
    except KeyboardInterrupt:
        typer.echo("interrupted; nothing is left behind", err=True)
        raise typer.Exit(EXIT_INTERRUPTED) from None
    title = f"base {commit[:12]} ({against}), head: the working tree; {spec.rounds} rounds, threshold {threshold}"
    return judged(run.gate, title, run.reasons), {"base": commit, "unmeasured": run.reasons, **run.gate.to_json()}


def _run(spec: Any, name: str, point: str | None, threshold: float) -> tuple[str, Any]:  # noqa: ANN401 - a SweepSpec and a GateRun, whose modules are imported late
    """The commit, and what the gate found beside it."""
    from fwdrev.bench.against import against
    from fwdrev.bench.revision import revision
    from fwdrev.results.gate_run import gate_run

    with revision(name) as sides:
        measure = partial(against, sides=sides, inputs=point)
        told = partial(typer.echo, err=True)
        return sides.commit, gate_run(spec, measure, threshold=threshold, told=told)
