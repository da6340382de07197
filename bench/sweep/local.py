"""The local executor: worker processes on this machine, one at a time while anything is timed."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from pyperf import perf_counter

from fwdrev.bench.machine.environment import check_machine, memory_share, worker_environment
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.processes.ended import Ended
from fwdrev.bench.processes.process import ChildProcess, StoppedError, Team
from fwdrev.bench.processes.signals import signals_deferred
from fwdrev.bench.processes.surroundings import check_end, check_start
from fwdrev.bench.records.observation import PREPARING, WEIGHING, ArmResult, Cell, Observation
from fwdrev.bench.records.reasons import needed
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.workers.ledger import Ledger
from fwdrev.bench.workers.protocol import READY, Request
from fwdrev.modes.errors import SurroundingsError

_START_SECONDS = 120.0
"""The seconds for a worker to load its libraries; the time limit of a cell starts after that."""

_GONE = 10.0
"""The seconds for a thread to see the end of its killed worker."""

_PROGRAM = ("-m", "fwdrev.bench.workers.sweep_worker")

Loops = Mapping[Cell, Mapping[str, int]]
_Found = SimpleQueue[Observation | Future[None]]
"""The results of threads, and each thread's future when it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pass:
    """The settings that all workers of a pass share: its number, known calls per block, processors, and memory."""

    index: int
    loops: Loops
    cpus: list[int]
    memory: int | None


class LocalExecutor:
    """Runs `workers.sweep_worker` in fresh processes; `folder` holds compiled programs and references during a sweep.

    Measuring raises SurroundingsError if it cannot get a process, or space in the folder.
    """

    def __init__(self, spec: SweepSpec, folder: Path, inherited: Mapping[str, str] | None = None) -> None:
        """Starts nothing yet; raises InputError for more threads than processors.

        `inherited`: the environment that workers get, by default that of this process.
        """
        check_machine(spec)
        self._spec = spec
        self._folder = folder
        self._inherited = inherited
        self._team = Team()
        self._cpus = available_cpus()
        self._numbers = count()

    def prepare(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """All processors compile, each its share of the cells: nothing is timed here."""
        return self._together(PREPARING, cells, skips)

    def measure_memory(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Like `prepare`, in separate processes."""
        return self._together(WEIGHING, cells, skips)

    def rounds(
        self, indices: Sequence[int], cells: Sequence[Cell], loops: Loops, skips: Skips
    ) -> Iterator[Observation]:
        """One worker for each round, pinned to the last processors, since the first ones serve interrupts."""
        cpus = self._cpus[-self._spec.threads :]
        for index in indices:
            one = _Pass(index=index, loops=loops, cpus=cpus, memory=memory_share(self._spec, 1))
            self._team = Team()
            yield from self._observations(one, cells, skips, self._team)

    def stop(self) -> None:
        """Ends the workers of the pass that another thread iterates over: there `StoppedError` is raised."""
        self._team.stop()

    def _together(self, index: int, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Visits smaller cells first, to find arms that are too slow or too large cheaply."""
        ordered = sorted(cells, key=lambda cell: cell.n * cell.m)
        pinned = [[cpu] for cpu in self._cpus] or [[]]
        shares = [(share, cpus) for i, cpus in enumerate(pinned) if (share := ordered[i :: len(pinned)])]
        memory = memory_share(self._spec, len(shares) or 1)
        found, team = _Found(), Team()
        self._team = team

        def serve(share: Sequence[Cell], cpus: list[int]) -> None:
            one = _Pass(index=index, loops={}, cpus=cpus, memory=memory)
            with suppress(StoppedError):
                for observation in self._observations(one, share, skips, team):
                    found.put(observation)

        running: list[Future[None]] = []
        try:
            running.extend(_running(partial(serve, *share)) for share in shares)
            yield from _gathered(running, found, team)
        finally:
            with signals_deferred():
                team.stop()
                wait(running, _GONE)

    def _observations(self, one: _Pass, cells: Sequence[Cell], skips: Skips, team: Team) -> Iterator[Observation]:
        """The worker's observations. If it dies, its present arm is recorded, and a new worker continues without it."""
        rest, lost = list(cells), dict[str, ArmResult]()
        began = perf_counter()

        def whole(arms: dict[str, ArmResult]) -> Observation:
            nonlocal began
            seconds, began = perf_counter() - began, perf_counter()
            named = {name: (lost | arms)[name] for name in self._spec.engines if name in lost or name in arms}
            lost.clear()
            skips.note(rest[0], named)
            return Observation(round=one.index, cell=rest.pop(0), arms=named, seconds=seconds)

        while rest:
            ledger = self._folder / f"ledger-{next(self._numbers)}"
            request = self._request(one, rest, skips, ledger)
            with needed(f"run a worker with its files in {self._folder}"):
                with self._worker(request, team) as worker:
                    while (line := worker.line(self._spec.timeout)) is not None:
                        yield whole(dict(Observation.from_json(json.loads(line)).arms))
                    ended = worker.ended
                if rest:
                    new = self._blamed(ended, ledger, skips.open(rest[0]))
                    lost |= new
                    skips.note(rest[0], new)
                    if not skips.open(rest[0]):  # another thread may have found more arms to skip
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

    @contextmanager
    def _worker(self, request: Request, team: Team) -> Iterator[ChildProcess]:
        """A ready worker, which answers with a line for each cell.

        Raises SurroundingsError if a worker fails to become ready twice.
        """
        Ledger(Path(request.ledger), self._spec.engines).close()
        environment = worker_environment(self._spec, self._folder, self._inherited)
        log = Path(request.ledger).with_suffix(".log")
        for _ in range(2):
            with team.started(_PROGRAM, environment, log=log) as worker:
                worker.send(asdict(request))
                if READY in iter(partial(worker.line, _START_SECONDS), None):
                    yield worker
                    return
                ended = worker.ended
        check_start(ended, self._folder)

    def _blamed(self, ended: Ended, path: Path, names: Sequence[str]) -> dict[str, ArmResult]:
        """The result of the arm at fault, by the ledger, or of every arm of the cell if it was none of them.

        Raises SurroundingsError if it was not the worker's own fault.
        """
        with closing(Ledger(path, self._spec.engines)) as ledger:
            at = ledger.longest if ended.late else ledger.running
        check_end(ended, self._folder, at)
        arm = ArmResult(status=ended.status, reason=ended.told_after(self._spec.timeout))
        return dict.fromkeys(names if at is None else [at], arm)


def _running(serve: Callable[[], None]) -> Future[None]:
    """Runs a worker's part in a daemon thread, in case the worker does not end when killed."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            serve()
        except BaseException as error:  # noqa: BLE001 - forwarded: nothing else hears of what a thread raises
            future.set_exception(error)
        else:
            future.set_result(None)

    try:
        threading.Thread(target=run, name="fwdrev-worker", daemon=True).start()
    except RuntimeError as error:
        raise SurroundingsError(f"{error}: end other processes, or allow more of them (ulimit -u)") from None
    return future


def _gathered(running: Sequence[Future[None]], found: _Found, team: Team) -> Iterator[Observation]:
    """The threads' observations. If one fails, the others stop, their results are kept, and its error is raised."""
    for each in running:
        each.add_done_callback(found.put)
    failed: BaseException | None = None
    done = 0
    while done < len(running):
        item = found.get()
        if isinstance(item, Observation):
            yield item
        else:
            done += 1
            if (error := item.exception()) is not None:
                failed = failed or error
                team.stop()
    if failed is not None:
        raise failed
