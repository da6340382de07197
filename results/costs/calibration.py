"""Calibrations in the user's cache folder: one file for each machine and set of versions.

calibrated(fingerprint(threads=1))     # a Calibration, or None: `fwdrev calibrate` has not been run here
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from fwdrev.bench.records.given_file import content
from fwdrev.bench.records.whole_file import obstacle, status, write_whole
from fwdrev.modes.bracketing.machine_prices import Rates, Seconds, Table
from fwdrev.modes.core.cost import Kind
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError
from fwdrev.results.runs.cache_folder import cache_folder
from fwdrev.results.runs.provenance import deciding
from fwdrev.results.runs.run import Run

KEPT = "calibration.json"
"""The file in the folder of a run whose plans go by seconds."""


_FORMAT = 1

_DAYS = 1e6
"""The largest valid time in seconds: no operation takes that long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Prices of a machine, their date, and the typical relative error of each engine's prediction."""

    seconds: Seconds
    error: Mapping[str, float]
    created: str
    machine: Mapping[str, Any]


_Time = Annotated[float, Field(gt=0, lt=_DAYS, strict=True)] | None

_TIMES: dict[int, TypeAdapter[Json]] = {2: TypeAdapter(list[list[_Time]]), 3: TypeAdapter(list[list[list[_Time]]])}
"""Reads tables with that many axes from a file."""

_Rate = Annotated[float, Field(ge=0, le=_DAYS, allow_inf_nan=False)]


class _Stored(BaseModel):
    """The schema of the file, checked on reading, since it may come from anywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = Field(ge=_FORMAT, le=_FORMAT)
    created: str = Field(max_length=100)
    machine: dict[str, Any]
    tables: dict[str, list[Json]]
    rates: dict[str, dict[str, _Rate]]
    error: dict[str, Annotated[float, Field(ge=0, allow_inf_nan=False)]]


def calibration_path(machine: Mapping[str, Any]) -> Path:
    """The file of the machine with that fingerprint; raises InputError if there is no place for it."""
    decides = json.dumps(deciding(machine), sort_keys=True)
    name = f"calibration-{hashlib.sha256(decides.encode()).hexdigest()[:16]}.json"
    try:
        return cache_folder() / name
    except OSError as error:
        raise _unwritable(name, str(error.strerror)) from None


def calibrated(machine: Mapping[str, Any]) -> Calibration | None:
    """The calibration of that machine; None if it was never calibrated, or its file is unreadable."""
    try:
        return read_calibration(calibration_path(machine))
    except InputError:
        return None


def calibration_of(run: Run) -> Calibration | None:
    """The calibration that planned the run, or else that of the run's machine."""
    kept = run.folder / KEPT
    return read_calibration(kept) if status(kept) is not None else calibrated(run.machine)


def read_calibration(path: Path) -> Calibration:
    """Reads the calibration in that file; raises InputError if it is not one."""
    try:
        stored = _Stored.model_validate_json(content(path))
        tables = {kind: _table(kind, values) for kind, values in stored.tables.items()}
        rates = {name: Rates(**each) for name, each in stored.rates.items()}
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}; run `fwdrev calibrate`") from None
    except (ValidationError, ValueError, TypeError, IndexError, RecursionError):
        raise InputError(f"{path} is no calibration of this version: remove it, and run `fwdrev calibrate`") from None
    return Calibration(
        seconds=Seconds(tables, rates), error=stored.error, created=stored.created, machine=stored.machine
    )


def save_calibration(found: Calibration, path: Path) -> None:
    """Writes it and replaces an older one at once. Raises InputError if it cannot."""
    data = {"format": _FORMAT, "created": found.created, "machine": dict(found.machine), "error": dict(found.error)}
    text = json.dumps(data | found.seconds.to_json(), allow_nan=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text)
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from None


def calibration_place(machine: Mapping[str, Any]) -> Path:
    """The file of that machine, in an existing folder: call this before measuring for it.

    Raises InputError if it cannot be written.
    """
    path = calibration_path(machine)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, str(error.strerror)) from None
    if why := obstacle(path):
        raise _unwritable(path, why)
    return path


def _unwritable(path: Path | str, why: str) -> InputError:
    return InputError(f"cannot write {path}: {why}; set XDG_CACHE_HOME to a folder that can be written")


def _table(kind: str, values: list[Json]) -> Table:
    """The table, with an axis per size of the operation and a measured smallest size, on which all others can build."""
    axes = 3 if kind.startswith((Kind.PUSH, Kind.PULL)) else 2
    smallest: Json = _TIMES[axes].validate_python(values)
    for _ in range(axes):
        smallest = smallest[0]
    if smallest is None:
        raise ValueError(f"{kind}: nothing is known of the smallest size")
    return Table(values)
