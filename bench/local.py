"""The local executor: worker processes on this machine, one at a time while anything is timed."""

import dataclasses
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from fwdrev.bench.cell import PREPARING, ArmResult, Cell, Observation, Status
from fwdrev.bench.request import Request
from fwdrev.bench.spec import SweepSpec
from fwdrev.modes.errors import InputError

__all__ = ["LocalExecutor", "available_cpus"]


def available_cpus() -> list[int]:
    """The processors that this process may use; an empty list where the system cannot say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


class LocalExecutor:
    """Runs `fwdrev.bench.worker` in fresh processes; `folder` holds compiled programs and references during a sweep."""

    def __init__(self, spec: SweepSpec, folder: Path) -> None:
        """Nothing is started yet; raises InputError when more threads are asked for than there are processors."""
        self._spec = spec
        self._folder = folder
        self._cpus = available_cpus()
        have = len(self._cpus) or os.cpu_count() or 1
        if spec.threads > have:
            msg = f"threads = {spec.threads}: this machine lets us use {have}; take {have} or fewer"
            raise InputError(msg)

    def prepare(self, cells: Sequence[Cell]) -> Iterator[Observation]:
        """All processors compile, each its share of the cells: nothing is timed here that would be disturbed."""
        pinned = [[cpu] for cpu in self._cpus] or [[]]
        shares = [(cells[i :: len(pinned)], cpus) for i, cpus in enumerate(pinned)]
        found: queue.SimpleQueue[Observation | None] = queue.SimpleQueue()
        team = _Team()

        def serve(share: Sequence[Cell], cpus: list[int]) -> None:
            try:
                for observation in self._observations(PREPARING, share, {}, {}, cpus, team):
                    found.put(observation)
            finally:
                found.put(None)

        threads = [threading.Thread(target=serve, args=share) for share in shares]
        for thread in threads:
            thread.start()
        try:
            for _ in threads:
                yield from iter(found.get, None)
        finally:
            team.stop()
            for thread in threads:
                thread.join()

    def round(
        self,
        index: int,
        cells: Sequence[Cell],
        loops: Mapping[Cell, Mapping[str, int]],
        skip: Mapping[Cell, Sequence[str]],
    ) -> Iterator[Observation]:
        """A single worker, pinned to the last processors, since the first ones serve interrupts."""
        team = _Team()
        try:
            yield from self._observations(index, cells, loops, skip, self._cpus[-self._spec.threads :], team)
        finally:
            team.stop()

    def _observations(
        self,
        index: int,
        cells: Sequence[Cell],
        loops: Mapping[Cell, Mapping[str, int]],
        skip: Mapping[Cell, Sequence[str]],
        cpus: list[int],
        team: "_Team",
    ) -> Iterator[Observation]:
        """What the worker says; where it dies, its cell is recorded as crashed and a new one goes on behind it."""
        rest = list(cells)
        while rest:
            request = Request(
                spec=self._spec.model_dump(mode="json"),
                round=index,
                cells=[(cell.n, cell.m) for cell in rest],
                loops={Request.key(cell): dict(loops[cell]) for cell in rest if cell in loops},
                skip={Request.key(cell): list(skip[cell]) for cell in rest if cell in skip},
                folder=str(self._folder),
                cpus=cpus,
            )
            worker = team.join(partial(self._start, request))
            if worker is None:
                return
            with worker:
                try:
                    for line in worker.stdout or ():
                        if line.endswith("\n"):  # otherwise it was killed while it wrote
                            rest.pop(0)
                            yield Observation.from_json(json.loads(line))
                except GeneratorExit:  # given up: leaving `with` would wait until it has finished its cell
                    worker.kill()
                    raise
            if rest and not team.stopped:
                yield self._crashed(index, rest.pop(0), skip, worker.returncode)

    def _start(self, request: Request) -> subprocess.Popen[str]:
        """A new session of its own, so that Ctrl-C reaches us and not the worker."""
        with (self._folder / "worker.log").open("a", encoding="utf-8") as log:
            worker = subprocess.Popen(
                [sys.executable, "-P", "-m", "fwdrev.bench.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=worker_environment(self._spec, self._folder),
                start_new_session=True,
            )
        if worker.stdin is not None:
            with suppress(BrokenPipeError), worker.stdin as pipe:  # a worker that is gone already has crashed
                json.dump(dataclasses.asdict(request), pipe)
        return worker

    def _crashed(self, index: int, cell: Cell, skip: Mapping[Cell, Sequence[str]], code: int) -> Observation:
        """Every arm of the cell, since nobody knows which one it was."""
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        log = (self._folder / "worker.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
        reason = f"the worker process ended with {how}" + (f": {log[-1]}" if log and code > 0 else "")
        names = [name for name in self._spec.engines if name not in skip.get(cell, ())]
        return Observation(
            round=index, cell=cell, arms={name: ArmResult(status=Status.CRASHED, reason=reason) for name in names}
        )


def worker_environment(spec: SweepSpec, folder: Path) -> dict[str, str]:
    """The environment of a worker: the caller's, with the threads set and JAX's compilation cache in `folder`."""
    env = dict(os.environ)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
        env[name] = str(spec.threads)
    if spec.threads == 1:
        env["XLA_FLAGS"] = f"{env.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    env.setdefault("JAX_PLATFORMS", "cpu")
    env["JAX_ENABLE_X64"] = "1"
    env["JAX_COMPILATION_CACHE_DIR"] = str(folder / "programs")
    env["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    env["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "-1"
    return env


class _Team:
    """The workers of one pass, so that all of them end with it and none is started afterwards."""

    def __init__(self) -> None:
        self.stopped = False
        self._workers: list[subprocess.Popen[str]] = []
        self._lock = threading.Lock()

    def join(self, start: Callable[[], subprocess.Popen[str]]) -> subprocess.Popen[str] | None:
        """Start a worker, or return None if the pass is over."""
        with self._lock:
            if self.stopped:
                return None
            self._workers.append(start())
            return self._workers[-1]

    def stop(self) -> None:
        """Kill whoever still runs."""
        with self._lock:
            self.stopped = True
            for worker in self._workers:
                worker.kill()
