"""The timing gate: `fwdrev check`."""

import shlex
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from fwdrev.bench.records.parsing import problem_options
from fwdrev.cli.common.exit_codes import EXIT_INTERRUPTED
from fwdrev.cli.common.options import (
    Arms,
    CopyPattern,
    Inputs,
    Option,
    Outputs,
    Point,
    Problem,
    SourcePath,
    Threshold,
    Wrt,
)
from fwdrev.cli.common.show import AsJson, caution, exit_code, note
from fwdrev.cli.gate.reports import JUnitFile, MarkdownFile, OnGitHub, reports_of, tell
from fwdrev.modes.errors import InputError

__all__ = ["check"]


def check(
    *,
    against: Annotated[
        str | None, typer.Option(help="The git revision to compare the working tree with, e.g. main.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="Or the file of `fwdrev baseline` to compare with.")] = None,
    run: Annotated[Path | None, typer.Option(help="Compare this run with the baseline; default a new one.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Keep what is measured for --baseline in this new folder; default nowhere.")
    ] = None,
    engines: Arms = None,
    point: Point = None,
    inputs: Inputs = None,
    outputs: Outputs = None,
    problem: Problem = None,
    option: Option = None,
    wrt: Wrt = None,
    threshold: Threshold = None,
    find: Annotated[
        str | None,
        typer.Option(help="In place of a threshold: a slow-down, e.g. 20%, that 95 of 100 runs are to find."),
    ] = None,
    rounds: Annotated[
        int | None, typer.Option(help="Fresh pairs of processes, at least 3; default 14, of engines 10.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of the problems and of the order.")] = None,
    memory_limit: Annotated[str | None, typer.Option(help="Address space of a side's functions, e.g. 4GB.")] = None,
    allow_different_results: Annotated[
        str | None,
        typer.Option(
            "--allow-different-results",
            metavar="[TOLERANCE]",
            help="Time what returns other results than base, too; with a number, only if they differ by at most that "
            "much, relatively.",
        ),
    ] = None,
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
    """Tell whether functions or engines are slower than in a revision or a baseline.

    Exit codes: 0 no, 1 yes, 3 inconclusive, 4 nothing to compare or something missing.
    """
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
    arms = {
        "engines": engines,
        "point": point,
        "find": find,
        "allow_different_results": allow_different_results,
        "copy": copy,
        "path": path,
    }
    reports = reports_of(junit=junit, markdown=markdown, github=github)
    if against is None or baseline is not None or run is not None or out is not None:
        from fwdrev.cli.gate.check_baseline import judged_by_baseline

        others = [name for name, value in (arms | given).items() if value is not None]
        judgement, data = judged_by_baseline(
            baseline, against, run, threshold, others, out=out, allow_missing=allow_missing
        )
    else:
        from fwdrev.cli.gate.asked import asked

        found = asked(given, **arms, threshold=threshold, allow_missing=allow_missing)  # type: ignore[arg-type]
        judgement, data = _judged_by_revision(against, found)
    tell(judgement, {"exit_code": exit_code(judgement.outcome), **data}, reports, as_json=as_json)


def _judged_by_revision(against: str, asked: Any) -> tuple[Any, dict[str, Any]]:  # noqa: ANN401 - an Asked and a GateReport, whose modules are imported late
    """The judgement and its data."""
    from fwdrev.results.gate.text import judged
    from fwdrev.results.stats.paired_shifts import FEWEST
    from fwdrev.results.text.quantities import percent_text

    if asked.spec.rounds < FEWEST:
        msg = f"rounds {asked.spec.rounds}: nothing is decided by fewer than {FEWEST}; give at least {FEWEST}"
        raise InputError(msg)
    try:
        commit, asked, run = _run(against, asked)
    except KeyboardInterrupt:
        note("interrupted; nothing is left behind")
        raise typer.Exit(EXIT_INTERRUPTED) from None
    limit = f"threshold {percent_text(asked.threshold)}"
    limit += "" if asked.find is None else f", to find {percent_text(asked.find)}"
    rounds = run.first.rounds or asked.spec.rounds
    title = f"base {commit[:12]} ({against}), head: the working tree; {rounds} rounds, {limit}"
    data = {"base": commit, "unmeasured": run.reasons, "differing": run.differing, **run.gate.to_json()}
    notes = [*run.differing, *_to_see(commit, asked, run.gate)] if asked.functions else run.reasons
    return judged(run.gate, title, notes), data


def _to_see(commit: str, asked: Any, gate: Any) -> list[str]:  # noqa: ANN401 - as above, and a Gate
    """The command that shows what fails or is open."""
    seen = {arm for each in gate.findings if each.open or gate.fails(each) for _, arm in each.subject.members}
    words = asked.words_for([name for name in asked.spec.engines if name in seen])
    return [f"to see it locally: {shlex.join(['fwdrev', 'check', '--against', commit[:12], *words])}"] if seen else []


def _run(name: str, asked: Any) -> tuple[str, Any, Any]:  # noqa: ANN401 - an Asked and a GateRun, as above
    """The commit, what is asked for as both sides have it, and what the gate found."""
    from fwdrev.bench.revisions.function_files import in_modules
    from fwdrev.bench.revisions.git_worktree import revision
    from fwdrev.bench.revisions.lookup import looked_up
    from fwdrev.bench.revisions.rounds import against
    from fwdrev.results.gate.run import gate_run

    caution(asked.spec.threads)
    with revision(name, copy=asked.copy, path=asked.path) as opened:
        spec, point, sides = in_modules(asked.spec, asked.point, opened)
        found = looked_up(spec, sides, inputs=point)
        spec = found.sized(spec, asked=asked.sized)
        measure = partial(against, sides=sides, inputs=found.points, tolerance=asked.tolerance)
        run = gate_run(
            spec,
            measure,
            threshold=asked.threshold,
            find=asked.find,
            lacking=found.lacking,
            allow_missing=asked.allow_missing,
            told=note,
        )
        return sides.commit, asked.as_measured(spec, point, sides.path), run
