"""Temporary folders that end with the process; the next process removes those of killed ones.

    with own_folder("against") as own:
        own.path                              # empty except for our record

The record is a file that stays locked while we live; the kernel unlocks it however we end. So a folder belongs to
a dead process exactly if its record can be locked. A git worktree has such a record, too, since its entry in the
repository outlives a temporary folder that the system clears away.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from fwdrev.bench.processes.signals import signals_deferred
from fwdrev.modes.errors import InputError

_RECORD = "fwdrev-owner"
_PREFIXES = ("fwdrev-against-", "fwdrev-itself-")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Record:
    """The leftovers of a dead owner: its folder, or repositories that may hold an entry of it."""

    folder: Path
    repositories: tuple[Path, ...]

    @classmethod
    def of(cls, *, folder: str = "", repositories: Sequence[str] = ()) -> "_Record":
        """Reads a record as written; raises TypeError for anything else."""
        return cls(folder=Path(folder), repositories=tuple(map(Path, repositories)))


@dataclass(slots=True, kw_only=True)
class OwnFolder:
    """`held`: the locked records of the folder and of worktrees; `repositories`: those that may hold our entries.

    The next process needs both if we are killed.
    """

    path: Path
    held: list[IO[str]] = field(default_factory=list)
    repositories: list[str] = field(default_factory=list)

    def announce(self, repository: Path) -> None:
        """Record that git is about to make an entry in that repository for a worktree in this folder."""
        self.repositories.append(str(repository))
        self.held += _held(self.path, {"repositories": self.repositories})

    def claim(self, entry: Path) -> None:
        """Record the entry that git has made, a folder in the repository."""
        self.held += _held(entry, {"folder": str(self.path)})

    @property
    def locks(self) -> list[int]:
        """The locks for a child that works in the folder and may outlive us."""
        return [stream.fileno() for stream in self.held]


@contextmanager
def own_folder(kind: str) -> Iterator[OwnFolder]:
    """Makes a new folder, `fwdrev-KIND-…`, in the system's temporary folder; raises InputError if it cannot."""
    try:
        path = Path(tempfile.mkdtemp(prefix=f"fwdrev-{kind}-")).resolve()
    except OSError as error:
        msg = f"cannot make a temporary folder: {error.strerror}; set TMPDIR to a folder that can be written"
        raise InputError(msg) from None
    own = OwnFolder(path=path)
    try:
        own.held += _held(path, {"repositories": []})
        yield own
    finally:
        with signals_deferred():
            for repository in own.repositories:
                _forget(Path(repository), path)
            _remove(path)
            for stream in own.held:
                stream.close()


def remove_dead(repository: Path | None) -> None:
    """Remove leftovers of our killed processes from the temporary folder and from that repository.

    Ignores what cannot be removed.
    """
    with suppress(OSError):
        for folder in Path(tempfile.gettempdir()).iterdir():
            if folder.name.startswith(_PREFIXES):
                _remove_if_dead(folder.resolve())
    with suppress(OSError):
        for entry in [] if repository is None else list((repository / "worktrees").iterdir()):
            with _dead(entry) as record:
                if record is not None and record.folder.name.startswith(_PREFIXES):
                    _remove_if_dead(record.folder)
                    _drop(entry)


def _remove_if_dead(folder: Path) -> None:
    with _dead(folder) as record:
        if record is not None:
            for repository in record.repositories:
                _forget(repository, folder)
            _remove(folder)


def _held(folder: Path, record: dict[str, Any]) -> list[IO[str]]:
    """Makes a locked record in that folder; none where files cannot be locked, so that its owner never seems dead.

    It is locked before it has its name.
    """
    new = folder / f"{_RECORD}.new"
    try:
        stream = new.open("w", encoding="utf-8")
    except OSError:
        return []
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        json.dump(record, stream)
        stream.flush()
        new.replace(folder / _RECORD)
    except OSError:
        stream.close()
        new.unlink(missing_ok=True)
        return []
    return [stream]


@contextmanager
def _dead(folder: Path) -> Iterator[_Record | None]:
    """The record there, locked meanwhile; None where its owner lives, is another user, or has left none."""
    try:
        stream = (folder / _RECORD).open(encoding="utf-8")
    except OSError:
        yield None
        return
    with stream:
        try:
            own = os.fstat(stream.fileno()).st_uid == os.geteuid() == folder.lstat().st_uid
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            record = _Record.of(**json.load(stream)) if own else None
        except (OSError, ValueError, TypeError):
            record = None
        yield record


def _forget(repository: Path, folder: Path) -> None:
    """Every worktree in that folder, as `git worktree remove` does; it asks for a folder that may be gone."""
    with suppress(OSError):
        for entry in list((repository / "worktrees").iterdir()):
            with suppress(OSError):
                at = Path(os.fsdecode((entry / "gitdir").read_bytes()).strip())
                if at.is_relative_to(folder):
                    _drop(entry)


def _drop(entry: Path) -> None:
    shutil.rmtree(entry, ignore_errors=True)
    with suppress(OSError):  # others are there
        entry.parent.rmdir()


def _remove(folder: Path) -> None:
    """Removes the record last, so that a later process finds whatever is left."""
    with suppress(OSError):
        for path in folder.iterdir():
            if path.name == _RECORD:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        if [path.name for path in folder.iterdir()] in ([], [_RECORD]):
            shutil.rmtree(folder, ignore_errors=True)
