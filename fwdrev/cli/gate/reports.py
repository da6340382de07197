"""What the commands that judge share: where a report is shown, for a person, a program, a CI service and GitHub."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from fwdrev.bench.records.whole_file import append_whole, obstacle, write_whole
from fwdrev.cli.common.exit_codes import EXIT_USAGE
from fwdrev.cli.common.show import answer, exit_code, note
from fwdrev.modes.errors import InputError

if TYPE_CHECKING:
    from fwdrev.results.gate.verdicts.report import GateReport


JUnitFile = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write a JUnit file, for a CI service.")
]
MarkdownFile = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write Markdown, for a pull request's comment.")
]
OnGitHub = Annotated[
    bool,
    typer.Option("--github", help="Print GitHub's annotations; add Markdown to the step's summary, if there is one."),
]

_SUMMARY = "GITHUB_STEP_SUMMARY"
"""Where GitHub says to which file the summary of a step is to be added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reports:
    """Files that could be written when the measuring `began`; `github`: whether annotations are asked for.

    `clock` is when it began by a clock that cannot be set, as the one on the wall can.
    """

    junit: Path | None
    markdown: Path | None
    summary: Path | None
    github: bool
    began: datetime
    clock: float


def reports_of(*, junit: Path | None, markdown: Path | None, github: bool) -> Reports:
    """To be called before anything is measured, which would be lost with a file that cannot be written.

    Raises InputError for such a file.
    """
    named = os.environ.get(_SUMMARY) if github else None
    summary = Path(named) if named else None
    for option, path in (("--junit", junit), ("--markdown", markdown), (_SUMMARY, summary)):
        if path is not None and (why := obstacle(path)):
            raise _unwritable(option, path, why)
    if junit is not None and markdown is not None and junit.resolve() == markdown.resolve():
        raise InputError(f"--junit and --markdown are the same file {junit}: give each its own")
    return Reports(
        junit=junit, markdown=markdown, summary=summary, github=github, began=datetime.now(UTC), clock=monotonic()
    )


def tell(report: "GateReport", data: dict[str, Any], reports: Reports, *, as_json: bool) -> NoReturn:
    """Write the report wherever that was asked for, then show it, as text or its `data` as JSON.

    Files come first, in case the text cannot be shown; one that fails stops nothing, and is no verdict. With JSON the
    annotations go to standard error: GitHub reads both, and a program that parses the answer reads one.
    """
    from fwdrev.results.gate.verdicts.github import annotations
    from fwdrev.results.gate.verdicts.report import text_lines

    lost = _written(report, reports)
    code = exit_code(report.outcome) or (EXIT_USAGE if lost else 0)
    answer(data | ({"exit_code": code} if lost else {}), text_lines(report), as_json=as_json)
    for line in annotations(report) if reports.github else ():
        print(line, file=sys.stderr if as_json else sys.stdout, flush=True)
    for why in lost:
        note(f"fwdrev: {why}")
    raise typer.Exit(code)


def _written(report: "GateReport", reports: Reports) -> list[str]:
    """Each file that was asked for, whatever became of the others; returns what could not be written, and why."""
    from fwdrev.results.gate.verdicts.junit import junit
    from fwdrev.results.gate.verdicts.markdown import SUMMARY_LIMIT, markdown

    seconds = max(0.0, monotonic() - reports.clock)
    writers: list[tuple[str, Path | None, Callable[[Path], None]]] = [
        ("--junit", reports.junit, lambda path: write_whole(path, junit(report, began=reports.began, seconds=seconds))),
        ("--markdown", reports.markdown, lambda path: write_whole(path, markdown(report))),
        (_SUMMARY, reports.summary, lambda path: append_whole(path, markdown(report, SUMMARY_LIMIT))),
    ]
    lost = []
    for option, path, write in writers:
        if path is not None:
            try:
                write(path)
            except OSError as error:
                lost.append(str(_unwritable(option, path, str(error.strerror))))
    return lost


def _unwritable(option: str, path: Path, why: str) -> InputError:
    return InputError(f"{option}: cannot write {path}: {why}; give a file that can be written, in a folder that exists")
