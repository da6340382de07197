"""The local executor: worker processes on this machine, one at a time while anything is timed."""

import json
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pyperf import perf_counter

from fwdrev.bench.machine.environment import check_machine, memory_share, worker_environment
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.processes.child import signals_wait
from fwdrev.bench.processes.process import Ended, Team, lines_of
from fwdrev.bench.processes.surroundings import check_end, check_start
from fwdrev.bench.records.observation import PREPARING, WEIGHING, ArmResult, Cell, Observation
from fwdrev.bench.records.reasons import needed
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import READY, Request
from fwdrev.modes.errors import SurroundingsError

__all__ = ["LocalExecutor"]

_START_SECONDS = 120.0
"""For a worker to load its libraries; the time limit of a cell counts from there."""

_GONE = 10.0
"""Seconds that a thread may take to see its worker's end, once that was killed."""

Loops = Mapping[Cell, Mapping[str, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """What all workers of a pass share: its number, calls per block as far as known, processors, and memory."""

    index: int
    loops: Loops
    cpus: list[int]
    memory: int | None


class LocalExecutor:
    """Runs `workers.sweep_worker` in fresh processes; `folder` holds compiled programs and references during a sweep.

    Measuring raises SurroundingsError where a process, or room in the folder, is not to be had.
    """

    def __init__(self, spec: SweepSpec, folder: Path) -> None:
        """Nothing is started yet; raises InputError when more threads are asked for than there are processors."""
        check_machine(spec)
        self._spec = spec
        self._folder = folder
        self._cpus = available_cpus()
        self._numbers = count()

    def prepare(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """All processors compile, each its share of the cells: nothing is timed here that would be disturbed."""
        return self._together(PREPARING, cells, skips)

    def weigh(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Likewise, in processes of their own."""
        return self._together(WEIGHING, cells, skips)

    def rounds(
        self, indices: Sequence[int], cells: Sequence[Cell], loops: Loops, skips: Skips
    ) -> Iterator[Observation]:
        """A single worker for each round, pinned to the last processors, since the first ones serve interrupts."""
        cpus = self._cpus[-self._spec.threads :]
        for index in indices:
            team = Team()
            one = _Pass(index=index, loops=loops, cpus=cpus, memory=memory_share(self._spec, 1))
            try:
                yield from self._observations(one, cells, skips, team)
            finally:
                with signals_wait():
                    team.stop()

    def _together(self, index: int, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Smaller cells first, so that what is too slow or too large is found out cheaply."""
        ordered = sorted(cells, key=lambda cell: cell.n * cell.m)
        pinned = [[cpu] for cpu in self._cpus] or [[]]
        shares = [(share, cpus) for i, cpus in enumerate(pinned) if (share := ordered[i :: len(pinned)])]
        memory = memory_share(self._spec, len(shares) or 1)
        found: queue.SimpleQueue[Observation | BaseException | None] = queue.SimpleQueue()
        team = Team()

        def serve(share: Sequence[Cell], cpus: list[int]) -> None:
            try:
                one = _Pass(index=index, loops={}, cpus=cpus, memory=memory)
                for observation in self._observations(one, share, skips, team):
                    found.put(observation)
            except BaseException as error:  # noqa: BLE001 - a thread's failure is heard by nobody else
                found.put(error)
            finally:
                found.put(None)

        threads: list[threading.Thread] = []
        failed: BaseException | None = None
        try:
            threads.extend(_running(serve, *share) for share in shares)
            for _ in threads:
                while (each := found.get()) is not None:
                    if isinstance(each, Observation):
                        yield each
                    else:  # what the others have measured by now is kept
                        failed = failed or each
                        team.stop()
            if failed is not None:
                raise failed
        finally:
            with signals_wait():
                team.stop()
                for thread in threads:
                    thread.join(_GONE)

    def _observations(self, one: _Pass, cells: Sequence[Cell], skips: Skips, team: Team) -> Iterator[Observation]:
        """What the worker says. Where it dies, the arm that it was at is recorded, and a new one goes on without it."""
        rest, lost = list(cells), dict[str, ArmResult]()
        began = perf_counter()

        def whole(arms: dict[str, ArmResult]) -> Observation:
            nonlocal began
            seconds, began = perf_counter() - began, perf_counter()
            named = {name: (lost | arms)[name] for name in self._spec.engines if name in lost or name in arms}
            lost.clear()
            skips.note(rest[0], named)
            return Observation(round=one.index, cell=rest.pop(0), arms=named, seconds=seconds)

        while rest and not team.stopped:
            ledger = self._folder / f"ledger-{next(self._numbers)}"
            ended = Ended(ledger.with_suffix(".log"))
            request = self._request(one, rest, skips, ledger)
            with needed(f"run a worker with its files in {self._folder}"):
                for line in self._lines(request, team, ended):
                    yield whole(dict(Observation.from_json(json.loads(line)).arms))
                if rest and not team.stopped:
                    new = self._blamed(ended, ledger, skips.open(rest[0]))
                    lost |= new
                    skips.note(rest[0], new)
                    if not skips.open(rest[0]):  # others may be barred by now, by what another thread has found
                        yield whole(skips.barred(rest[0]))

    def _request(self, one: _Pass, cells: Sequence[Cell], skips: Skips, ledger: Path) -> Request:
        return Request(
            spec=self._spec.model_dump(mode="json"),
            round=one.index,
            cells=[(cell.n, cell.m) for cell in cells],
            loops={Request.key(cell): dict(one.loops[cell]) for cell in cells if cell in one.loops},
            skips=skips.to_json(),
            folder=str(self._folder),
            ledger=str(ledger),
            cpus=one.cpus,
            memory=one.memory,
        )

    def _lines(self, request: Request, team: Team, ended: Ended) -> Iterator[str]:
        """One line for each cell, as long as they come; `ended` then tells how it ended.

        Raises SurroundingsError when a worker does not even get ready, twice.
        """
        Ledger(Path(request.ledger), self._spec.engines).close()
        environment = worker_environment(self._spec, self._folder)
        for _ in range(2):
            with team.member(request, environment, ended.log) as worker:
                if worker is None:
                    return
                lines = lines_of(worker, ended, first=_START_SECONDS, each=self._spec.timeout)
                if READY in lines:
                    yield from lines
                    return
        if not team.stopped:
            check_start(ended, self._folder)

    def _blamed(self, ended: Ended, path: Path, names: Sequence[str]) -> dict[str, ArmResult]:
        """The arm at fault as the ledger knows it, or every arm of the cell if it was none of them.

        Raises SurroundingsError where it was not the worker's own fault.
        """
        with closing(Ledger(path, self._spec.engines)) as ledger:
            at = ledger.longest if ended.late else ledger.running
        check_end(ended, self._folder, at)
        told = f"no answer within {self._spec.timeout:g} s" if ended.late else ended.told
        arm = ArmResult(status=ended.status, reason=told)
        return dict.fromkeys(names if at is None else [at], arm)


def _running(serve: Callable[..., None], *share: object) -> threading.Thread:
    """Ends with this process, should its worker not end when it is killed."""
    thread = threading.Thread(target=serve, args=share, daemon=True)
    try:
        thread.start()
    except RuntimeError as error:
        raise SurroundingsError(f"{error}: end other processes, or allow more of them (ulimit -u)") from None
    return thread
