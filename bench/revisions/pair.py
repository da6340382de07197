"""Runs both sides on the same processor: loads, checks and times them in turns, never at the same time."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from fwdrev.bench.machine.environment import memory_share, worker_environment
from fwdrev.bench.machine.processors import available_cpus, pinned_cpus
from fwdrev.bench.processes.side_process import ArmLostError, SideProcess, side_path, started
from fwdrev.bench.records.observation import Status
from fwdrev.bench.records.reasons import one_line
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.revisions.git_worktree import Sides
from fwdrev.modes.errors import UnavailableError

_PROGRAM = (str(Path(__file__).resolve().parent / "side.py"),)
"""Always this version's script, whatever the revision has; a real path, so that it is no module of either side."""

_START_SECONDS = 120.0
"""The seconds for a side to load its libraries."""

Answers = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pair:
    """The two processes; `timeout`: seconds for each answer; `sides`: the revisions that they run."""

    base: SideProcess
    head: SideProcess
    timeout: float
    sides: Sides | None = None

    def ask(self, base: Mapping[str, Any], head: Mapping[str, Any] | None = None) -> Answers:
        """Ask each its question, or both the same one, one after the other."""
        return self.base.ask(base, self.timeout), self.head.ask(base if head is None else head, self.timeout)


@contextmanager
def started_pair(spec: SweepSpec, sides: Sides, modules: Sequence[str] = ()) -> Iterator[Pair]:
    """A fresh pair with a shared store of compiled programs.

    `modules`: the project's modules that both loaded before, and may load at the same time.
    Raises UnavailableError if a side cannot load its libraries.
    """
    base, head = (_started(spec, sides, name, modules) for name in ("base", "head"))
    with base as one, head as other:
        for side in (one, other):
            _loaded(side, sides)
        yield Pair(one, other, spec.timeout, sides)


def paired_blocks(
    pair: Pair, loops: Mapping[str, int], blocks: int | Mapping[str, int], rng: Random
) -> dict[str, tuple[list[float], list[float]]]:
    """Seconds per call in each block of base and of head, paired by position.

    `blocks`: of each arm, or the same for all. Two blocks of each at a time, ABBA, so that drift hits both alike. Which
    side begins, and the order of the arms, is random each time. Every block has its own warm-up, since another
    process ran before it.
    """
    values: dict[str, tuple[list[float], list[float]]] = {arm: ([], []) for arm in loops}
    wanted = blocks if isinstance(blocks, Mapping) else dict.fromkeys(loops, blocks)
    for first in range(0, max(wanted.values(), default=0), 2):
        here = [arm for arm in loops if wanted[arm] > first]
        for arm in rng.sample(here, len(here)):
            a = rng.randrange(2)
            for one in (a, 1 - a, 1 - a, a)[: 2 * (wanted[arm] - first)]:
                side = (pair.base, pair.head)[one]
                values[arm][one].append(_seconds(side, arm, loops[arm], pair.timeout))
    return values


def _seconds(side: SideProcess, arm: str, loops: int, timeout: float) -> float:
    answer = side.ask({"do": "run", "arm": arm, "loops": loops}, timeout)
    if "failed" in answer:
        raise ArmLostError(side.name, arm, Status.FAILED, one_line(answer["failed"]))
    return float(answer["seconds"])


def _started(spec: SweepSpec, sides: Sides, name: str, modules: Sequence[str]) -> AbstractContextManager[SideProcess]:
    root, other = (sides.base, sides.head) if name == "base" else (sides.head, sides.base)
    folder = root / sides.inside if (root / sides.inside).is_dir() else root
    environment = worker_environment(spec, sides.scratch)
    path = side_path(root, sides.inside, sides.home, os.environ.get("PYTHONPATH", ""), sides.path)
    environment["PYTHONPATH"] = os.pathsep.join(place for place in path if os.pathsep not in place)
    cpus = pinned_cpus(spec.threads)
    others = [cpu for cpu in available_cpus() if cpu not in cpus][-len(cpus) :] if cpus else []
    start = {
        "root": str(root),
        "other": str(other),
        "path": path,
        "arms": spec.engines,
        "modules": list(modules),
        "loading": others if name == "base" and len(others) == len(cpus) else cpus,
        "cpus": cpus,
        "memory": memory_share(spec, 2),
        "own": any((sides.head / src / "fwdrev" / "__init__.py").exists() for src in (".", "src")),
    }
    return started(name, folder, environment, sides.scratch / f"{name}.log", start, _PROGRAM)


def _loaded(side: SideProcess, sides: Sides) -> None:
    """Wait until a side is ready; raises UnavailableError with its reason in one line."""
    try:
        failed = side.hear(_START_SECONDS).get("failed")
    except ArmLostError as error:
        failed = error.reason
    if failed is not None:
        code = f"the code at {sides.commit[:12]}" if side.name == "base" else "the code of the working tree"
        raise UnavailableError(f"{code} cannot be measured: {one_line(failed)}")
