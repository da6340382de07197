"""Puts the files of a commit into a folder, with those of its submodules, from local repositories: no network."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fwdrev.bench.machine.git import Project, git, reason
from fwdrev.bench.processes.leftovers import OwnFolder
from fwdrev.bench.processes.signals import signals_deferred
from fwdrev.modes.errors import InputError

Absent = dict[str, str]
"""Submodules whose commit is missing locally, by their path in the project, with the reason."""

_LINK = "160000"
"""The mode of a submodule in a tree."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Repository:
    """A project to check out: the first existing folder of `git_dirs` holds its submodules' repositories.

    `here`: the user's own checkout of it, if any; `path`: its place in the project.
    """

    git_dirs: tuple[Path, ...]
    here: Path
    path: str = ""

    def submodules(self, tree: str) -> Iterator[tuple[str, str]]:
        """The path and commit of each submodule in that tree."""
        told = {"GIT_DIR": str(self.git_dirs[0])}
        listed = git("ls-tree", "-r", "-z", "--full-tree", tree, at=self.git_dirs[0], variables=told)
        for line in listed.stdout.split("\0"):
            facts, _, path = line.partition("\t")
            if facts.startswith(_LINK):
                yield path, facts.split()[2]


def check_out(project: Project, commit: str, folder: Path, own: OwnFolder) -> Absent:
    """Put that commit into `folder`, which lies in `own`; returns the submodules that are missing.

    The folder is a worktree, so that code can ask git. If the repository cannot be written, it has the
    files alone. Raises InputError if even that fails.
    """
    own.announce(common := project.common_dir)
    with signals_deferred():
        made = project.git("worktree", "add", "--quiet", "--detach", str(folder), commit, held=own.locks)
        if made.returncode == 0:
            entry = git("rev-parse", "--absolute-git-dir", at=folder).stdout.removesuffix("\n")
            own.claim(Path(entry))
    index = own.path / f"{folder.name}.index"
    if made.returncode != 0 and _files(project.git_dir, commit, folder, index) is not None:
        raise InputError(f"cannot check out {commit[:12]} into {folder}: {reason(made)}")
    top = _Repository(git_dirs=(project.git_dir, common), here=project.top)
    absent: Absent = {}
    _fill(top, commit, folder, index, absent)
    index.unlink(missing_ok=True)
    return absent


def submodules(folder: Path) -> list[str]:
    """The relative paths of checked-out submodules, including nested ones."""
    listed = git("ls-files", "-s", "-z", at=folder).stdout.split("\0")
    links = [line.partition("\t")[2] for line in listed if line.startswith(_LINK)]
    found = [path for path in links if _git_dir(folder / path) is not None]
    return [each for path in found for each in (path, *(f"{path}/{deep}" for deep in submodules(folder / path)))]


def _fill(outer: _Repository, tree: str, folder: Path, index: Path, absent: Absent) -> None:
    """Adds the files of the submodules of `outer` at that commit to `folder`, which holds its own."""
    for path, commit in outer.submodules(tree):
        within = f"{outer.path}{path}"
        git_dir = _git_dir(outer.here / path) or _kept(outer, folder, path)
        if git_dir is None:
            absent[within] = f"the submodule {within} is not checked out here: git submodule update --init {path}"
            continue
        inner = _Repository(git_dirs=(git_dir,), here=outer.here / path, path=f"{within}/")
        (folder / path).mkdir(parents=True, exist_ok=True)
        if _files(git_dir, commit, folder / path, index) is not None:
            absent[within] = f"the submodule {within} has not the commit {commit[:12]}: git -C {within} fetch"
            continue
        _fill(inner, commit, folder / path, index, absent)


def _git_dir(folder: Path) -> Path | None:
    """The repository whose top is that folder."""
    if not (folder / ".git").exists():
        return None
    found = git("rev-parse", "--absolute-git-dir", at=folder)
    return Path(found.stdout.removesuffix("\n")) if found.returncode == 0 else None


def _kept(outer: _Repository, folder: Path, path: str) -> Path | None:
    """The repository of a submodule that was cloned before, by the name that the commit gives it."""
    file = str(folder / ".gitmodules")
    listed = git("config", "--file", file, "-z", "--get-regexp", r"^submodule\..*\.path$", at=folder).stdout
    for line in listed.split("\0"):
        key, _, value = line.partition("\n")
        if value == path:
            name = key.removeprefix("submodule.").removesuffix(".path")
            kept = [at / "modules" / name for at in outer.git_dirs]
            return next((each for each in kept if (each / "HEAD").exists()), None)
    return None


def _files(git_dir: Path, commit: str, folder: Path, index: Path) -> str | None:
    """Write the files by a separate index, which changes nothing in the repository; returns the error, or None."""
    folder.mkdir(exist_ok=True)
    told = {"GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder), "GIT_INDEX_FILE": str(index)}
    index.unlink(missing_ok=True)
    for command in (("read-tree", commit), ("checkout-index", "--all", "--force", "--quiet")):
        done = git(*command, at=folder, variables=told)
        if done.returncode != 0:
            return reason(done)
    return None
