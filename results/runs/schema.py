"""The schema of a run's two files, checked on reading, so that no other code has to check.

Files may come from anywhere. Values that pass have the right type, finite and in range; the rest is refused or dropped.
"""

import json
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, cast

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StringConstraints,
    ValidationError,
    model_validator,
    with_config,
)
from pydantic_core.core_schema import CoreSchema, DataclassSchema

from fwdrev.bench.records.observation import PREPARING, WEIGHING, ArmResult, Cell, Memory, Observation, Status
from fwdrev.modes.core.cost import EngineCost, ProgramCost
from fwdrev.modes.core.problem import LARGEST
from fwdrev.modes.registry import engine_name

FORMAT = 3
"""The version of the two files; raised whenever their meaning changes, and older ones are still read.

1: rounds and the preparing pass. 2: also the memory pass, `seconds`, `program`, `memory` and three more statuses;
the fields of version 1 keep their meaning. 3: also `machine`.
"""

_BREAKS = re.compile("[\t-\r\x1c-\x1f\x85\u2028\u2029]+")
_UNSHOWN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def one_line(text: str) -> str:
    """Line breaks and tabs become a space; letters that XML or UTF-8 forbid, or a terminal obeys, become U+FFFD."""
    return _UNSHOWN.sub("\ufffd", _BREAKS.sub(" ", text))


_LAST_ROUND, _SHORTEST, _LONGEST, _MOST = 10**6, 1e-12, 1e9, 2**63 - 1
"""The bounds of a round's number, of seconds, and of counts."""

Size = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
Count = Annotated[int, Field(ge=0, le=_MOST, strict=True)]
Seconds = Annotated[float, Field(ge=0, le=_LONGEST, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=_SHORTEST, le=_LONGEST, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(max_length=2000, strict=True)]
Words = Annotated[Text, AfterValidator(one_line)]


_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


class _By:
    """Reads a record by the fields of another class, which define its allowed values, and makes it once."""

    def __init__(self, fields: type) -> None:
        """`fields`: a dataclass with the same field names."""
        self._fields = fields

    def __get_pydantic_core_schema__(self, record: type, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The schema of `fields`, for `record`."""
        schema = cast("DataclassSchema", handler.resolve_ref_schema(handler.generate_schema(self._fields)))
        return {**schema, "cls": record}


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """The engine's own counts for one Jacobian."""

    multiply_adds: Annotated[Count, Field(description="Exact for an engine of this package.")]
    passes: Annotated[Count, Field(description="Tangents pushed or cotangents pulled.")]
    bytes_moved: Annotated[Count, Field(description="Operands and results of all products.")]
    peak_bytes: Annotated[Count, Field(description="What is held at once in Jacobians, at most.")]


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """A compiler's own figures for its program."""

    flops: Annotated[Count | None, Field(description="Floating-point operations.")] = None
    bytes_accessed: Annotated[Count | None, Field(description="Memory traffic of its operations.")] = None
    peak_bytes: Annotated[Count | None, Field(description="Arguments, results and temporary arrays.")] = None


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """Peaks in bytes from the preparation on, measured in a separate process."""

    allocated: Annotated[
        Count | None,
        Field(description="What NumPy allocated, as tracemalloc saw it; on a GPU what JAX did, as the device saw it."),
    ] = None
    resident: Annotated[Count | None, Field(description="By how much the process grew.")] = None


@with_config(_STRICT)
@dataclass(frozen=True, slots=True, kw_only=True)
class _Arm:
    """One engine in one cell."""

    status: Status
    reason: Annotated[Words | None, Field(description="Why it was not measured, in one line.")] = None
    loops: Annotated[Count, Field(description="Calls in each timed block.")] = 0
    values: Annotated[tuple[Positive, ...], Field(description="Seconds per call, one value for each timed block.")] = ()
    prepare_seconds: Annotated[Seconds | None, Field(description="To plan, trace and compile.")] = None
    error: Annotated[
        Seconds | None, Field(description="Relative distance of its Jacobian from products by jax.jvp and jax.vjp.")
    ] = None
    cost: Annotated[EngineCost, _By(_Cost)] | None = None
    program: Annotated[ProgramCost, _By(_Program)] | None = None
    memory: Annotated[Memory, _By(_Memory)] | None = None


def _only_measured_arms_have_values(arm: ArmResult) -> ArmResult:
    if arm.values and (arm.status is not Status.MEASURED or not arm.loops):
        raise ValueError("values of an arm that was not measured")
    return arm


class Line(BaseModel):
    """One cell in one round."""

    model_config = _STRICT

    round: Annotated[int, Field(ge=WEIGHING, le=_LAST_ROUND, strict=True)] = Field(
        description=f"From 0; {PREPARING} is the pass that compiles and checks, {WEIGHING} that which measures memory."
    )
    n: Size = Field(description="Inputs.")
    m: Size = Field(description="Outputs.")
    seconds: Seconds | None = Field(default=None, description="What the whole visit took.")
    machine: Annotated[Words, StringConstraints(min_length=1)] | None = Field(
        default=None, description="Where it took place, in a sweep over several machines."
    )
    arms: dict[Text, Annotated[ArmResult, _By(_Arm), AfterValidator(_only_measured_arms_have_values)]] = Field(
        description="By the name of the engine."
    )


class Machine(BaseModel):
    """The fingerprint: the facts that figures and exports read, and all others unchanged."""

    model_config = ConfigDict(extra="allow", frozen=True)

    cpu_model_name: Words = Field(default="unknown processor", description="As the system names it.")
    platform: Words = Field(default="unknown system", description="System, kernel and C library.")
    python_version: Words = Field(default="unknown", description="Of the interpreter, with its word size.")
    blas: Words = Field(default="unknown BLAS", description="The library behind NumPy's matrix products.")
    threads: Annotated[int, Field(ge=1)] = Field(default=1, description="That BLAS and XLA may use.")
    versions: dict[Words, Words] = Field(default_factory=dict, description="Of the packages that matter for the times.")

    @model_validator(mode="after")
    def _finite(self) -> "Machine":
        """Refuse non-finite numbers in unchanged facts, too: reports and exports write JSON, which has none."""
        json.dumps(self.model_extra, allow_nan=False)
        return self


class Manifest(BaseModel):
    """`manifest.json`; making the specification checks `spec`."""

    model_config = _STRICT

    format: Annotated[int, Field(ge=1)] = Field(description="The version of both files; older ones are read.")
    created: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T[\d:.+Z-]+$", max_length=40)] = Field(
        description="When the sweep began, in UTC."
    )
    spec: dict[str, Any] = Field(description="What was to be measured, and how.")
    machine: Machine


def parse_line(text: str) -> Observation:
    """Reads one line of the journal; raises ValueError for anything that no sweep writes.

    Joined files have a byte-order mark in the middle, and a crash may leave zero bytes before a line.
    """
    try:
        line = Line.model_validate_json(text.strip("\ufeff\0\r\n"))
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    arms = {engine_name(name): arm for name, arm in line.arms.items()}
    if len(arms) < len(line.arms):
        raise ValueError("two arms are the same engine")
    cell = Cell(line.n, line.m)
    return Observation(round=line.round, cell=cell, arms=arms, seconds=line.seconds, machine=line.machine)


class PlainArm(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """An arm that was measured, and all went well.

    Earlier versions wrote the seconds to prepare and the error into each round; they are checked here, and not kept.
    """

    status: Literal["measured"] = "measured"
    loops: Annotated[int, msgspec.Meta(ge=1, le=_MOST)]
    values: Annotated[list[Annotated[float, msgspec.Meta(ge=_SHORTEST, le=_LONGEST)]], msgspec.Meta(min_length=1)]
    prepare_seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] | None = None
    error: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] | None = None


class PlainLine(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """A line of a round in which every arm was measured; the same bounds as those of `Line`."""

    round: Annotated[int, msgspec.Meta(ge=0, le=_LAST_ROUND)]
    n: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    m: Annotated[int, msgspec.Meta(ge=1, le=LARGEST)]
    seconds: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST)] | None = None
    machine: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)] | None = None
    arms: dict[str, PlainArm]


_PLAIN = msgspec.json.Decoder(PlainLine)


def plain_line(line: bytes) -> PlainLine | None:
    """Reads most lines of a sweep, in a fifth of the time that `parse_line` takes; None for all others."""
    try:
        return _PLAIN.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
