"""What the commands that judge share: where a judgement is shown, for a person, a program, a CI service and GitHub."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from fwdrev.bench.cli.show import answer, exit_code
from fwdrev.modes.errors import InputError

__all__ = ["JUnitFile", "MarkdownFile", "OnGitHub", "Reports", "reports_of", "tell"]

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
    """Files that could be written when the measuring `began`; `github`: whether annotations are asked for."""

    junit: Path | None
    markdown: Path | None
    summary: Path | None
    github: bool
    began: datetime


def reports_of(*, junit: Path | None, markdown: Path | None, github: bool) -> Reports:
    """To be called before anything is measured, which would be lost with a file that cannot be written.

    Raises InputError for such a file.
    """
    named = os.environ.get(_SUMMARY) if github else None
    summary = Path(named) if named else None
    for option, path in (("--junit", junit), ("--markdown", markdown), (_SUMMARY, summary)):
        if path is not None and (why := _obstacle(path)):
            raise _unwritable(option, path, why)
    if junit is not None and markdown is not None and junit.resolve() == markdown.resolve():
        msg = f"--junit and --markdown are the same file {junit}: give each its own"
        raise InputError(msg)
    return Reports(junit=junit, markdown=markdown, summary=summary, github=github, began=datetime.now(UTC))


def tell(judgement: Any, data: Any, reports: Reports, *, as_json: bool) -> NoReturn:  # noqa: ANN401 - a Judgement, whose module is imported late, and anything JSON
    """Show the judgement, as text or its `data` as JSON, then wherever else was asked; ends with its exit code.

    With JSON the annotations go to standard error: GitHub reads both, and who parses the answer reads one.
    """
    from fwdrev.results.judgement import text_lines
    from fwdrev.results.judgement_github import annotations
    from fwdrev.results.judgement_junit import junit
    from fwdrev.results.judgement_markdown import SUMMARY_LIMIT, markdown

    seconds = max(0.0, (datetime.now(UTC) - reports.began).total_seconds())
    answer(data, text_lines(judgement), as_json=as_json)
    for line in annotations(judgement) if reports.github else ():
        typer.echo(line, err=as_json)
    _write("--junit", reports.junit, lambda: junit(judgement, began=reports.began, seconds=seconds))
    _write("--markdown", reports.markdown, lambda: markdown(judgement))
    _write(_SUMMARY, reports.summary, lambda: markdown(judgement, SUMMARY_LIMIT), mode="a")
    raise typer.Exit(exit_code(judgement.outcome))


def _obstacle(path: Path) -> str:
    """Why it cannot be written, as far as can be told without touching it; empty where nothing speaks against it."""
    folder = path.parent
    try:
        if not folder.is_dir():
            return f"{folder} is no folder"
        if path.is_dir():
            return "it is a folder"
        return "" if os.access(path if path.exists() else folder, os.W_OK) else "there is no permission"
    except OSError as error:
        return str(error.strerror)


def _write(option: str, path: Path | None, text: Callable[[], str], mode: Literal["w", "a"] = "w") -> None:
    """If it was asked for; the answer was shown before."""
    if path is None:
        return
    try:
        with path.open(mode, encoding="utf-8") as stream:
            stream.write(text())
    except OSError as error:
        raise _unwritable(option, path, str(error.strerror)) from None


def _unwritable(option: str, path: Path, why: str) -> InputError:
    return InputError(f"{option}: cannot write {path}: {why}; give a file that can be written, in a folder that exists")
