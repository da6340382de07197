"""The record of an A/A test: its first line describes the measurement and the machine, each further line one gate run.

A line holds measurements, not decisions: reading the record decides anew, so that one
record also shows the effect of other thresholds and numbers of rounds.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.bench.records.given_file import content
from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.sides import Delay, delay_of
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.records.whole_file import append_whole, write_whole
from fwdrev.modes.core.arrays import AnyArray
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.sides import Sides
from fwdrev.results.runs.schema import Machine

_STRICT = ConfigDict(extra="forbid", frozen=True)

_DIGITS = 6
"""The decimals of a log ratio: a millionth, far below any noise."""

Size = Annotated[int, Field(ge=1, strict=True)]
Log = Annotated[float, Field(ge=-100, le=100, allow_inf_nan=False)]


class Measured(BaseModel):
    """The rounds of one look: log(head / base) of each arm in each cell, and of the control in each cell."""

    model_config = _STRICT

    cells: list[tuple[Size, Size]]
    arms: list[str]
    logs: list[list[list[Log | None]]] = Field(description="(rounds, cells, arms); null where not measured.")
    control: list[list[Log | None]] = Field(description="(rounds, cells); null where not measured.")

    @classmethod
    def of(cls, sides: Sides) -> "Measured":
        """The plain data of these rounds for a record."""
        control = sides.control.reshape(sides.rounds, -1)
        cells = [(cell.n, cell.m) for cell in sides.cells]
        return cls(cells=cells, arms=list(sides.arms), logs=_plain(sides.logs), control=_plain(control))

    def sides(self) -> Sides:
        """The rounds as a gate takes them; raises InputError if the shapes do not fit together."""
        try:
            logs, control = (np.array(part, dtype=float) for part in (self.logs, self.control))
        except ValueError:
            raise InputError("the rounds of a run differ in length") from None
        return Sides(cells=tuple(Cell(n, m) for n, m in self.cells), arms=tuple(self.arms), logs=logs, control=control)


class RecordedRun(BaseModel):
    """One run of the gate; `delays`: those injected into head, as `injected_delay` reads them; none: identical code."""

    model_config = _STRICT

    delays: list[str] = []
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False, description="Wall time of the whole run.")]
    first: Measured
    again: Measured | None = None

    @property
    def delayed(self) -> list[Delay]:
        """The delays as records."""
        return [delay_of(text) for text in self.delays]


class _Header(BaseModel):
    model_config = _STRICT

    format: Annotated[int, Field(ge=1, le=1)] = 1
    created: str
    machine: Machine
    spec: dict[str, Any]
    point: str | None = None
    commit: str
    threshold: Annotated[float, Field(gt=0, le=10)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """An A/A test read from its record; `point`: MODULE:FUNCTION that makes inputs; `commit` is empty outside git."""

    path: Path
    created: str
    machine: Mapping[str, Any]
    spec: SweepSpec
    point: str | None
    commit: str
    threshold: float
    runs: tuple[RecordedRun, ...]
    warnings: tuple[str, ...] = ()

    def append(self, run: RecordedRun) -> None:
        """Appends a whole line at once; raises InputError if the disk is full."""
        try:
            with self.path.open("rb") as file:
                whole = file.seek(-1, os.SEEK_END) and file.read() == b"\n"  # keep a torn line apart
            append_whole(self.path, ("" if whole else "\n") + run.model_dump_json() + "\n")
        except OSError as error:
            msg = f"cannot write {self.path}: {error.strerror}; what it holds is kept: go on with --resume {self.path}"
            raise InputError(msg) from None


def create(
    path: Path,
    *,
    created: str,
    machine: Mapping[str, Any],
    spec: SweepSpec,
    point: str | None,
    commit: str,
    threshold: float,
) -> Record:
    """Makes a record without runs; raises InputError if the file exists or cannot be written."""
    header = _Header(
        created=created,
        machine=Machine(**machine),
        spec=spec.model_dump(mode="json"),
        point=point,
        commit=commit,
        threshold=threshold,
    )
    try:
        write_whole(path, header.model_dump_json() + "\n", new=True)
    except FileExistsError:
        raise InputError(f"{path} exists: go on with --resume {path}, or give another name") from None
    except OSError as error:
        raise InputError(f"cannot write {path} ({error.strerror}): give a file in a folder that is there") from None
    return load_record(path)


def load_record(path: Path) -> Record:
    """Reads a record; raises InputError if the file is not one. An unreadable run becomes a warning."""
    try:
        lines = content(path).decode("utf-8", errors="replace").split("\n")
    except OSError as error:
        raise InputError(f"cannot read {path} ({error.strerror}): give the file that `fwdrev selftest` wrote") from None
    try:
        header = _Header.model_validate_json(_whole(lines[0]))
        spec = _spec(header)
    except (ValidationError, InputError) as error:
        reason = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        msg = f"{path} is no record of a selftest: {reason}; `fwdrev selftest --out FILE` writes one"
        raise InputError(msg) from None
    runs, warnings = [], []
    for number, line in enumerate(map(_whole, lines[1:]), 2):
        found = _run(line) if line else None
        if isinstance(found, str):
            warnings.append(f"{path}, line {number}: {found}; left out")
        elif found is not None:
            runs.append(found)
    return Record(
        path=path,
        machine=header.machine.model_dump(exclude_unset=True),
        spec=spec,
        runs=tuple(runs),
        warnings=tuple(warnings),
        **header.model_dump(include={"created", "point", "commit", "threshold"}),
    )


def _spec(header: _Header) -> SweepSpec:
    given = dict(header.spec)
    return gate_spec(given, [str(name) for name in given.pop("engines", [])])


def _whole(line: str) -> str:
    """The line without what an editor or a crash put around it."""
    return line.strip("\ufeff\0 \t\r")


def _run(line: str) -> RecordedRun | str:
    """The run, or the reason why the line is not one."""
    try:
        run = RecordedRun.model_validate_json(line)
        for look in (run.first, run.again):
            if look is not None:
                look.sides()
        _ = run.delayed
    except ValidationError as error:
        return str(error.errors()[0]["msg"])
    except InputError as error:
        return str(error)
    return run


def _plain(values: AnyArray) -> Json:
    """NaN becomes None, since JSON has no NaN."""
    rounded = np.round(values, _DIGITS).astype(object)
    rounded[~np.isfinite(values)] = None
    return rounded.tolist()
