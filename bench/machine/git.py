"""Runs git for one project, without the variables that a hook inherits.

Git sets variables for its hooks, aliases and `--exec` commands that name an index and a repository. A git
child that inherits them writes into that index, whatever folder it is given.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from fwdrev.bench.records.reasons import one_line
from fwdrev.modes.errors import InputError

_CONFIGURATION = frozenset({"GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"})
"""The repository variables that git passes on to another one: the user's settings, such as `safe.directory`."""

_WHICH = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR")

_QUIETLY = (
    *("-c", f"core.hooksPath={os.devnull}"),  # a project's hooks after a checkout are not for our worktrees
    *("-c", "core.fsmonitor=false"),  # a daemon would stay in a folder that we remove
    *("-c", "worktree.useRelativePaths=false"),  # it would set an extension in the repository permanently
    *("-c", "submodule.recurse=false"),  # `revisions.checkout` takes them from local repositories, not from the network
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A git project and our place in it.

    `top`: its folder; `inside`: where in it we are, relative; `git_dir`: its repository, or the part of it that belongs
    to this worktree; `variables`: those that git needs to find it, none where walking upwards finds it.
    """

    top: Path
    inside: Path
    git_dir: Path
    variables: Mapping[str, str] = field(default_factory=dict)

    def git(self, *arguments: str, held: Sequence[int] = ()) -> subprocess.CompletedProcess[str]:
        """Run git at the top; see `git`."""
        return git(*arguments, at=self.top, variables=self.variables, held=held)

    @property
    def common_dir(self) -> Path:
        """The repository that all worktrees of the project share."""
        found = self.git("rev-parse", "--git-common-dir")
        return (self.top / found.stdout.removesuffix("\n")).resolve() if found.returncode == 0 else self.git_dir


def project_here() -> Project:
    """The project of the current folder; raises InputError if there is none.

    Git's variables name it where walking upwards does not, as with a bare repository whose working tree is
    elsewhere.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:
        raise InputError("the current folder is gone: go to the project whose revisions are compared") from None
    named = {name: os.environ[name] for name in _WHICH if name in os.environ}
    found, told = _asked(here, {}), _asked(here, named) if named else None
    chosen = _chosen(here, found, told)
    if isinstance(chosen, Project):
        return chosen
    msg = f"{here} is not in a git project ({chosen}): run it where the code is whose revisions are compared"
    raise InputError(msg)


def git(
    *arguments: str, at: Path, variables: Mapping[str, str] | None = None, held: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs git in a folder, with these variables of the repository and no others.

    Git gets its own session, so that Ctrl-C reaches us and does not stop git halfway; `held`: locked files that stay
    locked until git has ended, too.
    """
    program = shutil.which("git")
    if program is None:
        raise InputError("a revision needs git, which is not on the PATH: install it")
    environment = without_repository(os.environ, but=_CONFIGURATION) | {"GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(  # noqa: S603 - git, with arguments that we wrote
        [program, "-C", str(at), *_QUIETLY, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        env=environment | dict(variables or {}),
        pass_fds=tuple(held),
        start_new_session=True,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, os.fsdecode(done.stdout), done.stderr.decode(errors="replace")
    )


def reason(done: subprocess.CompletedProcess[str]) -> str:
    """The reason why git failed, with its advice, in one line."""
    before, sign, after = done.stderr.partition("fatal: ")
    return one_line(after if sign else before) or f"git ended with {done.returncode}"


def without_repository(environment: Mapping[str, str], but: frozenset[str] = frozenset()) -> dict[str, str]:
    """The environment without the variables by which git names a repository, `but` for these."""
    gone = _local_variables(shutil.which("git")) - but
    return {name: value for name, value in environment.items() if name not in gone}


@cache
def _local_variables(program: str | None) -> frozenset[str]:
    """The names of these variables, as git lists them; none without git."""
    if program is None:
        return frozenset()
    asked = subprocess.run([program, "rev-parse", "--local-env-vars"], capture_output=True, text=True, check=False)  # noqa: S603
    return frozenset(asked.stdout.split())


def _asked(here: Path, variables: Mapping[str, str]) -> Project | str:
    """The project that git finds, or the reason why there is none."""
    top = git("rev-parse", "--show-toplevel", at=here, variables=variables)
    its = git("rev-parse", "--absolute-git-dir", at=here, variables=variables)
    for done in (top, its):
        if done.returncode != 0 or not done.stdout.strip():
            return reason(done)
    folder, git_dir = (Path(done.stdout.removesuffix("\n")).resolve() for done in (top, its))
    if not here.resolve().is_relative_to(folder):
        return f"git is told by its variables that the working tree is {one_line(str(folder))}"
    if variables:
        variables = {**variables, "GIT_DIR": str(git_dir), "GIT_WORK_TREE": str(folder)}
    return Project(top=folder, inside=here.resolve().relative_to(folder), git_dir=git_dir, variables=variables)


def _chosen(here: Path, found: Project | str, told: Project | str | None) -> Project | str:
    """The project found by walking upwards, unless the variables name another project or working tree.

    GIT_DIR alone makes git take any folder for the top: a hook that changes to a folder, or to
    another project, does not mean that folder.
    """
    if not isinstance(told, Project):
        return found if isinstance(found, Project) or told is None else told
    if not isinstance(found, Project):
        return told
    if "GIT_WORK_TREE" in os.environ:
        return found if (found.top, found.git_dir) == (told.top, told.git_dir) else told
    return found if found.git_dir == told.git_dir or found.top == here.resolve() else told
