"""Cells of the plane, and the observations that come back from them.

A *cell* is the problem at one (n, m). An *arm* is an engine that is timed in it. An observation is one worker's result
in one cell: in one round, or in one of the passes before the rounds.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter

from fwdrev.modes.core.cost import EngineCost, ProgramCost

PREPARING = -1
"""The number of the pass before the rounds that compiles programs and checks Jacobians."""

WEIGHING = -2
"""The number of the pass before the rounds that measures memory, in processes that time nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The peak of preparing an engine and calling it once, in bytes beyond those held before.

    `allocated`: by NumPy and Python, as tracemalloc counts, or by JAX on a GPU, as the device counts; `resident`: the
    growth of the process in memory. Small calls grow nothing, since they fit into memory that the process already has.
    """

    allocated: int | None = None
    resident: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """A size of the problem: n inputs, m outputs."""

    n: int
    m: int


class Status(StrEnum):
    """How an arm ended in a cell."""

    MEASURED = "measured"
    WRONG = "wrong"
    FAILED = "failed"
    TIMED_OUT = "timed out"
    OUT_OF_MEMORY = "out of memory"
    CRASHED = "crashed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm in one cell.

    `values`: seconds per call, one for each block, in the order of the blocks, so that arms are paired by position;
    `loops`: calls per block. Of the preparing pass: `prepare_seconds`, to plan, trace and compile; `error`, the largest
    relative deviation found by the check; `cost`, the engine's own counts; `program`, those of its compiler. Of the
    weighing pass: `memory`, its peak. `reason`: why it was not measured, or not checked.
    """

    status: Status
    reason: str | None = None
    loops: int = 0
    values: tuple[float, ...] = ()
    prepare_seconds: float | None = None
    error: float | None = None
    cost: EngineCost | None = None
    program: ProgramCost | None = None
    memory: Memory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One worker's results in one cell, in a round or a pass before.

    `seconds`: the wall time of the visit; `machine`: the one of a cluster where it took place.
    """

    round: int
    cell: Cell
    arms: Mapping[str, ArmResult]
    seconds: float | None = None
    machine: str | None = None

    def to_json(self) -> dict[str, Any]:
        """This record as plain data, without empty fields."""
        known = {"seconds": self.seconds, "machine": self.machine}
        filled = {name: value for name, value in known.items() if value is not None}
        arms = {name: _filled(arm) for name, arm in self.arms.items()}
        return {"round": self.round, "n": self.cell.n, "m": self.cell.m, **filled, "arms": arms}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Observation":
        """The inverse of `to_json`, for a worker's output; `fwdrev.results.runs.schema` reads files."""
        arms = _ARMS.validate_python(data["arms"])
        cell, where = Cell(data["n"], data["m"]), data.get("machine")
        return cls(round=data["round"], cell=cell, arms=arms, seconds=data.get("seconds"), machine=where)


def _filled(arm: ArmResult) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    record = asdict(arm)
    return {f.name: record[f.name] for f in fields(arm) if getattr(arm, f.name) != f.default}


_ARMS = TypeAdapter(dict[str, ArmResult])
