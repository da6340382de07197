"""What the two files of a run may contain: each is checked when it is read, so that nothing else has to.

Files come from anywhere. What passes here is of the right type, finite and in range; the rest is refused or left out.
"""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from fwdrev.bench.cell import PREPARING, WEIGHING, ArmResult, Cell, Observation, Status
from fwdrev.bench.memory import Memory
from fwdrev.bench.spec import SweepSpec
from fwdrev.modes.cost import EngineCost, ProgramCost
from fwdrev.modes.instance import LARGEST

__all__ = ["FORMAT", "Manifest", "parse_line", "published", "schemas"]

FORMAT = 2
"""The version of the two files; raised whenever their meaning changes, and older ones are still read.

1: rounds and the preparing pass. 2: also the weighing pass, `seconds`, `program`, `memory` and three more ways to end;
what a file of version 1 holds means the same in it.
"""

Size = Annotated[int, Field(ge=1, le=LARGEST, strict=True)]
Count = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Seconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Positive = Annotated[float, Field(ge=1e-12, le=1e9, allow_inf_nan=False)]
Text = Annotated[str, StringConstraints(max_length=2000, strict=True)]


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Cost(_Record):
    """The engine's own counts for one Jacobian."""

    multiply_adds: Count = Field(description="Exact for an engine of this package.")
    passes: Count = Field(description="Tangents pushed or cotangents pulled.")
    bytes_moved: Count = Field(description="Operands and results of all products.")
    peak_bytes: Count = Field(description="What is held at once in Jacobians, at most.")


class _Program(_Record):
    """What a compiler says of its program."""

    flops: Count | None = Field(default=None, description="Floating-point operations.")
    bytes_accessed: Count | None = Field(default=None, description="Memory traffic of its operations.")
    peak_bytes: Count | None = Field(default=None, description="Arguments, results and temporary arrays.")


class _Memory(_Record):
    """Peaks in bytes from the preparation on, measured in a process of its own."""

    allocated: Count | None = Field(default=None, description="What NumPy allocated, as tracemalloc saw it.")
    resident: Count | None = Field(default=None, description="By how much the process grew.")


class _Arm(_Record):
    """One engine in one cell."""

    status: Status
    reason: Text | None = Field(default=None, description="Why it was not measured, in one line.")
    loops: Count = Field(default=0, description="Calls in each timed block.")
    values: tuple[Positive, ...] = Field(default=(), description="Seconds per call, one value for each timed block.")
    prepare_seconds: Seconds | None = Field(default=None, description="To plan, trace and compile.")
    error: Seconds | None = Field(
        default=None, description="Relative distance of its Jacobian from products by jax.jvp and jax.vjp."
    )
    cost: _Cost | None = None
    program: _Program | None = None
    memory: _Memory | None = None

    @model_validator(mode="after")
    def _only_measured_arms_have_values(self) -> "_Arm":
        if self.values and (self.status is not Status.MEASURED or not self.loops):
            msg = "values of an arm that was not measured"
            raise ValueError(msg)
        return self


class _Line(_Record):
    """One cell in one round."""

    round: Annotated[int, Field(ge=WEIGHING, le=10**6, strict=True)] = Field(
        description=f"From 0; {PREPARING} is the pass that compiles and checks, {WEIGHING} that which measures memory."
    )
    n: Size = Field(description="Inputs.")
    m: Size = Field(description="Outputs.")
    seconds: Seconds | None = Field(default=None, description="What the whole visit took.")
    arms: dict[Text, _Arm] = Field(description="By the name of the engine.")


class Machine(BaseModel):
    """The fingerprint: what figures and exports read of it, and anything else as it is."""

    model_config = ConfigDict(extra="allow", frozen=True)

    cpu_model_name: Text = Field(default="unknown processor", description="As the system names it.")
    platform: Text = Field(default="unknown system", description="System, kernel and C library.")
    python_version: Text = Field(default="unknown", description="Of the interpreter, with its word size.")
    blas: Text = Field(default="unknown BLAS", description="The library behind NumPy's matrix products.")
    threads: Annotated[int, Field(ge=1)] = Field(default=1, description="That BLAS and XLA may use.")
    versions: dict[Text, Text] = Field(default_factory=dict, description="Of the packages that matter for the times.")


class Manifest(_Record):
    """`manifest.json`; `spec` is checked where a specification is made."""

    format: Annotated[int, Field(ge=1)] = Field(description="The version of both files; older ones are read.")
    created: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T[\d:.+Z-]+$", max_length=40)] = Field(
        description="When the sweep began, in UTC."
    )
    spec: dict[str, Any] = Field(description="What was to be measured, and how.")
    machine: Machine


def parse_line(text: str) -> Observation:
    """One line of the journal; raises ValueError for anything that no sweep would have written."""
    try:
        line = _Line.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    arms = {name: _result(arm) for name, arm in line.arms.items()}
    return Observation(round=line.round, cell=Cell(line.n, line.m), arms=arms, seconds=line.seconds)


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON Schema of `manifest` and of a line of the `journal`, as they are written now."""
    made = {"manifest": _WrittenManifest.model_json_schema(mode="serialization"), "journal": _Line.model_json_schema()}
    head = "https://json-schema.org/draft/2020-12/schema"
    return {
        name: {"$schema": head, "title": f"fwdrev {name}, format {FORMAT}"}
        | {k: v for k, v in one.items() if k != "title"}
        for name, one in made.items()
    }


def published(name: str) -> Path:
    """The file in this package that holds the schema of `manifest` or `journal`; `make schema` writes it."""
    return Path(__file__).with_name(f"{name}.schema.json")


class _WrittenManifest(Manifest):
    """What was to be measured, where and when: the specification is spelled out."""

    spec: SweepSpec = Field(description="What was to be measured, and how.")  # type: ignore[assignment]


_PARTS: dict[str, type] = {"cost": EngineCost, "program": ProgramCost, "memory": Memory}


def _result(arm: _Arm) -> ArmResult:
    record = dict(arm)
    for field, kind in _PARTS.items():
        if record[field] is not None:
            record[field] = kind(**dict(record[field]))
    return ArmResult(**record)


if __name__ == "__main__":
    for schema_name, schema in schemas().items():
        published(schema_name).write_text(json.dumps(schema, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
