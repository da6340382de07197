"""The journal: a run is a folder with `manifest.json` and `journal.jsonl`, one line for each cell and round.

Lines are only ever appended, each flushed and synced before the sweep goes on: whatever kills it, what was measured
stays. Raw values are kept for ever; everything else is computed when it is read.
"""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from fwdrev.bench.cell import Observation
from fwdrev.bench.spec import SweepSpec, make_spec
from fwdrev.modes.errors import InputError

__all__ = ["FORMAT", "Journal", "Run", "create", "load"]

FORMAT = 1
"""The version of the two files; raised whenever their meaning changes, and older ones are still read."""

_MANIFEST, _JOURNAL = "manifest.json", "journal.jsonl"


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
        """One line, on the disk when this returns."""
        self._stream.write(json.dumps(observation.to_json(), allow_nan=False) + "\n")
        self._stream.flush()
        os.fsync(self._stream.fileno())


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
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
        (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
        stream = (folder / _JOURNAL).open("a", encoding="utf-8")
    except FileExistsError:
        msg = f"{folder} exists already: give --out a new folder, or remove this one"
        raise InputError(msg) from None
    except OSError as error:
        msg = f"cannot write to {folder}: {error.strerror}; give --out a folder that can be written"
        raise InputError(msg) from None
    try:
        with stream:
            yield Journal(stream)
    finally:
        if (folder / _JOURNAL).stat().st_size == 0:
            shutil.rmtree(folder)


def load(folder: Path | str) -> Run:
    """Read a run; raises InputError when the folder is none. Lines that cannot be read become warnings."""
    folder = Path(folder)
    manifest = _manifest(folder)
    observations, warnings = _observations(folder / _JOURNAL)
    return Run(
        folder=folder,
        spec=make_spec(manifest["spec"]),
        machine=manifest["machine"],
        created=manifest["created"],
        observations=tuple(observations),
        warnings=tuple(warnings),
    )


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / _MANIFEST
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{folder} is not a run: cannot read {_MANIFEST} ({error.strerror}); give the folder that a sweep wrote"
        raise InputError(msg) from None
    except ValueError as error:
        msg = f"{path} is damaged: {error}; the journal beside it is untouched"
        raise InputError(msg) from None
    if not isinstance(found, dict) or not {"format", "spec", "machine", "created"} <= found.keys():
        msg = f"{path} is not a manifest of fwdrev: it lacks format, created, spec or machine"
        raise InputError(msg)
    if found["format"] != FORMAT:
        msg = f"{path} has format {found['format']!r}: this version of fwdrev reads 1 to {FORMAT}; update fwdrev"
        raise InputError(msg)
    return found


def _observations(path: Path) -> tuple[list[Observation], list[str]]:
    """Whatever can be read. A line that was torn by a crash, or damaged later, costs itself only."""
    observations, warnings = [], []
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}; without its journal a run has nothing to show"
        raise InputError(msg) from None
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            observations.append(Observation.from_json(json.loads(line)))
        except (ValueError, KeyError, TypeError, AttributeError):
            warnings.append(f"{path} line {number} cannot be read and is left out: {line[:60]!r}")
    return observations, warnings
