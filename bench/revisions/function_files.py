"""Converts functions named by file, `FILE.py:FUNCTION`, to modules that both sides of a comparison import.

spec, inputs, sides = in_modules(spec, inputs, sides)        # MODULE:FUNCTION, and the folders of each MODULE
"""

from dataclasses import replace
from itertools import takewhile
from pathlib import Path

from fwdrev.bench.records.parsing import each_once, names_function
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.git_worktree import Sides
from fwdrev.modes.errors import InputError


def in_modules(spec: SweepSpec, inputs: str | None, sides: Sides) -> tuple[SweepSpec, str | None, Sides]:
    """The functions of `spec` and their points (`inputs`, separated by commas), with modules in place of files.

    A file of a package is part of it; any other file is a module, whose folder goes on both sides' path.
    Raises InputError for a file that does not exist, or lies outside the project.
    """
    folders: list[Path] = []

    def named(text: str) -> str:
        *how, where, function = text.split(":")
        if not where.endswith(".py"):
            return text
        module, folder = _module(where, sides)
        folders.append(folder)
        return ":".join([*how, module, function])

    names = [named(name) if names_function(name) else name for name in spec.engines]
    each_once(names)
    points = None if inputs is None else ",".join(named(part.strip()) for part in inputs.split(","))
    path = tuple(dict.fromkeys([*sides.path, *folders]))
    return spec.model_copy(update={"engines": names}), points, replace(sides, path=path)


def _module(where: str, sides: Sides) -> tuple[str, Path]:
    """Its dotted name, and the folder in which Python finds it, relative to the project."""
    top = sides.home
    try:
        inside = (top / sides.inside / where).resolve().relative_to(top)
    except ValueError:
        msg = f"{where} is not in the project {top}: name a file of it, or a module as MODULE:FUNCTION"
        raise InputError(msg) from None
    side = next((side for side in (sides.head, sides.base) if (side / inside).is_file()), None)
    if side is None:
        nearby = sorted(path.name for path in (sides.head / inside).parent.glob("*.py"))
        known = f"; there are {', '.join(nearby)}" if nearby else ""
        raise InputError(f"there is no file {where}{known}: give FILE.py:FUNCTION, relative to the current folder")
    above = inside.parents[:-1]  # excluding the project itself
    packages = list(takewhile(lambda folder: (side / folder / "__init__.py").is_file(), above))
    folder = packages[-1].parent if packages else inside.parent
    parts = inside.relative_to(folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts), folder
