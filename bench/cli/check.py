"""The timing gate: `fwdrev check`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fwdrev.bench.arguments import names, problem_options
from fwdrev.bench.cli.exit_codes import EXIT_INTERRUPTED
from fwdrev.bench.cli.judged import JUnitFile, MarkdownFile, OnGitHub, reports_of, tell
from fwdrev.bench.cli.options import Arms, CopyPattern, Inputs, Option, Outputs, Point, Problem, SourcePath, Wrt
from fwdrev.bench.cli.show import AsJson, caution, exit_code, note
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
    memory_limit: Annotated[str | None, typer.Option(help="Address space of a side's arms, e.g. 4GB.")] = None,
    copy: CopyPattern = None,
    path: SourcePath = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Do not fail for what head does not have any more.")
    ] = False,
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
        "memory_limit": memory_limit,
    }
    given = {key: value for key, value in given.items() if value is not None}
    reports = reports_of(junit=junit, markdown=markdown, github=github)
    if against is None or baseline is not None or run is not None:
        from fwdrev.bench.cli.check_baseline import judged_by_baseline

        all_given = {"engines": engines, "point": point, "copy": copy, "path": path, **given}
        others = [name for name, value in all_given.items() if value is not None]
        judgement, data = judged_by_baseline(baseline, against, run, threshold, others, allow_missing=allow_missing)
    else:
        places = {"copy": copy or [], "path": path or []}
        judgement, data = _judged_by_revision(
            against, given, engines, point, threshold, places, allow_missing=allow_missing
        )
    tell(judgement, {"exit_code": exit_code(judgement.outcome), **data}, reports, as_json=as_json)


def _judged_by_revision(
    against: str,
    given: dict[str, Any],
    engines: str | None,
    point: str | None,
    threshold: str,
    places: dict[str, list[str]],
    *,
    allow_missing: bool,
) -> tuple[Any, dict[str, Any]]:
    """The judgement, whose module is imported late, and its data."""
    from fwdrev.bench.gate_spec import gate_spec
    from fwdrev.bench.units import fraction_of
    from fwdrev.results.gate_text import judged
    from fwdrev.results.shifts import FEWEST

    arms = None if engines is None else names(engines)
    spec, accepted = gate_spec(given, arms, looked_up_later=True), fraction_of(threshold)
    if spec.rounds < FEWEST:
        msg = f"rounds {spec.rounds}: nothing is decided by fewer than {FEWEST}; give at least {FEWEST}"
        raise InputError(msg)
    try:
        commit, run = _run(spec, against, point, accepted, places, allow_missing=allow_missing)
    except KeyboardInterrupt:
        note("interrupted; nothing is left behind")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    title = f"base {commit[:12]} ({against}), head: the working tree; {spec.rounds} rounds, threshold {threshold}"
    return judged(run.gate, title, run.reasons), {"base": commit, "unmeasured": run.reasons, **run.gate.to_json()}


def _run(
    spec: Any,  # noqa: ANN401 - a SweepSpec, whose module is imported late
    name: str,
    point: str | None,
    threshold: float,
    places: dict[str, list[str]],
    *,
    allow_missing: bool,
) -> tuple[str, Any]:
    """The commit, and what the gate found beside it."""
    from fwdrev.bench.against import against
    from fwdrev.bench.lookup import lacking
    from fwdrev.bench.revision import revision
    from fwdrev.results.gate_run import gate_run

    caution(spec.threads)
    with revision(name, **places) as sides:
        measure = partial(against, sides=sides, inputs=point)
        apart = lacking(spec, sides, inputs=point)
        run = gate_run(spec, measure, threshold=threshold, lacking=apart, allow_missing=allow_missing, told=note)
        return sides.commit, run
