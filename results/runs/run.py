"""Reads a run from its folder: the manifest, and every readable line of the journal.

run = load("runs/today")
run.observations, run.warnings
"""

import gc
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fwdrev.bench.records.given_file import content, opened
from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.spec import SweepSpec, stored_spec
from fwdrev.modes.errors import InputError
from fwdrev.results.display import Displayed
from fwdrev.results.runs.observations import Collector, Observations
from fwdrev.results.runs.schema import FORMAT, Manifest, parse_line, plain_line

MANIFEST, JOURNAL = "manifest.json", "journal.jsonl"
"""The files in the folder of a run."""

_MOST_WARNINGS = 5
"""The most warnings about single lines; beyond, only their number is reported."""

_LONGEST = 2**25
"""The most bytes of a line, more than a sweep ever writes."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run(Displayed):
    """The content of a folder: its manifest, the readable observations, and warnings about the rest."""

    folder: Path
    spec: SweepSpec
    machine: Mapping[str, Any]
    created: str
    observations: Sequence[Observation]
    warnings: tuple[str, ...]

    def __repr__(self) -> str:
        """One line, since a run has thousands of values."""
        seen = Observations.of(self.observations)
        cells, rounds = len(seen.cells), len(seen.rounds)
        engines = ", ".join(self.spec.engines)
        return f"<Run {str(self.folder)!r}: {self.spec.problem}, {cells} cells, {rounds} rounds; {engines}>"


def load(folder: Path | str) -> Run:
    """Reads a run; raises InputError if the folder is not one. Unreadable lines become warnings.

    A sweep over a cluster may have one run, which is read, or several in its folder: then give the folder of one.
    """
    folder, *others = runs_in(Path(folder))
    if others:
        names = ", ".join(run.name for run in (folder, *others))
        msg = f"{folder.parent} has a run for each of {1 + len(others)} types of machine: give one of them, such as"
        raise InputError(f"{msg} {folder} (there are {names})")
    manifest = _manifest(folder)
    spec = stored_spec(manifest.spec, folder / MANIFEST)
    collects = gc.isenabled()
    gc.disable()  # records have no cycles, and searching millions for cycles takes as long as reading them
    try:
        observations, warnings = _observations(folder / JOURNAL, spec)
    finally:
        if collects:
            gc.enable()
    return Run(
        folder=folder,
        spec=spec,
        machine=manifest.machine.model_dump(exclude_unset=True),
        created=manifest.created,
        observations=observations,
        warnings=tuple(warnings),
    )


def runs_in(folder: Path) -> list[Path]:
    """The run's own folder, or the folders of the runs in it: a sweep over a cluster has one for each machine type."""
    inside = [] if (folder / MANIFEST).exists() else sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))
    return inside or [folder]


def go_on(folder: Path) -> str:
    """The command that measures what a run lacks."""
    return f"go on with: fwdrev sweep --resume {shlex.quote(str(folder))}"


def _manifest(folder: Path) -> Manifest:
    path = folder / MANIFEST
    try:
        text = content(path).decode("utf-8", errors="replace")
    except OSError as error:
        msg = f"{folder} is not a run: cannot read {MANIFEST} ({error.strerror}); give the folder that a sweep wrote"
        raise InputError(f"{msg}, or write one with: fwdrev sweep --quick --out FOLDER") from None
    try:
        found = Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f"{path} is damaged: {where or 'it'}: {first['msg']}; restore it, the journal beside it is untouched"
        raise InputError(msg) from None
    if found.format > FORMAT:
        msg = f"{path} has format {found.format!r}: this version of fwdrev reads 1 to {FORMAT}; update fwdrev"
        raise InputError(msg)
    return found


def _observations(path: Path, spec: SweepSpec, *, may_repeat: bool = False) -> tuple[Observations, list[str]]:
    """All readable lines; a line torn by a crash, or damaged later, becomes a warning.

    Only if a round has a cell twice, which no sweep writes, it reads again and looks for that in each line.
    """
    collector, warnings, seen = Collector(), list[str](), set[object]()
    engines = frozenset(spec.engines)

    def belongs(n: int, m: int, *names: str) -> bool:
        return spec.may_hold(Cell(n, m)) and engines.issuperset(names)

    known = cache(belongs)
    for number, line in _lines(path):
        plain = plain_line(line)
        if plain is not None and known(plain.n, plain.m, *plain.arms):
            key = plain.round, plain.n, plain.m
            if not may_repeat or key not in seen:
                if may_repeat:
                    seen.add(key)
                collector.add_plain(plain)
                continue
        text = line.strip(b"\0\r\n").decode("utf-8", errors="replace")
        try:
            found = parse_line(text)
        except ValueError as error:
            warnings.append(f"{path} line {number} is left out, it cannot be read ({error}): {text[:60]!r}")
            continue
        of = found.machine if found.round < 0 else None
        other = found.round, found.cell.n, found.cell.m, *filter(None, [of])
        if other in seen or not known(found.cell.n, found.cell.m, *found.arms):
            warnings.append(f"{path} line {number} is left out, it is no new part of this sweep: {text[:60]!r}")
            continue
        seen.add(other)
        collector.add(found)
    observations = collector.collected()
    if not may_repeat and observations.repeat:
        return _observations(path, spec, may_repeat=True)
    if len(warnings) > _MOST_WARNINGS:
        warnings[_MOST_WARNINGS:] = [f"{path}: {len(warnings) - _MOST_WARNINGS} more lines are left out"]
    return observations, warnings


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The non-empty lines with their numbers, one at a time, since the file may be large."""
    try:
        with opened(path) as stream:
            for number, line in enumerate(iter(partial(stream.readline, _LONGEST), b""), start=1):
                if len(line) > 1 and not line.isspace():
                    yield number, line
                if len(line) == _LONGEST:  # no sweep writes such long lines
                    return
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}; a run is read from its journal: restore it, or sweep anew"
        raise InputError(msg) from None
