"""The journal: a run is a folder with `manifest.json` and `journal.jsonl`, one line for each cell and round.

Lines are only ever appended, each flushed and synced before the sweep goes on: whatever kills it, what was measured
stays. Raw values are kept for ever; everything else is computed when it is read.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from pydantic import ValidationError

from fwdrev.bench.cell import Cell, Observation
from fwdrev.bench.spec import SweepSpec, stored_spec
from fwdrev.modes.errors import InputError
from fwdrev.results.schema import Manifest, parse_line

__all__ = ["FORMAT", "Journal", "Run", "create", "load"]

FORMAT = 1
"""The version of the two files; raised whenever their meaning changes, and older ones are still read."""

_MANIFEST, _JOURNAL = "manifest.json", "journal.jsonl"

_MOST_WARNINGS = 5
"""Then only their number is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What a folder holds: its manifest, the observations that could be read, and warnings about the rest."""

    folder: Path
    spec: SweepSpec
    machine: Mapping[str, Any]
    created: str
    observations: tuple[Observation, ...]
    warnings: tuple[str, ...]


class Journal:
    """The open journal of a run."""

    def __init__(self, stream: TextIO) -> None:
        """Append to `stream`."""
        self._stream = stream

    def append(self, observation: Observation) -> None:
        """One line, on the disk when this returns; raises InputError when the disk takes no more."""
        try:
            self._stream.write(json.dumps(observation.to_json(), allow_nan=False) + "\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            msg = f"cannot write to {self._stream.name}: {error.strerror}; what it holds already is kept"
            raise InputError(msg) from None


@contextmanager
def create(folder: Path, spec: SweepSpec, machine: Mapping[str, Any]) -> Iterator[Journal]:
    """Make the folder of a new run and open its journal.

    Raises InputError when the folder exists or cannot be made. A run in which nothing was observed leaves no folder.
    """
    manifest = {
        "format": FORMAT,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "spec": spec.model_dump(mode="json"),
        "machine": machine,
    }
    if folder.exists():
        msg = f"{folder} exists already: give --out a new folder, or remove this one"
        raise InputError(msg)
    try:
        folder.mkdir(parents=True)
        (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        stream = (folder / _JOURNAL).open("a", encoding="utf-8")
    except OSError as error:
        msg = f"cannot write to {folder}: {error.strerror}; give --out a folder that can be written"
        raise InputError(msg) from None
    try:
        yield Journal(stream)
    finally:
        with suppress(OSError):  # whatever could not be written has been reported
            stream.close()
        with suppress(FileNotFoundError):
            if (folder / _JOURNAL).stat().st_size == 0:
                shutil.rmtree(folder)


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
    if found.format != FORMAT:
        msg = f"{path} has format {found.format!r}: this version of fwdrev reads 1 to {FORMAT}; update fwdrev"
        raise InputError(msg)
    return found


def _observations(path: Path, spec: SweepSpec) -> tuple[list[Observation], list[str]]:
    """Whatever can be read. A line that was torn by a crash, or damaged later, costs itself only."""
    observations: list[Observation] = []
    warnings: list[str] = []
    seen: set[tuple[int, Cell]] = set()
    cells, engines = set(spec.cells), set(spec.engines)
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
        if found.cell not in cells or not engines.issuperset(found.arms) or key in seen:
            warnings.append(f"{path} line {number} is left out, it is no new part of this sweep: {line[:60]!r}")
            continue
        seen.add(key)
        observations.append(found)
    if len(warnings) > _MOST_WARNINGS:
        warnings[_MOST_WARNINGS:] = [f"{path}: {len(warnings) - _MOST_WARNINGS} more lines are left out"]
    return observations, warnings
