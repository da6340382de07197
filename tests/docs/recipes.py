"""The recipes of the page on the architecture: their files as modules, their rows in the named tables."""

import re
import sys
from types import ModuleType
from typing import Any

import pytest

from fwdrev.cli.commands import app
from fwdrev.modes import registry
from fwdrev.plots import gallery
from tests.docs.blocks import ROOT

__all__ = ["NEW", "TEXT", "add_rows", "made_module"]

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")

NEW = dict(re.findall(r"New file `([^`]+)`.*?```python\n(.*?)```", TEXT, re.DOTALL))
"""The text of each file that a recipe adds, by its path."""


def made_module(path: str, patch: pytest.MonkeyPatch) -> Any:
    """Makes a module of such a file."""
    name = path.removesuffix(".py").replace("/", ".")
    made = ModuleType(name if name.startswith(("tests", "fwdrev")) else f"fwdrev.{name}")
    patch.setitem(sys.modules, made.__name__, made)
    exec(compile(NEW[path], path, "exec"), vars(made))  # noqa: S102
    return made


def add_rows(patch: pytest.MonkeyPatch) -> None:
    """Adds the page's rows to the tables of engines, problems, figures and commands."""
    names: dict[str, Any] = {}
    for path in NEW:
        if not path.startswith("tests/"):
            names |= vars(made_module(path, patch))
    for table, row in re.findall(r"The row, in (?:the table in )?`([^`]+)`.*?:\s+`([^`]+),`", TEXT):
        if table.startswith("fwdrev/cli/"):
            command, example = eval(row, names)  # noqa: S307 - ours
            patch.setattr(app, "registered_commands", [*app.registered_commands])
            app.command(epilog=f"Example: {example}")(command)
        elif table == "OF_A_RUN":
            patch.setattr(gallery, table, {**gallery.OF_A_RUN, **eval(f"{{{row}}}", names)})  # noqa: S307 - ours
        else:
            kind = {"ENGINES": "engine", "PROBLEMS": "problem"}[table]
            patch.setitem(registry._OURS, kind, {**registry._OURS[kind], **eval(f"{{{row}}}")})  # noqa: S307 - ours
