"""A git revision beside the working tree: its code in its own worktree, removed after the block.

    with revision("main") as sides:
        sides.base, sides.head                     # the project at that revision, and as it is now

The worktree lies in the system's temporary folder, so that neither side finds the other's modules by walking upwards.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fwdrev.bench.machine.git import Project, git, project_here
from fwdrev.bench.processes.leftovers import OwnFolder, own_folder, remove_dead
from fwdrev.bench.records.reasons import one_line
from fwdrev.bench.revisions.checkout import check_out, submodules
from fwdrev.modes.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sides:
    """Two states of one project.

    `base`: its folder at the revision, whose full name is `commit`; `head`: its folder as it is, uncommitted changes
    included; `inside`: the current folder in it, relative; `scratch`: an empty folder, removed with the base.
    `path`: relative folders of the project from which both sides import; `project`: the user's own copy, if that is
    not `head`; `absent`: the parts missing in base, by path, with the reason.
    """

    base: Path
    head: Path
    inside: Path
    commit: str
    scratch: Path
    path: tuple[Path, ...] = ()
    project: Path | None = None
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """The user's own copy of the project."""
        return self.head if self.project is None else self.project


@contextmanager
def revision(name: str, *, copy: Sequence[str] = (), path: Sequence[str] = ()) -> Iterator[Sides]:
    """A revision of the git project around the current folder as base, and the working tree as head.

    `copy`: patterns of git-ignored files, which base gets too, as they are now; `path`: folders of the project
    from which both sides import. Raises InputError if there is no git, no project, no commit or no such revision,
    and for a pattern or folder without a match.
    """
    project = project_here()
    with _checked_out(project, _commit(name, project), copy, path, twice=False) as sides:
        yield sides


@contextmanager
def itself(name: str = "HEAD", /, *, copy: Sequence[str] = (), path: Sequence[str] = ()) -> Iterator[Sides]:
    """The same revision twice, in two folders of the same depth: differences between the sides are noise.

    Without a git project, two empty folders, from which both sides find installed packages. `copy` and `path` as
    for `revision`; they need a project.
    """
    try:
        project = project_here()
        commit = _commit(name, project)
    except InputError:
        if copy or path:
            raise
        with _prepared("itself", None) as (own, scratch):
            for empty in ("base", "head"):
                (own.path / empty).mkdir()
            yield Sides(base=own.path / "base", head=own.path / "head", inside=Path(), commit="", scratch=scratch)
        return
    with _checked_out(project, commit, copy, path, twice=True) as sides:
        yield sides


@contextmanager
def here() -> Iterator[Sides]:
    """The working tree twice: both sides are the same files. Needs no git."""
    try:
        project = project_here()
        top, inside, git_folder = project.top, project.inside, project
    except InputError:
        top, inside, git_folder = Path.cwd(), Path(), None
    with _prepared("here", git_folder) as (_, scratch):
        yield Sides(base=top, head=top, inside=inside, commit="", scratch=scratch)


@contextmanager
def _checked_out(
    project: Project, commit: str, copy: Sequence[str], path: Sequence[str], *, twice: bool
) -> Iterator[Sides]:
    """That commit as base, and with `twice` also as head, in place of the working tree."""
    places, generated = _places(path, project), _generated(copy, project)
    with _prepared("itself" if twice else "against", project) as (own, scratch):
        base, head = own.path / "base", own.path / "head" if twice else project.top
        absent: Mapping[str, str] = {}
        for side in [base, head] if twice else [base]:
            absent = check_out(project, commit, side, own)
            _copied(generated, project.top, side)
        yield Sides(
            base=base,
            head=head,
            inside=project.inside,
            commit=commit,
            scratch=scratch,
            path=places,
            project=project.top,
            absent=absent,
        )


@contextmanager
def _prepared(kind: str, project: Project | None) -> Iterator[tuple[OwnFolder, Path]]:
    """A new folder with one for scratch in it, after removing the leftovers of dead processes."""
    remove_dead(None if project is None else project.common_dir)
    with own_folder(kind) as own:
        scratch = own.path / "scratch"
        scratch.mkdir()
        yield own, scratch


def _commit(name: str, project: Project) -> str:
    asked = ("rev-parse", "--verify", "--quiet", "--end-of-options")
    found = project.git(*asked, name)
    named = found.stdout.strip()  # with a `^` in front if it means everything not in that commit
    if found.returncode == 0:  # after `:/words`, the suffix would become part of the words
        found = project.git(*asked, f"{named}^{{commit}}")
    if found.returncode == 0 and not named.startswith("^"):
        return found.stdout.strip()
    if project.git("rev-parse", "--verify", "--quiet", "HEAD").returncode != 0:
        msg = f"the git project {project.top} has no commit yet: commit what the working tree is to be compared with"
        raise InputError(msg)
    raise InputError(
        f"unknown revision {one_line(name)!r} of {project.top}: "
        "give a commit, branch or tag (fetch it in a shallow clone)"
    )


def _places(path: Sequence[str], project: Project) -> tuple[Path, ...]:
    """Checks folders of the project; returns them relative to its top."""
    found = []
    for name in path:
        place = (project.top / name).resolve()
        if not name or not place.is_dir() or not place.is_relative_to(project.top):
            msg = f"--path {name!r}: give a folder of the project {project.top}, relative to it, e.g. --path python"
            raise InputError(msg)
        found.append(place.relative_to(project.top))
    return tuple(found)


def _generated(patterns: Sequence[str], project: Project) -> list[str]:
    """The git-ignored files that match, in the project and its submodules: relative paths."""
    if not patterns:
        return []
    inner = submodules(project.top)
    found: list[str] = []
    for pattern in patterns:
        of_top = project.git(*_ignored(pattern)).stdout
        files = [file for file in of_top.split("\0") if file]
        for path in inner:
            of_inner = git(*_ignored(pattern.removeprefix(f"{path}/")), at=project.top / path).stdout
            files += [f"{path}/{file}" for file in of_inner.split("\0") if file]
        if not files:
            raise InputError(
                f"--copy {pattern!r}: git ignores no file of {project.top} that matches; give a pattern of generated "
                "files, relative to the project, e.g. --copy _version.py"
            )
        found += files
    return list(dict.fromkeys(found))


def _ignored(pattern: str) -> list[str]:
    """Asks git; a pattern without a slash matches in every folder, as in `.gitignore`."""
    name = pattern.removesuffix("/")
    place = name.removeprefix("/") if "/" in name else f"**/{name}"
    listed = ("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--full-name")
    return [*listed, "--", f":(top,glob){place}", f":(top,glob){place}/**"]


def _copied(files: Sequence[str], head: Path, base: Path) -> None:
    """Copies them; files of the revision itself stay. A folder that git lists whole, as a link to data, is linked."""
    for file in files:
        old, new = head / file, base / file
        if new.exists() or not (old.is_file() or old.is_dir()):
            continue
        new.parent.mkdir(parents=True, exist_ok=True)
        if old.is_dir():
            new.symlink_to(old.resolve(), target_is_directory=True)
        else:
            shutil.copy2(old, new)
