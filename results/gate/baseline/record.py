"""A stored baseline as a record: the part of a run, or of a project's functions, to compare later ones with."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.spec import Name, SweepSpec, stored_spec
from fwdrev.modes.core.problem import LARGEST
from fwdrev.modes.errors import InputError
from fwdrev.modes.registry import engine_name
from fwdrev.results.gate.sides import Counts
from fwdrev.results.runs.schema import Count, Machine, Positive, Size, Text
from fwdrev.results.stats.crossing import Crossing, Status
from fwdrev.results.stats.estimate import Estimate, t_quantile
from fwdrev.results.stats.paired_shifts import FEWEST

BASELINE_FORMAT = 2
"""The version of the file; raised whenever its meaning changes, and older ones are still read.

1: engines. 2: also functions of a project, whose ratios are to `CONTROL`, and the memory of a call; fields of
version 1 keep their meaning.
"""

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)

Rounds = Annotated[int, Field(ge=1, le=10**6, description="How many measured it.")]
Arm = Annotated[Text, AfterValidator(engine_name)]
Folder = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]
Ends = tuple[Literal["low", "high"], ...]
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
        """The cell of this entry."""
        return Cell(self.n, self.m)

    @property
    def counts(self) -> Counts:
        """The exact counts."""
        return Counts(**{each.name: getattr(self, each.name) for each in fields(Counts)})

    @property
    def key(self) -> tuple[int, int, str]:
        """The key: unique, and the order of the lines."""
        return self.n, self.m, self.arm


class StoredRatio(BaseModel):
    """Two arms timed side by side in one cell."""

    model_config = _STRICT

    n: Size = Field(description="Inputs.")
    m: Size = Field(description="Outputs.")
    arm: Arm = Field(description="The one whose time is divided.")
    against: Arm = Field(description="The one by whose time it is divided.")
    ratio: float = Field(gt=0, le=1e30, allow_inf_nan=False, description="Of their times, the mean over rounds.")
    error: float = Field(ge=0, le=100, allow_inf_nan=False, description="The standard error of its logarithm.")
    rounds: Annotated[Rounds, Field(ge=FEWEST)] = Field(description="How many measured both.")

    @property
    def key(self) -> tuple[int, int, str, str]:
        """The key: unique, and the order of the lines."""
        return self.n, self.m, self.arm, self.against

    @property
    def estimate(self) -> Estimate:
        """The ratio with its interval."""
        half = float(t_quantile(self.rounds)) * self.error
        return Estimate(point=self.ratio, low=self.ratio * math.exp(-half), high=self.ratio * math.exp(half))


class StoredCrossover(BaseModel):
    """The m at which two arms break even, at one n; without `m`, nowhere in the measured range."""

    model_config = _STRICT

    n: Size = Field(description="Inputs.")
    arm: Arm = Field(description="The one of the two that is named first.")
    against: Arm = Field(description="The other one.")
    cheaper: Arm = Field(description="The arm that is faster below m, or everywhere.")
    m: Place | None = Field(default=None, description="Outputs at which they take the same time.")
    low: Place | None = Field(default=None, description="Where its 95 % interval begins; null for a single round.")
    high: Place | None = Field(default=None, description="Where its 95 % interval ends.")
    open: Ends = Field(default=(), description="Ends of the interval that lie beyond what was measured.")
    rounds: Rounds

    @property
    def key(self) -> tuple[int, str, str]:
        """The key: unique, and the order of the lines; `m` is a result, not a key."""
        return self.n, self.arm, self.against

    @property
    def crossing(self) -> Crossing:
        """The crossover as computed."""
        if self.m is None:
            return Crossing(status=Status.NONE, cheaper=self.cheaper)
        size = Estimate(point=self.m, low=self.low, high=self.high)
        return Crossing(status=Status.FOUND, size=size, open_ends=self.open, cheaper=self.cheaper)


class FunctionSpec(BaseModel):
    """The specification of functions, enough to measure them again in the same project."""

    model_config = _STRICT

    functions: list[Name] = Field(min_length=1, description="As MODULE:FUNCTION.")
    points: list[Name] = Field(default=[], description="As MODULE:FUNCTION: one for all, or one for each.")
    sizes: list[Size] = Field(min_length=1, description="What points get; 1 alone where they take no argument.")
    path: list[Folder] = Field(default=[], description="Folders of the project from which modules are imported.")
    rounds: int = Field(ge=1, le=10_000, description="Fresh processes of each.")
    blocks: int = Field(ge=1, le=10_000, description="Timed blocks in a round, at most.")
    block_seconds: float = Field(gt=0, le=10, allow_inf_nan=False, description="How long a block takes, about.")
    dtype: Name = Field(default="float64", description="Of random inputs, where there is no point.")
    threads: int = Field(default=1, ge=1, le=1024, description="That libraries may use.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Of the order of blocks.")

    @property
    def point(self) -> str | None:
        """The points as the option `--point` takes them."""
        return ",".join(self.points) or None

    @property
    def sweep_fields(self) -> dict[str, Any]:
        """The same as a plane: functions for engines, sizes for inputs, and a single output."""
        same = self.model_dump(include={"rounds", "blocks", "block_seconds", "dtype", "threads", "seed"})
        return {"engines": self.functions, "inputs": self.sizes, "outputs": [1], **same}


class Baseline(BaseModel):
    """The results of a run: counts, ratios of arms, crossovers, and seconds for the machine that measured them."""

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
        """Refuse two lines with one key, as a bad merge leaves them."""
        for key, count in Counter(entry.key for entry in entries).items():
            if count > 1:
                raise ValueError(f"{', '.join(map(str, key))} is there twice")
        return entries

    @model_validator(mode="after")
    def _two_arms(self) -> "Baseline":
        """Refuse ratios of an arm with itself."""
        for arm, against in self.pairs:
            if arm == against:
                raise ValueError(f"{arm} against itself")
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The compared pairs of arms, without repeats."""
        entries: list[StoredRatio | StoredCrossover] = [*self.ratios, *self.crossovers]
        return list(dict.fromkeys((entry.arm, entry.against) for entry in entries))

    @property
    def functions(self) -> FunctionSpec | None:
        """The specification of functions; None for engines."""
        return _functions(self.spec, Path("the baseline"))

    @property
    def sweep(self) -> SweepSpec:
        """The specification; its engines and problem need not be installed here."""
        return sweep_in(self.spec, Path("the baseline"))


def sweep_in(spec: dict[str, Any], path: Path) -> SweepSpec:
    """The specification in a file; raises InputError for an unknown key or a bad value."""
    found = _functions(spec, path)
    return stored_spec(spec if found is None else found.sweep_fields, path)


def _functions(spec: dict[str, Any], path: Path) -> FunctionSpec | None:
    if "functions" not in spec:
        return None
    try:
        return FunctionSpec(**spec)
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}, spec: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def arms_of_both(then: Baseline, now: Baseline) -> dict[tuple[int, int, str], tuple[StoredArm, StoredArm]]:
    """The entries that both have, by their keys."""
    here = {entry.key: entry for entry in now.arms}
    return {entry.key: (entry, here[entry.key]) for entry in then.arms if entry.key in here}
