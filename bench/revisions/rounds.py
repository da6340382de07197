"""Times a revision against the working tree: the same arms of both, paired block by block, in fresh processes.

    with revision("main") as sides, closing(against(spec, sides)) as observations:
        for observation in observations:
            ...                                    # one cell in one round: its arms in base and in head

Beside the requested arms there is `CONTROL`, the same work on both sides: its differences are noise.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from random import Random
from typing import Any

from pyperf import perf_counter

from fwdrev.bench.machine.environment import check_machine
from fwdrev.bench.processes.side_process import ArmLostError
from fwdrev.bench.records.callables import warm_up
from fwdrev.bench.records.gate_spec import points_of
from fwdrev.bench.records.observation import Cell
from fwdrev.bench.records.parsing import all_functions, names_function
from fwdrev.bench.records.sides import CONTROL, Delay, SideObservation, share_of
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.git_worktree import Sides
from fwdrev.bench.revisions.pair import Pair, paired_blocks, started_pair
from fwdrev.bench.revisions.paired_arm import PairedArm, lost_arm, prepared_arm
from fwdrev.modes.errors import InputError

_CONTROL_SHARE = 0.5
"""The control's blocks are shorter: every cell has them, and they take time from the requested arms."""

_FEW_CONTROL_SHARE = 2.0
"""Beside functions they are longer: with few cells, each control must be as precise as the functions."""

_FUNCTION_SECONDS = 0.25
"""The seconds for a function's blocks on one side in one round. A slow one gets fewer blocks: the round is the unit,
and starting it takes a second anyway."""


def against(
    spec: SweepSpec,
    sides: Sides,
    *,
    inputs: str | Mapping[str, str] | None = None,
    delays: Sequence[Delay] = (),
    only: Collection[tuple[Cell, str]] | None = None,
    order: int = 0,
    tolerance: float | None = None,
) -> Generator[SideObservation, None, None]:
    """Yields every round of every cell, in random order; close it to end the processes.

    An arm of `spec.engines` is an engine, or a function of the project (see `revisions.side`), called with what its
    point returns, or with random numbers; `inputs`: the points by function, or as `points_of` reads them. Compiled
    programs are kept with the revision and no longer. `delays` make arms of head
    slower on purpose. `only`: these arms in these cells, and no others. `order`: the seed of all random orders.
    `tolerance`: the allowed relative difference of results; infinite: any; None: what rounding
    explains.
    Raises InputError and UnavailableError if nothing can be measured.
    """
    check_machine(spec)
    if CONTROL in spec.engines:
        raise InputError(
            f"engine {CONTROL!r}: that is what the work is called which both sides share; rename the engine"
        )
    if only is None:
        only = [(cell, name) for cell in spec.cells for name in spec.engines]
    points = inputs if isinstance(inputs, Mapping) else points_of(spec.engines, inputs)
    return _Rounds(spec, sides, points, delays, frozenset(only), order, tolerance).observations()


class _Rounds:
    """All rounds, with their shared state: calls per block, and the arms to skip."""

    def __init__(
        self,
        spec: SweepSpec,
        sides: Sides,
        points: Mapping[str, str],
        delays: Sequence[Delay],
        wanted: Collection[tuple[Cell, str]],
        order: int,
        tolerance: float | None,
    ) -> None:
        self._spec, self._sides, self._points, self._delays = spec, sides, points, delays
        self._wanted, self._drawn, self._tolerance = wanted, f"{spec.seed} {order} {len(wanted)}", tolerance
        self._loops: dict[tuple[Cell, str], int] = {}
        self._seconds: dict[tuple[Cell, str], float] = {}
        self._skips = Skips(spec.engines)
        self._lost: dict[str, PairedArm] = {}

    def observations(self) -> Generator[SideObservation, None, None]:
        for index in range(self._spec.rounds):
            rest = sorted({cell for cell, _ in self._wanted})
            Random(f"{self._drawn} {index}").shuffle(rest)
            while rest:
                with started_pair(self._spec, self._sides, self._modules()) as pair:
                    yield from self._visits(index, rest, pair)

    def _modules(self) -> list[str]:
        """The modules of functions timed before, so that loading them is no risk to other arms."""
        return list(dict.fromkeys(name.split(":")[-2] for _, name in self._loops if names_function(name)))

    def _visits(self, index: int, rest: list[Cell], pair: Pair) -> Generator[SideObservation, None, None]:
        """Visits cells while both sides live; repeats the cell in which one died, without the arm at fault."""
        while rest:
            cell, began = rest[0], perf_counter()
            barred = {
                name: PairedArm(base=arm, head=arm)
                for name, arm in self._skips.barred(cell).items()
                if (cell, name) in self._wanted
            }
            try:
                arms = self._visit(index, cell, pair)
            except ArmLostError as error:
                at_fault = self._skips.open(cell) if error.arm in {None, CONTROL} else [str(error.arm)]
                self._note(cell, lost := dict.fromkeys(at_fault, lost_arm(error)))
                self._lost |= lost
                return
            self._note(cell, arms := barred | self._lost | arms)
            self._lost = {}
            del rest[0]
            base, head = ({name: getattr(arm, side) for name, arm in arms.items()} for side in ("base", "head"))
            yield SideObservation(round=index, cell=cell, base=base, head=head, seconds=perf_counter() - began)

    def _visit(self, index: int, cell: Cell, pair: Pair) -> dict[str, PairedArm]:
        names = [name for name in self._skips.open(cell) if (cell, name) in self._wanted]
        if not names:
            return {}
        pair.ask({"do": "cell", **self._at(cell)})
        arms = {name: self._prepared(index, cell, name, pair) for name in [*names, CONTROL]}
        loops = {name: self._loops[cell, name] for name, arm in arms.items() if arm.good}
        if loops.keys() == {CONTROL}:
            return arms
        rng = Random(f"{self._drawn} {index} {cell.n},{cell.m}")
        values = paired_blocks(pair, loops, {name: self._blocks(cell, name) for name in loops}, rng)
        return arms | {name: arms[name].timed(loops[name], *both) for name, both in values.items()}

    def _prepared(self, index: int, cell: Cell, name: str, pair: Pair) -> PairedArm:
        """The faster side fixes the calls per block, the first time that both are right."""
        arm = prepared_arm(
            pair,
            name,
            self._spec.dtype,
            loops=self._loops.get((cell, name), 0),
            delay=share_of(self._delays, name, cell),
            counted=index == 0,
            tolerance=self._tolerance,
        )
        if arm.good and arm.seconds is not None:
            share = _FEW_CONTROL_SHARE if all_functions(self._spec.engines) else _CONTROL_SHARE
            seconds = self._spec.block_seconds * (share if name == CONTROL else 1)
            self._loops[cell, name] = max(1, round(seconds / max(arm.seconds, 1e-9)))
            self._seconds[cell, name] = arm.seconds
        return arm

    def _blocks(self, cell: Cell, name: str) -> int:
        """The blocks of an arm, even so that each ABBA is whole: the specification's, or fewer for slow functions."""
        if not names_function(name):
            return self._spec.blocks
        loops = self._loops[cell, name]
        block = (loops + warm_up(loops)) * self._seconds[cell, name]
        return min(self._spec.blocks, max(2, 2 * round(_FUNCTION_SECONDS / block / 2)))

    def _note(self, cell: Cell, arms: Mapping[str, PairedArm]) -> None:
        """Take note of failed arms: an arm that failed on either side is not run again."""
        for side in ("base", "head"):
            self._skips.note(cell, {name: getattr(arm, side) for name, arm in arms.items()})

    def _at(self, cell: Cell) -> dict[str, Any]:
        spec = self._spec
        engines = any(not names_function(name) for name in spec.engines)
        return {
            "problem": spec.problem,
            "n": cell.n,
            "m": cell.m,
            "seed": spec.seed,
            "dtype": spec.dtype,
            "wrt": str(spec.wrt),
            "options": spec.options_made if engines else {},
            "points": self._points,
        }
