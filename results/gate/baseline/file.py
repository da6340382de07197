"""A stored baseline: what a run showed, small enough to be kept in a repository and read in a diff.

    save_baseline(baseline_of(run), Path("baseline.json"))
    load_baseline(Path("baseline.json")).arms[0].multiply_adds

One line for each arm in a cell, each pair of arms in a cell and each crossover, in a fixed order: what changed is what
a diff shows. No names of hosts, no paths, and of raw values only what a comparison needs.
"""

import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fwdrev.bench.records.given_file import content
from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.spec import SweepSpec, stored_spec
from fwdrev.bench.records.whole_file import write_whole
from fwdrev.modes.core.problem import LARGEST
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import engine_name
from fwdrev.results.gate.baseline.function_spec import FunctionSpec
from fwdrev.results.gate.sides import Counts
from fwdrev.results.runs.schema import Count, Machine, Positive, Size, Text
from fwdrev.results.stats.crossing import Crossing, Status
from fwdrev.results.stats.estimate import Estimate, t_quantile
from fwdrev.results.stats.paired_shifts import FEWEST

__all__ = [
    "BASELINE_FORMAT",
    "Baseline",
    "StoredArm",
    "StoredCrossover",
    "StoredRatio",
    "baseline_text",
    "load_baseline",
    "save_baseline",
]

BASELINE_FORMAT = 2
"""The version of the file; raised whenever its meaning changes, and older ones are still read.

1: of engines. 2: also of functions of a project, whose ratios are those to `CONTROL`, and the memory of a call; what a
file of version 1 holds means the same in it.
"""

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)

Rounds = Annotated[int, Field(ge=1, le=10**6, description="How many measured it.")]
Arm = Annotated[Text, AfterValidator(engine_name)]
Place = Annotated[float, Field(ge=1, le=LARGEST, allow_inf_nan=False)]


class StoredArm(BaseModel):
    """One arm in one cell."""

    model_config = _STRICT

    n: Size = Field(description="Inputs.")
    m: Size = Field(description="Outputs.")
    arm: Arm = Field(description="The name of the engine, or of the function.")
    multiply_adds: Count | None = Field(default=None, description="Of one Jacobian, as the engine counts them.")
    passes: Count | None = Field(default=None, description="Tangents pushed or cotangents pulled.")
    flops: Count | None = Field(default=None, description="Operations, as the engine's compiler counts them.")
    bytes_accessed: Count | None = Field(default=None, description="Memory traffic, as its compiler counts it.")
    seconds: Positive | None = Field(default=None, description="One call: the mean over rounds of their medians.")
    memory: Count | None = Field(default=None, description="Bytes that one call of a function took, at most.")

    @property
    def cell(self) -> Cell:
        """Where."""
        return Cell(self.n, self.m)

    @property
    def counts(self) -> Counts:
        """Those that are exact."""
        return Counts(
            multiply_adds=self.multiply_adds,
            passes=self.passes,
            flops=self.flops,
            bytes_accessed=self.bytes_accessed,
        )


class StoredRatio(BaseModel):
    """Two arms that were timed side by side in one cell."""

    model_config = _STRICT

    n: Size = Field(description="Inputs.")
    m: Size = Field(description="Outputs.")
    arm: Arm = Field(description="The one whose time is divided.")
    against: Arm = Field(description="The one by whose time it is divided.")
    ratio: Annotated[float, Field(gt=0, le=1e30, allow_inf_nan=False)] = Field(
        description="Of their times, the mean over rounds."
    )
    error: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] = Field(
        description="The standard error of its logarithm."
    )
    rounds: Annotated[Rounds, Field(ge=FEWEST)] = Field(description="How many measured both.")

    @property
    def estimate(self) -> Estimate:
        """With its interval."""
        half = float(t_quantile(self.rounds)) * self.error
        return Estimate(point=self.ratio, low=self.ratio * math.exp(-half), high=self.ratio * math.exp(half))


class StoredCrossover(BaseModel):
    """Where two arms break even in m, at one n; without `m`, nowhere in the measured range."""

    model_config = _STRICT

    n: Size = Field(description="Inputs.")
    arm: Arm = Field(description="The one of the two that is named first.")
    against: Arm = Field(description="The other one.")
    cheaper: Arm = Field(description="The arm that is faster below m, or everywhere.")
    m: Place | None = Field(default=None, description="Outputs at which they take the same time.")
    low: Place | None = Field(default=None, description="Where its 95 % interval begins; null for a single round.")
    high: Place | None = Field(default=None, description="Where its 95 % interval ends.")
    open: tuple[Literal["low", "high"], ...] = Field(
        default=(), description="Ends of the interval that lie beyond what was measured."
    )
    rounds: Rounds

    @property
    def crossing(self) -> Crossing:
        """As it was computed."""
        if self.m is None:
            return Crossing(status=Status.NONE, cheaper=self.cheaper)
        size = Estimate(point=self.m, low=self.low, high=self.high)
        return Crossing(status=Status.FOUND, size=size, open_ends=self.open, cheaper=self.cheaper)


class Baseline(BaseModel):
    """What a run showed: counts, ratios of arms, crossovers, and seconds for the machine that measured them."""

    model_config = _STRICT

    format: Annotated[int, Field(ge=1, le=BASELINE_FORMAT)] = Field(
        default=BASELINE_FORMAT, description="The version of the file; older ones are read."
    )
    created: Annotated[str, Field(max_length=40)] = Field(description="When the run began, in UTC.")
    machine: Machine = Field(description="The fingerprint of the machine that measured it.")
    spec: dict[str, Any] = Field(description="What was measured, and how: enough to measure it again.")
    arms: tuple[StoredArm, ...] = Field(description="Every arm in every cell: exact counts, and seconds.")
    ratios: tuple[StoredRatio, ...] = Field(description="The time of one arm ÷ that of another, in every cell.")
    crossovers: tuple[StoredCrossover, ...] = Field(description="Where two arms break even.")

    @field_validator("arms", "ratios", "crossovers")
    @classmethod
    def _once(cls, entries: Sequence[Any]) -> Sequence[Any]:
        """Two lines for one thing are what a merge gone wrong leaves."""
        seen: set[tuple[Any, ...]] = set()
        for entry in entries:
            key = _key(entry)
            if key in seen:
                msg = f"{', '.join(str(part) for part in key)} is there twice"
                raise ValueError(msg)
            seen.add(key)
        return entries

    @model_validator(mode="after")
    def _two_arms(self) -> "Baseline":
        """An arm has no ratio with itself."""
        for arm, against in self.pairs:
            if arm == against:
                msg = f"{arm} against itself"
                raise ValueError(msg)
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The arms that are compared with each other, each pair once."""
        ratios, crossovers = ([(e.arm, e.against) for e in self.ratios], [(e.arm, e.against) for e in self.crossovers])
        return list(dict.fromkeys(ratios + crossovers))

    @property
    def functions(self) -> FunctionSpec | None:
        """What was measured of functions; None of engines."""
        return _functions(self.spec, Path("the baseline"))

    @property
    def sweep(self) -> SweepSpec:
        """What was measured; its engines and problem need not be installed here."""
        return _sweep(self.spec, Path("the baseline"))


def _functions(spec: dict[str, Any], path: Path) -> FunctionSpec | None:
    """Raises InputError for a key or a value that such a specification does not have."""
    if "functions" not in spec:
        return None
    try:
        return FunctionSpec(**spec)
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{path}, spec: {'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
        raise InputError(msg) from None


def _sweep(spec: dict[str, Any], path: Path) -> SweepSpec:
    found = _functions(spec, path)
    return stored_spec(spec, path) if found is None else stored_spec(found.sweep_fields, path)


def baseline_text(baseline: Baseline) -> str:
    """The file: the same baseline always gives the same text, whatever the order of its entries."""
    parts = ",\n".join(f"{json.dumps(name)}: {_part(baseline, name)}" for name in Baseline.model_fields)
    return f"{{\n{parts}\n}}\n"


def _part(baseline: Baseline, name: str) -> str:
    """Facts by name and records in order, a line for each; anything else as it is."""
    value = getattr(baseline, name)
    if isinstance(value, tuple):
        records = [entry.model_dump(mode="json", exclude_defaults=True) for entry in sorted(value, key=_key)]
        return _lines("[", map(_plain, records), "]")
    if isinstance(value, Machine):
        value = value.model_dump(mode="json", exclude_unset=True)
    if isinstance(value, dict):
        return _lines("{", [f"{_plain(key)}: {_plain(value[key], sort_keys=True)}" for key in sorted(value)], "}")
    return _plain(value)


def _lines(begin: str, lines: Iterable[str], end: str) -> str:
    inside = ",\n".join(f"  {line}" for line in lines)
    return f"{begin}\n{inside}\n{end}" if inside else f"{begin}{end}"


def _plain(value: Any, *, sort_keys: bool = False) -> str:  # noqa: ANN401 - anything JSON
    return json.dumps(value, allow_nan=False, sort_keys=sort_keys)


def _key(entry: StoredArm | StoredRatio | StoredCrossover) -> tuple[Any, ...]:
    """What there is one of; also the order of the lines. `m` of a crossover is a result."""
    m = () if isinstance(entry, StoredCrossover) else (entry.m,)
    against = () if isinstance(entry, StoredArm) else (entry.against,)
    return (entry.n, *m, entry.arm, *against)


def save_baseline(baseline: Baseline, path: Path, *, force: bool = False) -> None:
    """Write it, whole or not at all.

    Raises InputError where the file exists, unless `force` lets it be replaced, or cannot be written.
    """
    try:
        write_whole(path, baseline_text(baseline), new=not force)
    except FileExistsError:
        msg = f"{path} exists already: --force replaces it, or give another file"
        raise InputError(msg) from None
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}; give a file in a folder that can be written"
        raise InputError(msg) from None


def load_baseline(path: Path) -> Baseline:
    """Read it; raises InputError where the file is none, is damaged, or is of a later version of fwdrev."""
    try:
        text = content(path).decode("utf-8", errors="replace")
    except OSError as error:
        msg = f"cannot read {path} ({error.strerror}): give the file that `fwdrev baseline RUN -o FILE` wrote"
        raise InputError(msg) from None
    try:
        data = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:  # of JSON, of numbers and depths beyond measure
        raise _refused(path, str(error)) from None
    given = data.get("format") if isinstance(data, dict) and "ratios" in data else None
    if isinstance(given, int) and given > BASELINE_FORMAT:  # it may have fields that we do not know
        msg = f"{path} has format {given}: this version of fwdrev reads 1 to {BASELINE_FORMAT}; update fwdrev"
        raise InputError(msg)
    try:
        found = Baseline.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _refused(path, f"{where or 'it'}: {first['msg']}") from None
    _sweep(found.spec, path)
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """What has two values by one name was put together by a merge."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        msg = f"{next(name for name in names if names.count(name) > 1)!r} is there twice"
        raise ValueError(msg)
    return found


def _refused(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is no baseline, or damaged: {reason}; write it anew by `fwdrev baseline RUN -o FILE`")
