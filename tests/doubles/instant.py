"""The command without its clocks: a formula replaces measurements in other processes, at once.

with instant():
fwdrev("sweep", "--inputs", "4:4096:*4", "--out", "runs/plane")

Everything else is real: options, plans, journals, statistics, texts, files.
"""

import ast
import math
import re
import sys
from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from importlib import import_module
from io import TextIOBase
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import jax
import pytest
from matplotlib.figure import Figure

from fwdrev.bench.functions.in_process import FunctionTrials
from fwdrev.bench.functions.target import Target
from fwdrev.bench.functions.worker import _Worker
from fwdrev.bench.records.machine import NoiseRound
from fwdrev.bench.records.observation import ArmResult, Cell, Memory, Status
from fwdrev.bench.records.parsing import names_function
from fwdrev.bench.records.sides import CONTROL, Delay, SideObservation, share_of
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.records.trials import Facts, Prepared
from fwdrev.bench.revisions.git_worktree import Sides
from fwdrev.modes.core.engine import Direction
from fwdrev.modes.registry import engine
from tests.doubles.scripted_executor import ScriptedExecutor

__all__ = ["SLOWER", "instant"]

SLOWER = 1.41
"""The slow-down of a function whose code differs in head."""

_NOISE = 0.005
"""The noise of a value, and of a round."""

_SECONDS = 1e-5
"""The time of everything that is compared with itself."""


@contextmanager
def instant() -> Iterator[None]:
    """Replaces the clocks of sweeps, gates, baselines, self-tests, advice and the doctor, but not of calibrations."""
    with pytest.MonkeyPatch.context() as patch:
        for place, double in _DOUBLES.items():
            module, _, name = place.rpartition(".")
            patch.setattr(import_module(f"fwdrev.{module}"), name, double)
        patch.setattr(Figure, "savefig", _drawn)
        yield


def _executor(spec: SweepSpec, _: Path) -> ScriptedExecutor:
    return ScriptedExecutor(spec.engines, _seconds, noise=_NOISE, shift=_NOISE, seed=spec.seed)


def _seconds(name: str, cell: Cell) -> float:
    """The cost of a call plus that of its passes; modes between the two cost as much as the better one."""
    forward, reverse = 5e-6 + 2e-9 * cell.n * (40 + cell.m), 7e-6 + 2.6e-9 * cell.m * (60 + cell.n)
    by = {Direction.FORWARD: forward, Direction.REVERSE: reverse}
    return by.get(engine(name).direction, min(forward, reverse)) * (4 if name.startswith("jax") else 1)


def _against(
    spec: SweepSpec,
    sides: Sides,
    *,
    inputs: str | Mapping[str, str] | None = None,
    delays: Sequence[Delay] = (),
    only: Collection[tuple[Cell, str]] | None = None,
    order: int = 0,
    tolerance: float | None = None,
) -> Generator[SideObservation, None, None]:
    """Both sides take equally long, except for delays and changed functions."""
    del inputs, tolerance
    wanted = [(cell, name) for cell in spec.cells for name in spec.engines] if only is None else only
    changed = {name for _, name in wanted if names_function(name) and _changed(sides, name)}
    slower = {(cell, name): SLOWER if name in changed else 1 + share_of(delays, name, cell) for cell, name in wanted}
    rng = Random(f"{spec.seed} {order} {len(wanted)}")
    for number in range(spec.rounds):
        for cell in sorted({cell for cell, _ in wanted}):
            here = {CONTROL: 1.0} | {name: by for (at, name), by in slower.items() if at == cell}
            head = {name: _timed(_SECONDS * by * (1 + _NOISE * rng.gauss())) for name, by in here.items()}
            base = dict.fromkeys(head, _timed(_SECONDS))
            yield SideObservation(round=number, cell=cell, base=base, head=head, seconds=0.1)


def _timed(seconds: float) -> ArmResult:
    memory = Memory(allocated=0, resident=0)
    return ArmResult(status=Status.MEASURED, loops=1, values=(seconds,) * 4, memory=memory)


def _changed(sides: Sides, name: str) -> bool:
    return _source(sides.base, name) != _source(sides.head, name)


def _source(folder: Path, name: str) -> str:
    """The syntax tree of a project's function, which lacks comments."""
    module, function = name.split(":")[-2:]
    file = next(folder.rglob(f"{re.split('[./]', module.removesuffix('.py'))[-1]}.py"))
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return next(ast.dump(node) for node in tree.body if getattr(node, "name", None) == function)


class _Trials(FunctionTrials):
    """Arms are counted, and have the time and memory that counts predict; none is compiled."""

    spent_seconds = 0.0
    title = ""

    def facts(self, seconds: float = math.inf) -> Facts:
        """Keeps the facts, since every arm's products are those of differences."""
        self._facts = replace(super().facts(seconds), title=self.title)
        return self._facts

    def prepare(self, arm: str, seconds: float = math.inf) -> Prepared:
        """Prepares at once."""
        counted = self._counted[arm]
        products, memory = self._facts.quotient, round(counted.peak_bytes)
        return Prepared(compile_seconds=0.1, memory_bytes=memory, seconds=counted.seconds, products=products)

    def round(self, loops: Mapping[str, int], blocks: int, seed: int, seconds: float = 0.0) -> dict[str, list[float]]:
        """Draws blocks that differ slightly."""
        rng, counted = Random(seed), self._counted
        return {name: [counted[name].seconds * (1 + _NOISE * rng.gauss()) for _ in range(blocks)] for name in loops}


@contextmanager
def _function(target: Target) -> Iterator[FunctionTrials]:
    """Runs the user's function in this process, in double precision where the process would."""
    double = jax.config.jax_enable_x64 or target.dtype == "float64"  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder, jax.enable_x64(double):
        patch.setattr(_Trials, "fresh", True)
        patch.setattr(sys, "path", [*sys.path, str(Path.cwd())])
        worker = _Worker()
        patch.setattr(_Trials, "title", target.what)
        worker.load(asdict(target), 60.0, f"{folder}/ledger")
        yield worker.trials


def _noise(seconds: float) -> tuple[NoiseRound, ...]:
    """The noise of a quiet machine."""
    rng, rounds = Random(0), 10
    arms = [tuple(_SECONDS * (1 + _NOISE * rng.gauss()) for _ in range(20)) for _ in range(2 * rounds)]
    pairs = zip(arms[::2], arms[1::2], strict=True)
    return tuple(NoiseRound(a=a, b=b, pinned=True, seconds=seconds / rounds) for a, b in pairs)


def _drawn(_: Figure, stream: Any, **_options: Any) -> None:
    """Writes a stub instead of drawing a figure, which takes most of its time."""
    stream.write("<svg/>" if isinstance(stream, TextIOBase) else b"<svg/>")


_DOUBLES: dict[str, Callable[..., Any]] = {
    "api.sweep.LocalExecutor": _executor,
    "api.sweep.PyperfExecutor": _executor,
    "bench.functions.in_process.FunctionTrials": _Trials,
    "bench.functions.isolated.function_process": _function,
    "bench.revisions.rounds.against": _against,
    "bench.timing.noise.noise_rounds": _noise,
    "cli.gate.measured_functions.against": _against,
}
