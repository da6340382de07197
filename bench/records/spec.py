"""The specification of a sweep: everything that decides what to measure and how, in one record.

It comes from the command's options or a TOML file, is checked once, and is stored with the run.
"""

from enum import StrEnum
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
)

from fwdrev.bench.records.given_file import explained, toml_of
from fwdrev.bench.records.machine import total_bytes
from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.parsing import bytes_of, each_once, fraction_of, parse_grid, seconds_of, sizes_of
from fwdrev.modes import registry
from fwdrev.modes.core.chain import Wrt, float_dtype
from fwdrev.modes.core.problem import LARGEST, Problem
from fwdrev.modes.errors import InputError, unknown

_COARSE_ROUNDS = 4
"""The rounds of the coarse grid with which an adaptive sweep begins."""

_BUDGET = 600.0
"""The default budget in seconds: where two engines are equal over a range, no number of rounds reaches a precision."""

_PYPERF_ROUNDS = 20
"""The processes of one benchmark in pyperf."""

Sizes = Annotated[list[int], BeforeValidator(sizes_of)]
Size = Annotated[StrictInt, Field(ge=1, le=LARGEST)]
Whole = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
Finite = Annotated[StrictFloat, Field(allow_inf_nan=False)]
Name = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]+$")]
"""The name of an engine or a problem, as it appears in tables, messages and files."""
Engine = Annotated[Name, AfterValidator(registry.engine_name)]


class Protocol(StrEnum):
    """How to measure a cell: all arms paired in one process, or one after the other by the stock pyperf.Runner."""

    PAIRED = "paired"
    PYPERF = "pyperf"


class Device(StrEnum):
    """The device that JAX computes on."""

    CPU = "cpu"
    GPU = "gpu"


class Planning(StrEnum):
    """The prices of engines that plan: exact operations, or the predicted seconds of a calibrated machine."""

    OPERATIONS = "operations"
    SECONDS = "seconds"


class Effort(StrEnum):
    """The effort, with pyperf's names: half as many processes, the default, or twice as many."""

    FAST = "fast"
    NORMAL = "normal"
    RIGOROUS = "rigorous"


class SweepSpec(BaseModel):
    """What to sweep. Sizes are counts, times are seconds, memory is bytes.

    With a `precision` or a `budget`, the grid is only the start: new outputs m come between the given ones, and rounds
    beyond `rounds`, where the crossover is least certain.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    problem: Name = "driven"
    options: dict[str, StrictBool | Whole | Finite | StrictStr] = Field(default_factory=dict)
    wrt: Wrt = Wrt.THETA
    inputs: Sizes = Field(default_factory=lambda: parse_grid("4:4096:*4"))
    outputs: Sizes = Field(default_factory=lambda: parse_grid("1:1024:*4"))
    engines: Annotated[list[Engine], AfterValidator(each_once)] = Field(
        default_factory=lambda: ["forward", "reverse", "jax-jvp", "jax-vjp"], min_length=1
    )
    rounds: StrictInt = Field(default=10, ge=1, le=10_000)
    blocks: StrictInt = Field(default=10, ge=1, le=10_000)
    block_seconds: float = Field(default=2e-3, gt=0, le=10, allow_inf_nan=False)
    dtype: Name = "float64"
    threads: StrictInt = Field(default=1, ge=1, le=1024)
    device: Device = Device.CPU
    transfers: StrictBool = False
    seed: Whole = Field(default=0, ge=0)
    protocol: Protocol = Protocol.PAIRED
    effort: Effort = Effort.NORMAL
    prices: Planning = Planning.OPERATIONS
    precision: Annotated[float, BeforeValidator(fraction_of)] | None = Field(default=None, ge=0.001, le=1)
    budget: Annotated[float, BeforeValidator(seconds_of)] | None = Field(default=None, ge=1, le=1e6)
    timeout: Annotated[float, BeforeValidator(seconds_of)] = Field(default=300.0, ge=0.1, le=1e6)
    memory_limit: Annotated[int, BeforeValidator(bytes_of)] | None = Field(default=None, ge=2**20, lt=2**62)
    shapes: list[tuple[Size, Size]] | None = Field(  # stored, since a run is read where its problem is not installed
        default=None,
        min_length=1,
        description="Found, not given: the cells (n, m) nearest to the grid, of a problem that does not have every "
        "n × m.",
    )

    @property
    def cells(self) -> list[Cell]:
        """The cells of the plane, in order; only shapes that the problem allows."""
        return [Cell(n, m) for n, m in self.shapes or product(self.inputs, self.outputs)]

    @property
    def sizes_n(self) -> list[int]:
        """The sizes n of the cells, ascending."""
        return self.inputs if self.shapes is None else sorted({n for n, _ in self.shapes})

    @property
    def sizes_m(self) -> list[int]:
        """The sizes m of the cells, ascending; a refined plane gets more in between."""
        return self.outputs if self.shapes is None else sorted({m for _, m in self.shapes})

    @property
    def adaptive(self) -> bool:
        """Whether the sweep refines the plane while measuring."""
        return self.precision is not None or self.budget is not None

    def may_hold(self, cell: Cell) -> bool:
        """Whether a sweep with this specification could have measured that cell."""
        if self.shapes is not None:
            return (cell.n, cell.m) in self.shapes
        if self.adaptive:
            return cell.n in self.inputs and self.outputs[0] <= cell.m <= self.outputs[-1]
        return cell.n in self.inputs and cell.m in self.outputs

    @property
    def options_made(self) -> dict[str, bool | int | float | str]:
        """The options for the problem's factory.

        Where it can put n on either argument (`n_of`), a sweep with respect to x puts it on x.
        """
        options = dict(self.options)
        if self.wrt is Wrt.X and "n_of" in registry.problem_options(self.problem):
            options.setdefault("n_of", "x")
        return options

    def problem_at(self, cell: Cell) -> Problem:
        """The problem of one cell, read-only: an engine that alters the point fails instead of spoiling others."""
        options = self.options_made
        made = registry.problem(self.problem, n=cell.n, m=cell.m, seed=self.seed, dtype=self.dtype, **options)
        for point in (made.x, made.theta):
            if isinstance(point, np.ndarray):  # another package's problem may hold lists that become arrays
                point.setflags(write=False)
        return made


_GIVEN = SweepSpec.model_fields.keys() - {"shapes"}
"""The fields that users give; fwdrev finds the others."""

QUICK: dict[str, Any] = {"inputs": "8:512:*2", "outputs": "4:256:*2", "rounds": 5, "blocks": 5, "block_seconds": 1e-3}
"""The preset of `--quick`: a plane around the crossover of `driven` in less than a minute."""


def make_spec(given: dict[str, Any], *, here: bool = True) -> SweepSpec:
    """The specification with these fields, checked to be measurable: `here`, or elsewhere.

    Names are known, the smallest problem can be made, and the largest Jacobian fits into memory. A problem without
    parameters is differentiated with respect to x unless `wrt` is given. Raises InputError for the first mistake.
    """
    spec = checked_spec(given)
    if "rounds" not in given:
        spec = spec.model_copy(update={"rounds": _default_rounds(spec)})
    if spec.adaptive and spec.budget is None:
        spec = spec.model_copy(update={"budget": _BUDGET})
    if spec.adaptive and spec.protocol is Protocol.PYPERF:
        raise InputError("precision and budget go with protocol paired: pyperf's own runner cannot come back to a cell")
    if spec.transfers and spec.device is Device.CPU:
        raise InputError("transfers: the processor has none to be counted; give device gpu as well, or leave them out")
    for name in spec.engines:
        registry.engine(name)
    float_dtype(spec.dtype)
    spec = spec.model_copy(update={"shapes": _shapes(spec)})
    if here:
        check_memory(spec)
    try:
        n_params = spec.problem_at(spec.cells[0]).chain.n_params
    except MemoryError:
        msg = f"options {spec.options} make the problem too large for this machine: take smaller ones"
        raise InputError(msg) from None
    if n_params or spec.wrt is not Wrt.THETA:
        return spec
    if "wrt" in given:
        raise InputError(f"wrt = theta: problem {spec.problem!r} has no parameters; differentiate it with respect to x")
    return spec.model_copy(update={"wrt": Wrt.X})


def checked_spec(given: dict[str, Any]) -> SweepSpec:
    """The specification with these fields, each of them valid; `make_spec` also checks that it can be measured."""
    return _spec({**given, "shapes": None})


def _shapes(spec: SweepSpec) -> list[tuple[int, int]] | None:
    """The problem's shapes nearest to the cells of the grid, without repeats, in order; None if it allows all."""
    known = registry.problem_options(spec.problem)
    for option in spec.options:
        if option not in known:
            raise unknown(f"option of problem {spec.problem!r}", option, known)
    if registry.shape_rule(spec.problem) is None:
        return None
    if spec.adaptive:
        raise InputError(
            f"precision and budget refine the plane between any two sizes, and problem {spec.problem!r} does not have "
            f"all of them ({registry.problem_shape(spec.problem)}): leave them out"
        )
    grid = product(spec.inputs, spec.outputs)
    return sorted({registry.nearest_shape(spec.problem, n, m, spec.options_made) for n, m in grid})


def _default_rounds(spec: SweepSpec) -> int:
    """The default rounds; fewer for a refined plane, which adds rounds where needed."""
    rounds = _COARSE_ROUNDS if spec.adaptive else spec.rounds
    if spec.protocol is Protocol.PYPERF:
        rounds = _PYPERF_ROUNDS
    return {Effort.FAST: rounds // 2, Effort.NORMAL: rounds, Effort.RIGOROUS: 2 * rounds}[spec.effort]


def stored_spec(given: dict[str, Any], path: Path) -> SweepSpec:
    """The specification of a run; its engines and problem need not be installed where it is read."""
    return _spec(given, where=f"{path}, spec: ")


def read_spec(path: Path) -> dict[str, Any]:
    """The fields in a TOML file; raises InputError if it cannot be read or has an unknown key."""
    fields = toml_of(path, name=f"spec {path}", advice="give the path of a TOML file")
    for key in fields:
        if key not in _GIVEN:
            raise unknown(f"key in {path}:", key, _GIVEN)
    return fields


def _spec(given: dict[str, Any], where: str = "") -> SweepSpec:
    try:
        return SweepSpec(**given)
    except ValidationError as error:
        raise InputError(where + explained(error, kind="option of a sweep", known=_GIVEN)) from None


def check_memory(spec: SweepSpec) -> None:
    """Raises InputError unless four copies of the largest Jacobian fit into this machine's memory."""
    largest = max(spec.cells, key=lambda cell: cell.n * cell.m)
    size, have = largest.n * largest.m * float_dtype(spec.dtype).itemsize, total_bytes()
    if have is not None and 4 * size > have:
        raise InputError(
            f"the largest cell, n = {largest.n} and m = {largest.m}, has a Jacobian of {size / 1e9:.3g} GB, too large "
            f"for this machine ({have / 1e9:.3g} GB): take smaller inputs or outputs"
        )
