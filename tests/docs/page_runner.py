"""Runs a page: its Python as one program, its commands in one folder, its settings through our own parsers.

Python and commands run in this process, and scripts replace measuring (see `tests.doubles.instant`). If a block begins
with a comment that names a file, or stands below a sentence that does ("New file `…`"), it is that file.
"""

import contextlib
import io
import os
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import pytest
import typer
import yaml
from typer.main import get_command

from fwdrev.bench import make_spec
from fwdrev.bench.cluster.scheduler import ClusterFile
from fwdrev.bench.records.project_table import settings_of
from fwdrev.cli.commands import app
from tests.command import fwdrev, modules_kept
from tests.docs.blocks import ROOT, Block, blocks, difference
from tests.doubles.instant import instant
from tests.github_runner import ACTION

__all__ = ["USAGE_ERROR", "Page", "parse", "words_of"]

Prepare = Callable[[Block], None]

USAGE_ERROR: type[Any] = typer.BadParameter.__mro__[1]

_EXACT = {"explain", "problems", "engines", "--version", "--help"}
"""Commands that measure nothing: every number of their output must match the page."""

_UNTIMED = re.compile(r"(?s)^(?!.*(advise\((?!.*measure=False)|calibrate|sweep))")
"""Matches Python that measures nothing."""

_ENDS = {"check": {0, 1, 3}, "doctor": {0, 3}}
"""The exit codes of valid answers, where 0 is not the only one."""


class Page:
    """`not_run`: patterns of command lines that are parsed only; `shorter`: words with quicker replacements.

    `ran` and `parsed` list blocks, or lines of blocks, by what happened to them.
    """

    def __init__(self, path: Path, folder: Path, not_run: Sequence[str], shorter: dict[str, str]) -> None:
        """Prepares a page for this folder, which may hold files that the page assumes."""
        self._path, self._folder, self._not_run, self._shorter = path, folder, not_run, shorter
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._program: list[str] = []
        self.ran: list[str] = []
        self.parsed: list[str] = []

    def run(self, before: Prepare = lambda _: None) -> None:
        """Runs every block in order; raises AssertionError with the line of any difference from the page."""
        with _user(self._folder), instant():
            for block in blocks(self._path):
                before(block)
                self._run(block)

    def _run(self, block: Block) -> None:
        where = f"{str(self._path).removeprefix(f'{ROOT}/')}:{block.line}"
        match block.language:
            case "python":
                printed, measured = self._python(block, where), not _UNTIMED.match(block.text)
                self.ran.append(where)
                shown = "".join(block.output) or "".join(f"{line}\n" for line in _prints(block.text))
                _check(shown, printed, where, measured=measured)
            case "sh":
                self._kept_as(re.findall(r"\bin `(\w+\.py)`", block.before))
                self._commands(block.text, "".join(block.output), where)
            case "console":
                for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
                    line, _, shown = part.partition("\n")
                    self._commands(line, shown, where)
            case "toml" | "yaml":
                {"toml": _toml, "yaml": _yaml}[block.language](block.text)
                self.ran.append(where)
                self._written(block)
            case "":
                return
            case "text" if block.text.startswith("Usage: "):
                return  # the command makes it, and another test checks it
            case language:
                pytest.fail(f"{where}: {language or 'no'} block: an output follows what prints it, in its section")

    def _kept_as(self, names: Sequence[str]) -> None:
        """The Python so far, where the sentence above a command says in which file it is, unless that is there."""
        for path in (self._folder / name for name in names):
            if not path.exists():
                path.write_text("\n".join(self._program), encoding="utf-8")

    def _written(self, block: Block) -> bool:
        """Writes the block to its file, if it is one; returns whether it is."""
        named = re.match(r"# ([\w/.-]+\.(?:py|toml))\b", block.text)
        if named is None and block.text.startswith("[tool.fwdrev]"):
            named = re.match(r"(.*)", "pyproject.toml")
        if named is None:
            return False
        (self._folder / named[1]).write_text(block.text, encoding="utf-8")
        return True

    def _python(self, block: Block, where: str) -> str:
        """Runs the block, unless it is a file, and returns its output."""
        code = compile("\n" * (block.line - 1) + block.text, where.partition(":")[0], "exec")
        if self._written(block) or re.search(r"New file `|above the table", block.before):
            return ""
        self._program.append(block.text)
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(code, self._names)  # noqa: S102 - ours
        return out.getvalue()

    def _commands(self, text: str, shown: str, where: str) -> None:
        printed, errors, measured, whole = "", "", False, True
        for words in words_of(text):
            line = shlex.join(words)
            _check_known(words, where)
            if any(re.search(pattern, line) for pattern in self._not_run):
                self.parsed.append(f"{where}: {line}")
                whole = False
                continue
            for longer, short in self._shorter.items():
                line = line.replace(longer, short)
            out, told = _command(shlex.split(line), where)
            printed, errors = printed + out, errors + told
            measured |= words[1] not in _EXACT
            self.ran.append(f"{where}: {line}")
        if shown and whole and difference(shown, errors, measured=measured):
            _check(shown, printed, where, measured=measured)


def _check_known(words: Sequence[str], where: str) -> None:
    """Checks that `fwdrev` accepts the line, and that targets of make and scripts exist."""
    assert words[0] in {"dask", "fwdrev", "git", "make", "pip", "pyperf", "python", "sh", "srun", "taskset"}, (
        f"{where}: {words[0]}"
    )
    if words[0] == "fwdrev":
        parse(words)
    if words[0] == "make":
        assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"{where}: no {words[1]}"
    assert all((ROOT / word).is_file() for word in words if word.startswith(("benchmarks/", "examples/"))), where


def _command(words: list[str], where: str) -> tuple[str, str]:
    """Runs a command, and returns both its streams."""
    if words[0] == "fwdrev":
        done = fwdrev(*words[1:])
        assert done.returncode in _ENDS.get(words[1], {0}), f"{where}: {shlex.join(words)}\n{done.stdout}{done.stderr}"
        return done.stdout, done.stderr
    assert words[0] == "python", f"{where}: {shlex.join(words)}: it is run nowhere"
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(io.StringIO()) as out:
        patch.setattr(sys, "argv", words[1:])
        if words[1] == "-c":
            exec(words[2], {})  # noqa: S102 - ours
        else:
            patch.syspath_prepend(str((ROOT / words[1]).parent))
            runpy.run_path(str(ROOT / words[1]), run_name="__main__")
    return out.getvalue(), ""


def _check(shown: str, printed: str, where: str, *, measured: bool) -> None:
    if shown and (differs := difference(shown, printed, measured=measured)):
        pytest.fail(f"{where}: the page shows something else than what is printed now\n{differs}")


def _prints(code: str) -> list[str]:
    """The output that comments promise."""
    return re.findall(r"# prints (.*)$", code, re.MULTILINE)


def words_of(text: str) -> list[list[str]]:
    """The lines of a shell block, split into words."""
    lines = text.replace("\\\n", " ").replace("python -m fwdrev", "fwdrev").replace(" && ", "\n").splitlines()
    return [words for line in lines if (words := shlex.split(line, comments=True))]


def parse(words: Sequence[str]) -> None:
    """Parses as the command would, without running anything; raises for unknown words."""
    group: Any = get_command(app)
    context = group.context_class(group, info_name="fwdrev")
    command = group.commands.get(words[1])
    assert command is not None or words[1] in {"--version", "--help"}, words
    if command is not None:
        command.make_context(words[1], list(words[2:]), parent=context)


def _toml(text: str) -> None:
    """Reads a table of a pyproject.toml, the description of a cluster, or the specification of a sweep."""
    table = tomllib.loads(text)
    if "tool" in table:
        settings_of(table["tool"]["fwdrev"], "pyproject.toml")
    elif "class" in table:
        ClusterFile(**table)
    elif "project" in table:
        assert set(table["project"]["entry-points"]) <= {"fwdrev.engines", "fwdrev.problems"}
    else:
        make_spec(table)


def _yaml(text: str) -> None:
    """Reads a workflow, or a part of one: our action must have the inputs that it sets."""
    whole = yaml.safe_load(text)
    jobs = whole.get("jobs", {"": whole})
    for step in [step for job in jobs.values() for step in job.get("steps", ())]:
        if step.get("uses", "").startswith("OWNER/fwdrev@"):
            assert set(step.get("with", {})) <= set(ACTION["inputs"])


@contextlib.contextmanager
def _user(folder: Path) -> Iterator[None]:
    """Enters that folder, with JAX's defaults; forgets modules from there afterwards."""
    with pytest.MonkeyPatch.context() as patch, modules_kept():
        patch.chdir(folder)
        patch.setattr(sys, "path", ["", *sys.path])
        for name in [name for name in os.environ if name.startswith("JAX_")]:
            patch.delenv(name)
        patch.setenv("BROWSER", "true")
        with jax.enable_x64(False):  # noqa: FBT003 - JAX's own signature
            yield
