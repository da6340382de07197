"""What the two files of a run may contain: each is checked when it is read, so that nothing else has to.

Files come from anywhere. What passes here is of the right type, finite and in range; the rest is refused or left out.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from fwdrev.bench.cell import PREPARING, ArmResult, Cell, Observation, Status
from fwdrev.modes.cost import EngineCost
from fwdrev.modes.problem import LARGEST

__all__ = ["Manifest", "parse_line"]

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


class _Arm(_Record):
    status: Status
    reason: Text | None = None
    loops: Count = 0
    values: tuple[Positive, ...] = ()
    prepare_seconds: Seconds | None = None
    error: Seconds | None = None
    cost: _Cost | None = None

    @model_validator(mode="after")
    def _only_measured_arms_have_values(self) -> "_Arm":
        if self.values and (self.status is not Status.MEASURED or not self.loops):
            msg = "values of an arm that was not measured"
            raise ValueError(msg)
        return self


class _Line(_Record):
    round: Annotated[int, Field(ge=PREPARING, le=10**6, strict=True)]
    n: Size
    m: Size
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

    format: int
    created: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}T[\d:.+Z-]+$", max_length=40)]
    spec: dict[str, Any]
    machine: Machine


def parse_line(text: str) -> Observation:
    """One line of the journal; raises ValueError for anything that no sweep would have written."""
    try:
        line = _Line.model_validate_json(text)
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"]) from None
    arms = {
        name: ArmResult(**{**dict(arm), "cost": None if arm.cost is None else EngineCost(**dict(arm.cost))})
        for name, arm in line.arms.items()
    }
    return Observation(round=line.round, cell=Cell(line.n, line.m), arms=arms)
