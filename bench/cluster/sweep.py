"""A sweep over the machines of a cluster: one plan for each type of machine, one thread for each machine.

    for part, observation in ClusterSweep(cluster, parts, told):
        journals[part].append(observation)

Each round of a cell takes place on one machine, so that ratios are formed there. When a machine is lost, the others of
its type measure the rest of its round; machines that come later join in.
"""

import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from time import monotonic

from fwdrev.bench.cluster import host
from fwdrev.bench.cluster.connection import Cluster, WorkerLostError
from fwdrev.bench.cluster.executor import Machine, RemoteExecutor
from fwdrev.bench.cluster.shared_plan import Share, SharedPlan
from fwdrev.bench.processes.signals import signals_deferred
from fwdrev.bench.records.machine import differences
from fwdrev.bench.records.observation import Cell, Observation
from fwdrev.bench.records.plan import Plan
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.bench.sweep.runner import Sweep
from fwdrev.modes.errors import InputError, SurroundingsError

_GLANCE = 0.5
"""The seconds between two looks at who is in the cluster."""

_PATIENCE = 60.0
"""The seconds to wait for another machine of a type that has lost its last one."""

_GONE = 15.0
"""The seconds for the threads to end once their measurements are stopped."""


class Part:
    """The sweep of one type of machine: `machines` measure what `plan` says; `past`: the run's observations so far."""

    def __init__(
        self, spec: SweepSpec, machines: Sequence[Machine], plan: Plan, past: Sequence[Observation] = ()
    ) -> None:
        """Starts nothing yet."""
        self.spec = spec
        self.machines = list(machines)
        self.fingerprint = machines[0].fingerprint
        self.plan = SharedPlan(plan, past)
        self.past = past
        self.measuring_seconds = self.timed_seconds = 0.0

    def fits(self, machine: Machine) -> bool:
        """Whether a machine is of this type."""
        return not any(differences(self.fingerprint, machine.fingerprint))


@dataclass(frozen=True, slots=True)
class _Ended:
    """A machine has stopped measuring for a part; `why` it could not go on, or None."""

    part: Part
    machine: Machine
    why: Exception | None


@dataclass(frozen=True, slots=True)
class _Came:
    """A machine has come, or one that cannot be used."""

    worker: str
    machine: Machine | str


class ClusterSweep:
    """Yields every observation of every part; raises SurroundingsError when machines or the scheduler are missing."""

    def __init__(self, cluster: Cluster, parts: Sequence[Part], told: Callable[[str], None]) -> None:
        """`told` gets a line for each machine that is lost or comes."""
        self._cluster = cluster
        self._parts = parts
        self._told = told
        self._items: SimpleQueue[tuple[Part, Observation] | _Ended | _Came] = SimpleQueue()
        self._stop = threading.Event()
        self._running: dict[Part, dict[str, Machine]] = {part: {} for part in parts}
        self._threads: list[threading.Thread] = []
        self._met: list[Machine] = []
        self._known = {machine.worker for part in parts for machine in part.machines}
        self._missing: dict[Part, float] = {}

    def __iter__(self) -> Generator[tuple[Part, Observation], None, None]:
        """Until nothing is left to do, or nobody is left to do it."""
        try:
            for part in self._parts:
                for machine in part.machines:
                    self._start(part, machine)
            yield from self._observations()
        finally:
            with signals_deferred():
                self._end()

    def _observations(self) -> Iterator[tuple[Part, Observation]]:
        seen: set[tuple[Part, str | None, int, Cell]] = set()
        looked = 0.0
        while any(self._running.values()) or self._missing:
            if monotonic() - looked > _GLANCE:
                self._look()
                looked = monotonic()
            try:
                item = self._items.get(timeout=_GLANCE)
            except Empty:
                continue
            match item:
                case _Ended():
                    self._ended(item)
                case _Came():
                    self._came(item)
                case (part, observation):
                    key = part, observation.machine, observation.round, observation.cell
                    if key not in seen:
                        seen.add(key)
                        yield part, observation

    def _start(self, part: Part, machine: Machine) -> None:
        self._running[part][machine.identity] = machine
        self._met.append(machine)
        self._missing.pop(part, None)
        thread = threading.Thread(target=self._measure, args=(part, machine), name="fwdrev-machine", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _measure(self, part: Part, machine: Machine) -> None:
        """The thread of a machine."""
        executor, share = RemoteExecutor(part.spec, self._cluster, machine, self._stop), Share(part.plan)
        sweep = Sweep(part.spec, executor, share, [o for o in part.past if o.machine == machine.name])
        why: Exception | None = None
        try:
            for observation in sweep:
                self._items.put((part, observation))
        except Exception as error:  # noqa: BLE001 - forwarded: nothing else hears of what a thread raises
            why = error
        finally:
            share.end()
            part.measuring_seconds += sweep.measuring_seconds
            part.timed_seconds += sweep.timed_seconds
            self._items.put(_Ended(part, machine, why))

    def _ended(self, item: _Ended) -> None:
        del self._running[item.part][item.machine.identity]
        if item.why is not None:
            self._cluster.workers()  # raises if it is the scheduler that was lost
        match item.why:
            case None:
                return
            case WorkerLostError():
                self._told(f"warning: {item.machine.name} was lost: others of its type measure what it has not")
                self._known = {each.worker for running in self._running.values() for each in running.values()}
            case SurroundingsError() if not self._running[item.part]:
                raise SurroundingsError(f"{item.machine.name}: {item.why}")
            case SurroundingsError():
                self._told(f"warning: {item.machine.name} is left out from now on: {item.why}")
            case error:
                raise error
        if item.part.plan.unfinished() and not self._running[item.part]:
            self._missing[item.part] = monotonic()

    def _look(self) -> None:
        """Sees who has come, and whether a type waits in vain."""
        for worker in self._cluster.workers() - self._known:
            self._known.add(worker)
            threading.Thread(target=self._greet, args=(worker,), name="fwdrev-greet", daemon=True).start()
        for part, since in self._missing.items():
            if monotonic() - since > _PATIENCE:
                name = part.fingerprint.get("cpu_model_name", "one type")
                raise SurroundingsError(f"no machine with {name} is left: start a worker on one")

    def _greet(self, worker: str) -> None:
        self._items.put(_Came(worker, met(self._cluster, worker, self._parts[0].spec)))

    def _came(self, item: _Came) -> None:
        """A worker joins in, unless its machine measures already, or is of no type that is measured here."""
        if isinstance(item.machine, str):
            self._told(f"warning: worker {item.worker} is left out: {item.machine}")
            return
        part = next((part for part in self._parts if part.fits(item.machine)), None)
        if part is None:
            self._told(f"warning: {item.machine.name} is left out: no machine of its type was there at the start")
        elif item.machine.identity not in self._running[part]:
            self._start(part, _told_apart(item.machine, self._met))

    def _end(self) -> None:
        """Ends what is measured, everywhere, and waits for that."""
        self._stop.set()
        for part in self._parts:
            part.plan.stop()
        if any(self._running.values()):
            self._cluster.stop()
        until = monotonic() + _GONE
        for thread in self._threads:
            thread.join(max(0.0, until - monotonic()))


def met(cluster: Cluster, worker: str, spec: SweepSpec) -> Machine | str:
    """The machine of a worker, or why it cannot be used."""
    problem = cluster.enlist(worker)
    if problem is not None:
        return problem
    try:
        found = cluster.asked(host.described, worker, spec.model_dump(mode="json"))
    except WorkerLostError:
        return "it left"
    except SurroundingsError as error:
        return str(error)
    if found["problem"] is not None:
        return str(found["problem"])
    return Machine(
        name=found["name"],
        identity=found["identity"],
        worker=worker,
        cpus=found["cpus"],
        fingerprint=found["fingerprint"],
    )


def machine_types(cluster: Cluster, spec: SweepSpec, told: Callable[[str], None]) -> list[list[Machine]]:
    """The machines by type, each machine once; raises InputError if none can be used.

    `told` gets a line for each worker that is left out.
    """
    workers = sorted(cluster.workers())
    with ThreadPoolExecutor(min(32, len(workers) or 1)) as pool:
        answers = dict(zip(workers, pool.map(lambda worker: met(cluster, worker, spec), workers), strict=True))
    problems = {worker: answer for worker, answer in answers.items() if isinstance(answer, str)}
    types: list[list[Machine]] = []
    for machine in answers.values():
        if isinstance(machine, Machine):
            _add(machine, types)
    for worker, problem in problems.items():
        if not types:
            raise InputError(f"worker {worker} cannot measure: {problem}")
        told(f"warning: worker {worker} is left out: {problem}")
    return types


def _add(machine: Machine, types: list[list[Machine]]) -> None:
    """Adds a machine to its type, unless another worker of it was there first."""
    others = [other for each in types for other in each]
    if machine.identity in {other.identity for other in others}:
        return
    machine = _told_apart(machine, others)
    for each in types:
        if not any(differences(each[0].fingerprint, machine.fingerprint)):
            each.append(machine)
            return
    types.append([machine])


def _told_apart(machine: Machine, others: Iterable[Machine]) -> Machine:
    """The machine under a name that no other one has: images often have the same host name."""
    taken = {other.name for other in others if other.identity != machine.identity}
    return replace(machine, name=f"{machine.name}-{machine.identity[:4]}") if machine.name in taken else machine
