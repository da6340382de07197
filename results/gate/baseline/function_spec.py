"""What a baseline of functions measured, as its file has it: functions, points, sizes, and how they were timed."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from fwdrev.bench.records.spec import Name, Size

__all__ = ["FunctionSpec"]

_PLACE = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")]


class FunctionSpec(BaseModel):
    """Enough to measure them again in the same project."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    functions: list[Name] = Field(min_length=1, description="As MODULE:FUNCTION.")
    points: list[Name] = Field(default=[], description="As MODULE:FUNCTION: one for all, or one for each.")
    sizes: list[Size] = Field(min_length=1, description="What points get; 1 alone where they take no argument.")
    path: list[_PLACE] = Field(default=[], description="Folders of the project from which modules are imported.")
    rounds: int = Field(ge=1, le=10_000, description="Fresh processes of each.")
    blocks: int = Field(ge=1, le=10_000, description="Timed blocks in a round, at most.")
    block_seconds: float = Field(gt=0, le=10, allow_inf_nan=False, description="How long a block takes, about.")
    dtype: Name = Field(default="float64", description="Of random inputs, where there is no point.")
    threads: int = Field(default=1, ge=1, le=1024, description="That libraries may use.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Of the order of blocks.")

    @property
    def point(self) -> str | None:
        """As the option `--point` has it."""
        return ",".join(self.points) or None

    @property
    def sweep_fields(self) -> dict[str, Any]:
        """The same as a plane: functions for engines, sizes for inputs, and no outputs but one."""
        same = self.model_dump(include={"rounds", "blocks", "block_seconds", "dtype", "threads", "seed"})
        return {"engines": self.functions, "inputs": self.sizes, "outputs": [1], **same}
