"""The timing gate: `fwdrev check`."""

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

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
    declared,
)
from fwdrev.cli.common.show import AsJson, caution, exit_code, interruptible, note
from fwdrev.cli.gate.reports import JUnitFile, MarkdownFile, OnGitHub, reports_of, tell

if TYPE_CHECKING:
    from fwdrev.cli.gate.asked import Asked
    from fwdrev.results.gate.run import GateRun
    from fwdrev.results.gate.verdicts.report import GateReport


_SPECIFIED = {
    "engines": Arms,
    "point": Point,
    "inputs": Inputs,
    "outputs": Outputs,
    "problem": Problem,
    "option": Option,
    "wrt": Wrt,
    "threshold": Threshold,
    "find": Annotated[
        str | None,
        typer.Option(help="Instead of --threshold: a slow-down, e.g. 20%, that 95 of 100 checks should find."),
    ],
    "rounds": Annotated[
        int | None, typer.Option(help="How many fresh pairs of processes, at least 3; default 14, for engines 10.")
    ],
    "seed": Annotated[int | None, typer.Option(help="The seed of the problems and of the order.")],
    "memory_limit": Annotated[str | None, typer.Option(help="The address space of each side, e.g. 4GB.")],
    "allow_different_results": Annotated[
        str | None,
        typer.Option(
            "--allow-different-results",
            metavar="[TOLERANCE]",
            help="Also time functions whose results differ from those of base; with a number, only up to that relative "
            "difference.",
        ),
    ],
    "copy": CopyPattern,
    "path": SourcePath,
}
"""What is measured and how; a baseline holds all of it but the threshold."""


@declared(_SPECIFIED)
def check(
    *,
    against: Annotated[
        str | None, typer.Option(help="The git revision to compare the working tree with, e.g. main.")
    ] = None,
    baseline: Annotated[Path | None, typer.Option(help="Or the file of `fwdrev baseline` to compare with.")] = None,
    run: Annotated[Path | None, typer.Option(help="Compare this run with the baseline instead of a new one.")] = None,
    out: Annotated[Path | None, typer.Option(help="Keep the new run of --baseline in this new folder.")] = None,
    given: dict[str, Any],
    allow_missing: Annotated[
        bool,
        typer.Option(
            "--allow-missing", help="Do not fail for functions and engines that the working tree has no more."
        ),
    ] = False,
    junit: JUnitFile = None,
    markdown: MarkdownFile = None,
    github: OnGitHub = False,
    as_json: AsJson = False,
) -> None:
    """Say whether functions or engines became slower.

    Compares the working tree with a git revision or with a baseline. Exit codes: 0 no slower, 1 slower, 2 wrong input,
    3 inconclusive, 4 nothing to compare or something missing, 5 an error of fwdrev.
    """
    reports = reports_of(junit=junit, markdown=markdown, github=github)
    if against is None or baseline is not None or run is not None or out is not None:
        from fwdrev.cli.gate.check_baseline import judged_by_baseline

        report, data = judged_by_baseline(baseline, against, run, given, out=out, allow_missing=allow_missing)
    else:
        from fwdrev.cli.gate.asked import asked

        report, data = _judged_by_revision(against, asked(given, allow_missing=allow_missing))
    tell(report, {"exit_code": exit_code(report.outcome), **data}, reports, as_json=as_json)


def _judged_by_revision(against: str, asked: "Asked") -> tuple["GateReport", dict[str, Any]]:
    """The report and its data."""
    from fwdrev.results.gate.text import judged
    from fwdrev.results.text.quantities import percent_text

    asked.check_rounds()
    with interruptible():
        commit, asked, run = _run(against, asked)
    limit = f"threshold {percent_text(asked.threshold)}"
    limit += "" if asked.find is None else f", to find {percent_text(asked.find)}"
    rounds = run.first.rounds or asked.spec.rounds
    title = f"base {commit[:12]} ({against}), head: the working tree; {rounds} rounds, {limit}"
    data = {"base": commit, "unmeasured": run.reasons, "differing": run.differing, **run.gate.to_json()}
    if not asked.functions:
        return judged(run.gate, title, run.reasons), data
    notes, gate = list(run.differing), run.gate
    seen = {arm for each in gate.findings if each.open or gate.fails(each) for _, arm in each.subject.members}
    if seen:
        words = asked.words_for([name for name in asked.spec.engines if name in seen])
        notes.append(f"to see it locally: {shlex.join(['fwdrev', 'check', '--against', commit[:12], *words])}")
    return judged(run.gate, title, notes), data


def _run(name: str, asked: "Asked") -> tuple[str, "Asked", "GateRun"]:
    """The commit, what is asked for as both sides have it, and what the gate found."""
    from fwdrev.bench.revisions.git_worktree import revision
    from fwdrev.bench.revisions.rounds import against
    from fwdrev.results.gate.run import gate_run

    caution(asked.spec.threads)
    with revision(name, copy=asked.copy, path=asked.path) as opened:
        asked, sides, found = asked.on(opened)
        run = gate_run(
            asked.spec,
            partial(against, sides=sides, inputs=found.points, tolerance=asked.tolerance),
            threshold=asked.threshold,
            find=asked.find,
            lacking=found.lacking,
            allow_missing=asked.allow_missing,
            told=note,
        )
        return sides.commit, asked, run
