"""What the two files of a run may contain: each is checked when it is read, so that nothing else has to.

Files come from anywhere. What passes here is of the right type, finite and in range; the rest is refused or left out.
"""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from fwdrev.bench.cell import WEIGHING, ArmResult, Cell, Observation, Status
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
    multiply_adds: Count
    passes: Count
    bytes_moved: Count
    peak_bytes: Count


class _Program(_Record):
    flops: Count | None = None
    bytes_accessed: Count | None = None
    peak_bytes: Count | None = None


class _Memory(_Record):
    allocated: Count | None = None
    resident: Count | None = None


class _Arm(_Record):
    status: Status
    reason: Text | None = None
    loops: Count = 0
    values: tuple[Positive, ...] = ()
    prepare_seconds: Seconds | None = None
    error: Seconds | None = None
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
    round: Annotated[int, Field(ge=WEIGHING, le=10**6, strict=True)]
    n: Size
    m: Size
    seconds: Seconds | None = None
    arms: dict[Text, _Arm]


class Machine(BaseModel):
    """The fingerprint: what figures and exports read of it, and anything else as it is."""

    model_config = ConfigDict(extra="allow", frozen=True)

    cpu_model_name: Text = "unknown processor"
    platform: Text = "unknown system"
    python_version: Text = "unknown"
    blas: Text = "unknown BLAS"
    threads: Annotated[int, Field(ge=1)] = 1
    versions: dict[Text, Text] = Field(default_factory=dict)


class Manifest(_Record):
    """`manifest.json`; `spec` is checked where a specification is made."""

    format: Annotated[int, Field(ge=1)]
    created: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T[\d:.+Z-]+$", max_length=40)]
    spec: dict[str, Any]
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
    """With the specification spelled out."""

    spec: SweepSpec  # type: ignore[assignment]


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
