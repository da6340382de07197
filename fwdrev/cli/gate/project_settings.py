"""Where a project keeps `[tool.fwdrev]`: the nearest pyproject.toml upwards that has it, within the git project."""

import glob
import os
from pathlib import Path
from typing import Any

from fwdrev.bench.machine.git import project_here
from fwdrev.bench.records.given_file import toml_of
from fwdrev.bench.records.project_table import ProjectSettings, settings_of
from fwdrev.bench.records.reasons import one_line
from fwdrev.modes.errors import InputError

_FILE = "pyproject.toml"


def project_settings(folder: Path) -> ProjectSettings | None:
    """What holds in the current folder, `folder`; None where nothing says so. Raises InputError with one line.

    As in the command's options, a FILE.py is found from this folder, and `path` and `copy` from the top of git's
    project, or from this folder without one: the table itself says them from where it stands.
    """
    here = folder.resolve()
    # also a file that cannot be read, or a link that leads nowhere: the user is to hear of it
    files = [path for place in (here, *here.parents) if os.path.lexists(path := place / _FILE) and not path.is_dir()]
    top = _top(here) if files else None
    # of the project; where git does not say how far that goes, the nearest
    for path in files[:1] if top is None else [path for path in files if path.is_relative_to(top)]:
        name = one_line(os.path.relpath(path, here))
        tool = toml_of(path, name=name, advice="make it one that can be read").get("tool")
        if isinstance(tool, dict) and "fwdrev" in tool:
            return _from_here(settings_of(tool["fwdrev"], f"{name}, [tool.fwdrev]"), path.parent, here, top)
    return None


def _top(here: Path) -> Path | None:
    """Of the git project, if there is one."""
    try:
        top = project_here().top
    except InputError:
        return None
    return top if here.is_relative_to(top) else None


def _from_here(found: ProjectSettings, home: Path, here: Path, top: Path | None) -> ProjectSettings:
    """The same, from the table's folder `home`, as the options would say it."""
    changes: dict[str, Any] = {"points": [_named(point, home, here) for point in found.points]}
    if found.functions is not None:
        changes["functions"] = [_named(function, home, here) for function in found.functions]
    base = here if top is None else top
    if home != base:
        places = [home / place for place in found.path]
        if home != here:  # what a side imports from without being told, if it is run there
            places += [place for place in (home, home / "src") if place.is_dir() and not place.is_symlink()]
        changes["path"] = [os.path.relpath(place, base) for place in places]
    if top is not None and home != top:
        changes["copy_patterns"] = [_pattern(pattern, home.relative_to(top)) for pattern in found.copy_patterns]
    return found.model_copy(update=changes)


def _named(function: str, home: Path, here: Path) -> str:
    *how, where, name = function.split(":")
    if home == here or not where.endswith(".py"):
        return function
    return ":".join([*how, os.path.relpath(home / where, here), name])


def _pattern(pattern: str, inside: Path) -> str:
    """One without a slash matches in every folder."""
    anywhere = "/" not in pattern.removesuffix("/")
    return pattern if anywhere else f"{glob.escape(str(inside))}/{pattern.removeprefix('/')}"
