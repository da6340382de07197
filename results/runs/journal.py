"""The journal: a run is a folder with `manifest.json` and `journal.jsonl`, one line for each cell and round.

Lines are only ever appended, each flushed and synced before the sweep goes on: whatever kills it, what was measured
stays. Raw values are kept for ever; everything else is computed when a run is read (`results.runs.run`). While a sweep
runs it holds a lock on the journal, which ends with its process.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from fwdrev.bench.records.observation import Observation
from fwdrev.bench.records.reasons import needed
from fwdrev.bench.records.spec import SweepSpec, make_spec
from fwdrev.bench.records.whole_file import status, write_whole
from fwdrev.modes.errors import InputError, SurroundingsError
from fwdrev.results.runs.provenance import check_same
from fwdrev.results.runs.run import JOURNAL, MANIFEST, Run, load
from fwdrev.results.runs.schema import FORMAT, parse_line


class Journal:
    """The open journal of a run."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        """Append to `stream`, which is the file at `path`."""
        self._stream = stream
        self._path = path
        self._size = os.fstat(stream.fileno()).st_size

    def append(self, observation: Observation) -> None:
        """One line, on the disk when this returns.

        Raises SurroundingsError when the disk takes no more, and when the file at `path` is not ours any longer.
        """
        line = json.dumps(observation.to_json(), allow_nan=False) + "\n"
        with needed(f"write to {self._path}"):
            self._stream.write(line)
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._size += len(line.encode())
        if not _is_at(self._stream, self._path) or os.fstat(self._stream.fileno()).st_size != self._size:
            msg = f"{self._path} was moved, removed or changed while it was measured; go on with it where it is now"
            raise SurroundingsError(msg)


@contextmanager
def create(folder: Path, spec: SweepSpec, machine: Mapping[str, Any], *, claimed: bool = False) -> Iterator[Journal]:
    """Make the folder of a new run and open its journal; `claimed`: an empty one was made for it already.

    Raises InputError when the folder exists or cannot be made. It appears at once, with everything in it. A run in
    which nothing was observed leaves no folder.
    """
    created = datetime.now(UTC).isoformat(timespec="seconds")
    with ExitStack() as undo:
        try:
            if not claimed:
                check_new(folder)
            folder.parent.mkdir(parents=True, exist_ok=True)
            made = Path(tempfile.mkdtemp(prefix=".fwdrev-", dir=folder.parent))
            undo.callback(shutil.rmtree, made, ignore_errors=True)
            made.chmod(0o755)
            _write_manifest(made, created, spec, machine)
            (made / JOURNAL).touch()
            stream = _locked(made / JOURNAL, folder)
            made.rename(folder)
        except OSError as error:
            msg = f"cannot write to {folder}: {error.strerror}; give --out a folder that can be written"
            raise InputError(msg) from None
        undo.pop_all()
    try:
        yield Journal(stream, folder / JOURNAL)
    finally:
        # as long as we hold the lock, nothing else can go on with what is removed here
        if os.fstat(stream.fileno()).st_size == 0 and _is_at(stream, folder / JOURNAL):
            shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # whatever could not be written has been reported
            stream.close()


def check_new(folder: Path) -> None:
    """Raises InputError unless nothing is there."""
    if status(folder) is not None:
        raise InputError(
            f"{folder} exists already: give --out a new folder, remove this one, or go on with it by --resume {folder}"
        )


@contextmanager
def reopen(
    folder: Path, changes: Mapping[str, Any], machine: Mapping[str, Any], *, here: bool = True
) -> Iterator[tuple[Journal, Run]]:
    """Go on with a run, `here` or on other machines: its journal, and it with `changes` to its specification.

    Raises InputError when another sweep is at it, or when it was measured on another machine or with other versions:
    its rounds could not be compared. A line that was torn by a kill is cut off.
    """
    load(folder)  # is it a run at all?
    try:
        stream = _locked(folder / JOURNAL, folder)
    except OSError as error:
        raise InputError(f"cannot write to {folder}: {error.strerror}; it can still be read and plotted") from None
    try:
        with needed(f"write to {folder / JOURNAL}"):
            _mend(folder / JOURNAL)
        run = load(folder)
        check_same(folder, run.machine, machine)
        run = replace(run, spec=make_spec(run.spec.model_dump(mode="json") | dict(changes), here=here))
        with needed(f"write to {folder / MANIFEST}"):
            _write_manifest(folder, run.created, run.spec, machine)
        yield Journal(stream, folder / JOURNAL), run
    finally:
        with suppress(OSError):  # whatever could not be written has been reported
            stream.close()


def _write_manifest(folder: Path, created: str, spec: SweepSpec, machine: Mapping[str, Any]) -> None:
    data = {"format": FORMAT, "created": created, "spec": spec.model_dump(mode="json"), "machine": machine}
    write_whole(folder / MANIFEST, json.dumps(data, indent=2) + "\n")


def _locked(path: Path, folder: Path) -> TextIO:
    """The journal, which is there, open to append, held by this process alone."""
    try:
        import fcntl
    except ImportError:
        msg = "measuring needs a POSIX system, such as Linux or macOS: here runs can be read and plotted"
        raise SurroundingsError(msg) from None
    stream = os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC), "a", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        raise InputError(f"another sweep is measuring {folder}: wait until it has ended, or stop it first") from None
    if not _is_at(stream, path):
        stream.close()
        raise InputError(f"{folder} was removed or replaced just now: its sweep had measured nothing; start a new run")
    return stream


def _is_at(stream: TextIO, path: Path) -> bool:
    """Whether that file is still to be found there."""
    try:
        return os.path.samestat(os.fstat(stream.fileno()), path.stat())
    except OSError:
        return False


def _mend(path: Path) -> None:
    """Cut off a last line that is not whole; end one that only lacks its end."""
    data = path.read_bytes()
    whole = data.rfind(b"\n") + 1
    if whole == len(data):
        return
    with path.open("r+b") as stream:
        try:
            parse_line(data[whole:].decode())
        except ValueError:
            stream.truncate(whole)
        else:
            stream.seek(0, os.SEEK_END)
            stream.write(b"\n")
