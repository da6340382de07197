"""Explains why a revision cannot import what the working tree can, and which option helps.

A checkout has the committed files, and is found by its place. A working tree also has files built or
generated in it, and may be found by an editable install.
"""

import shlex
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from fwdrev.bench.machine.git import git
from fwdrev.bench.revisions.git_worktree import Sides
from fwdrev.bench.revisions.pair import Pair

_BINARY = (".so", ".pyd", ".dylib")


def hint(pair: Pair, arm: str, base: Mapping[str, Any]) -> str | None:
    """The option that lets base import it, too; None unless base fails for a missing file.

    `base`: its answer when it failed with `arm`.
    """
    sides = pair.sides
    if sides is None or not sides.commit:
        return None
    if "file" in base:
        missing = Path(base["file"])
        return _of_file(sides.home, missing.relative_to(sides.base)) if missing.is_relative_to(sides.base) else None
    lacked, own = [str(name) for name in base.get("modules", ())], arm.split(":")[-2:-1]
    asked = list(dict.fromkeys([*lacked, *own]))
    theirs, files = (answer.get("files", {}) for answer in pair.ask({"do": "where", "modules": asked}))
    reasons = (
        _of_module(sides, name, Path(files[name]).resolve() if name in files else None, lacked=name in lacked)
        for name in asked
    )
    told = next((told for told in reasons if told is not None), None)
    hooked = next((name for name in lacked if name in files and theirs.get(name) == files[name]), None)
    if told is not None or hooked is None:
        return told
    return (
        f"an import hook, as some editable installs have, finds {hooked} in {Path(files[hooked]).parent} before the "
        f"path is searched: run the check where {hooked} is not installed (pip uninstall), both sides then have their "
        "own"
    )


def unlike(pair: Pair) -> str | None:
    """The first generated file that head imported and base did without, by its own fallback.

    Without this check, base would run other code than head.
    """
    if pair.sides is None or not pair.sides.commit:
        return None
    base, head = (frozenset(answer.get("files", ())) for answer in pair.ask({"do": "own"}))
    return _first_generated(pair.sides.home, tuple(sorted(head - base)))


@cache
def _first_generated(home: Path, files: tuple[str, ...]) -> str | None:
    return next((told for file in files if (told := _of_file(home, Path(file))) is not None), None)


def _of_module(sides: Sides, name: str, found: Path | None, *, lacked: bool) -> str | None:
    """`found`: its place in head; `lacked`: whether base failed to import this one."""
    inside = found.relative_to(sides.home) if found is not None and found.is_relative_to(sides.home) else None
    absent = next(
        (why for path, why in sides.absent.items() if inside is not None and inside.is_relative_to(path)), None
    )
    if absent is not None or not lacked:
        return absent
    if inside is not None and (generated := _of_file(sides.home, inside)) is not None:
        return generated
    place = _place(sides, name, inside)
    if place is not None:
        return f"the project has {name} in {place}: give --path {shlex.quote(place)}"
    if found is None or inside is not None or found.is_relative_to(sides.head):
        return None
    return (
        f"{name} is installed from {found.parent}, which is not this project: run the check there, "
        "or install this one (pip install -e .)"
    )


def _of_file(home: Path, inside: Path) -> str | None:
    """The option --copy for a file that git ignores, or for the link to a folder that holds it; None for others."""
    inside = next((place for place in reversed(inside.parents) if (home / place).is_symlink()), inside)
    folder, name = (home / inside).parent, inside.name
    if not (home / inside).exists():
        return None
    if git("check-ignore", "--quiet", "--", name, at=folder).returncode == 0:
        binary = inside.suffix in _BINARY
        pattern = str(inside.with_name(f"{name.partition('.')[0]}*{inside.suffix}")) if binary else str(inside)
        what = "was built here" if binary else "is generated"
        same = " (both sides then run the same binary)" if binary else ""
        return f"{inside} {what} and ignored by git: give --copy {shlex.quote(pattern)}{same}"
    return None


def _place(sides: Sides, name: str, inside: Path | None) -> str | None:
    """The folder of the project that the module is imported from, if neither side searches it yet.

    `inside`: its place in head's project.
    """
    first = name.split(".", maxsplit=1)[0]
    if inside is not None:
        files = [str(inside)] if (sides.base / inside).exists() else []
    else:
        files = git("ls-tree", "-r", "-z", "--name-only", "--full-tree", sides.commit, at=sides.home).stdout.split("\0")
    places = [_above(PurePosixPath(file), first) for file in files if inside is not None or file.endswith(".py")]
    known = {Path(), Path("src"), sides.inside, sides.inside / "src", *sides.path}
    new = sorted(str(place) for place in places if place is not None and Path(place) not in known)
    return min(new, key=len, default=None)


def _above(file: PurePosixPath, module: str) -> PurePosixPath | None:
    """The folder that holds that module or package, if the file belongs to one."""
    if file.name == f"{module}.py":
        return file.parent
    return next((parent.parent for parent in file.parents if parent.name == module), None)
