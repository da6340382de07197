"""The journal: a run is a folder with `manifest.json` and `journal.jsonl`, one line for each cell and round.

Lines are only ever appended, each flushed and synced before the sweep goes on: whatever kills it, what was measured
stays. Raw values are kept for ever; everything else is computed when it is read. While a sweep runs it holds a lock on
the journal, which ends with its process.
"""

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from fwdrev.bench.cell import Cell, Observation
from fwdrev.bench.spec import SweepSpec, make_spec, stored_spec
from fwdrev.modes.errors import InputError
from fwdrev.results.display import Displayed
from fwdrev.results.same_machine import check_same
from fwdrev.results.schema import FORMAT, Manifest, parse_line

__all__ = ["FORMAT", "Journal", "Run", "create", "load", "reopen"]

_MANIFEST, _JOURNAL = "manifest.json", "journal.jsonl"

_MOST_WARNINGS = 5
"""Then only their number is told."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run(Displayed):
    """What a folder holds: its manifest, the observations that could be read, and warnings about the rest."""

    folder: Path
    spec: SweepSpec
    machine: Mapping[str, Any]
    created: str
    observations: tuple[Observation, ...]
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        """One line: there are thousands of values."""
        seen = [o for o in self.observations if o.round >= 0]
        cells, rounds = len({o.cell for o in seen}), len({o.round for o in seen})
        engines = ", ".join(self.spec.engines)
        return f"<Run {str(self.folder)!r}: {self.spec.problem}, {cells} cells, {rounds} rounds; {engines}>"


class Journal:
    """The open journal of a run."""

    def __init__(self, stream: TextIO, path: Path) -> None:
        """Append to `stream`, which is the file at `path`."""
        self._stream = stream
        self._path = path

    def append(self, observation: Observation) -> None:
        """One line, on the disk when this returns; raises InputError when the disk takes no more."""
        try:
            self._stream.write(json.dumps(observation.to_json(), allow_nan=False) + "\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            msg = f"cannot write to {self._path}: {error.strerror}; what it holds already is kept"
            raise InputError(msg) from None


@contextmanager
def create(folder: Path, spec: SweepSpec, machine: Mapping[str, Any]) -> Iterator[Journal]:
    """Make the folder of a new run and open its journal.

    Raises InputError when the folder exists or cannot be made. It appears at once, with everything in it. A run in
    which nothing was observed leaves no folder.
    """
    if folder.exists():
        msg = (
            f"{folder} exists already: give --out a new folder, remove this one, or go on with it by --resume {folder}"
        )
        raise InputError(msg)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    made: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        made.chmod(0o755)
        _write_manifest(made, created, spec, machine)
        stream = _locked(made / _JOURNAL, folder)
        made.rename(folder)
    except OSError as error:
        if made is not None:
            shutil.rmtree(made, ignore_errors=True)
        msg = f"cannot write to {folder}: {error.strerror}; give --out a folder that can be written"
        raise InputError(msg) from None
    try:
        yield Journal(stream, folder / _JOURNAL)
    finally:
        with suppress(OSError):  # whatever could not be written has been reported
            stream.close()
        with suppress(FileNotFoundError):
            if (folder / _JOURNAL).stat().st_size == 0:
                shutil.rmtree(folder)


@contextmanager
def reopen(folder: Path, changes: Mapping[str, Any], machine: Mapping[str, Any]) -> Iterator[tuple[Journal, Run]]:
    """Go on with a run: its journal, and what it holds with `changes` to its specification.

    Raises InputError when another sweep is at it, or when it was measured on another machine or with other versions:
    its rounds could not be compared. A line that was torn by a kill is cut off.
    """
    load(folder)  # is it a run at all?
    try:
        stream = _locked(folder / _JOURNAL, folder)
    except OSError as error:
        msg = f"cannot write to {folder}: {error.strerror}; it can still be read and plotted"
        raise InputError(msg) from None
    with stream:
        _mend(folder / _JOURNAL)
        run = load(folder)
        check_same(folder, run.machine, machine)
        run = replace(run, spec=make_spec(run.spec.model_dump(mode="json") | dict(changes)))
        try:
            _write_manifest(folder, run.created, run.spec, machine)
        except OSError as error:
            msg = f"cannot write to {folder}: {error.strerror}; it can still be read and plotted"
            raise InputError(msg) from None
        yield Journal(stream, folder / _JOURNAL), run


def _write_manifest(folder: Path, created: str, spec: SweepSpec, machine: Mapping[str, Any]) -> None:
    """Whole or not at all."""
    data = {"format": FORMAT, "created": created, "spec": spec.model_dump(mode="json"), "machine": machine}
    new = folder / f"{_MANIFEST}.new"
    with new.open("w", encoding="utf-8") as stream:
        stream.write(json.dumps(data, indent=2) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(folder / _MANIFEST)


def _locked(path: Path, folder: Path) -> TextIO:
    """The journal, open to append, held by this process alone."""
    stream = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.close()
        msg = f"another sweep is measuring {folder}: wait until it has ended, or stop it first"
        raise InputError(msg) from None
    return stream


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


def load(folder: Path | str) -> Run:
    """Read a run; raises InputError when the folder is none. Lines that cannot be read become warnings."""
    folder = Path(folder)
    manifest = _manifest(folder)
    spec = stored_spec(manifest.spec, folder / _MANIFEST)
    observations, warnings = _observations(folder / _JOURNAL, spec)
    return Run(
        folder=folder,
        spec=spec,
        machine=manifest.machine.model_dump(exclude_unset=True),
        created=manifest.created,
        observations=tuple(observations),
        warnings=tuple(warnings),
    )


def _manifest(folder: Path) -> Manifest:
    path = folder / _MANIFEST
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        msg = f"{folder} is not a run: cannot read {_MANIFEST} ({error.strerror}); give the folder that a sweep wrote"
        raise InputError(msg) from None
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{path} is damaged: {where or 'it'}: {first['msg']}; the journal beside it is untouched"
        raise InputError(msg) from None
    if found.format > FORMAT:
        msg = f"{path} has format {found.format!r}: this version of fwdrev reads 1 to {FORMAT}; update fwdrev"
        raise InputError(msg)
    return found


def _observations(path: Path, spec: SweepSpec) -> tuple[list[Observation], list[str]]:
    """Whatever can be read. A line that was torn by a crash, or damaged later, costs itself only."""
    observations: list[Observation] = []
    warnings: list[str] = []
    seen: set[tuple[int, Cell]] = set()
    engines = set(spec.engines)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}; without its journal a run has nothing to show"
        raise InputError(msg) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = parse_line(line)
        except ValueError as error:
            warnings.append(f"{path} line {number} is left out, it cannot be read ({error}): {line[:60]!r}")
            continue
        key = (found.round, found.cell)
        if not spec.may_hold(found.cell) or not engines.issuperset(found.arms) or key in seen:
            warnings.append(f"{path} line {number} is left out, it is no new part of this sweep: {line[:60]!r}")
            continue
        seen.add(key)
        observations.append(found)
    if len(warnings) > _MOST_WARNINGS:
        warnings[_MOST_WARNINGS:] = [f"{path}: {len(warnings) - _MOST_WARNINGS} more lines are left out"]
    return observations, warnings
