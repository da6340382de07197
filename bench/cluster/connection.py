"""The connection to a cluster of Dask: where it is, who is in it, and what is asked of its workers.

    with connected("tcp://10.0.0.1:8786") as cluster:
        cluster.workers()                                  # addresses
        cluster.asked(host.described, address, spec)       # a function of `host`, run there

Dask stays behind this file and `scheduler.py`: all else knows addresses, plain data and `WorkerLostError`.
"""

import logging
import math
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, version
from time import monotonic
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from fwdrev.bench.cluster import host, scheduler
from fwdrev.bench.records.reasons import one_line
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError, SurroundingsError

if TYPE_CHECKING:
    from distributed import Client

_WORKERS_SECONDS = 120.0
"""The seconds for the first worker to come."""

_SILENT_GLANCES = 3

_TELL_SECONDS = 5.0

_GLANCE = 1.0
"""The seconds between looks whether a worker is still there."""

_SETTINGS: dict[str, Any] = {
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.profile.enabled": False,
    "distributed.comm.timeouts.connect": f"{scheduler.CONNECT_SECONDS:g}s",
    "distributed.comm.retry.count": 0,
    "distributed.logging.distributed": "critical",
}
"""Of Dask, in this process and in the workers that it starts."""


class WorkerLostError(Exception):
    """A worker left the cluster before it had answered."""


class Cluster:
    """A connected cluster; safe for several threads."""

    def __init__(self, client: "Client", where: str) -> None:
        """`where`: as the user gave it."""
        self.sweep = uuid4().hex[:12]
        self._client = client
        self._where = where
        self._present: frozenset[str] = frozenset()
        self._looked = -math.inf
        self._ours: set[str] = set()
        self._lock = threading.Lock()

    def workers(self, *, at_once: bool = False) -> frozenset[str]:
        """The addresses of the workers, as of a second ago unless `at_once`.

        Raises SurroundingsError without a scheduler.
        """
        gone = SurroundingsError(f"the scheduler of {self._where} does not answer any more")
        with self._lock:
            if self._client.status != "running":
                raise gone
            if at_once or monotonic() - self._looked > _GLANCE:
                try:
                    self._present = frozenset(self._client.scheduler_info()["workers"])
                except Exception:  # noqa: BLE001 - Dask raises many kinds when it cannot reach a scheduler
                    raise gone from None
                self._looked = monotonic()
            return self._present

    def asked(self, function: Callable[..., dict[str, Json]], worker: str, *given: Json) -> dict[str, Json]:
        """The answer of a function that runs on this worker; it is never run on another one, and never twice.

        Raises WorkerLostError; SurroundingsError with the words of an error that the function raised there.
        """
        from distributed import CancelledError, KilledWorker

        future = self._client.submit(
            *(function, *given),
            key=f"fwdrev-{function.__name__}-{uuid4().hex}",
            workers=[worker],
            allow_other_workers=False,
            resources={"bench": 1},
            retries=0,
            pure=False,
        )
        ended = threading.Event()
        future.add_done_callback(lambda _: ended.set())  # type: ignore[no-untyped-call]
        try:
            while not ended.wait(_GLANCE) and worker in self.workers():
                pass
            failed = ended.is_set() and future.status == "error"
            error = future.exception() if failed else None  # type: ignore[no-untyped-call]
            if error is not None and not isinstance(error, KilledWorker):
                raise SurroundingsError(one_line(f"{type(error).__name__}: {error}"))
            if not ended.is_set() or future.status != "finished":
                raise WorkerLostError(worker)
            answer: dict[str, Json] = future.result()
        except (CancelledError, OSError) as error:
            raise WorkerLostError(worker) from error
        finally:
            with suppress(Exception):  # the scheduler may be gone
                future.release()  # type: ignore[no-untyped-call]
        return answer

    def enlist(self, worker: str) -> str | None:
        """Makes a worker ready for this sweep (`host.joined`). Why it cannot be used, or None."""
        try:
            problem = self._version_problem(worker)
            if problem is None:
                self._client.run(host.joined, self.sweep, workers=[worker])
                self._ours.add(worker)
        except Exception as error:  # noqa: BLE001 - Dask raises many kinds for a worker that leaves meanwhile
            return one_line(f"it does not answer ({error}): start it anew")
        return problem

    def stop(self) -> None:
        """Ends what the workers measure for us now."""
        self._tell(host.stopped)

    def leave(self) -> None:
        """Leaves the workers as they were."""
        self._tell(host.left)

    def _tell(self, function: Callable[..., object]) -> None:
        """Calls a function on our workers, for five seconds: Dask waits half a minute for one that has just gone."""

        def tell() -> None:
            with suppress(Exception):  # the scheduler may be gone
                if there := sorted(self._ours & self.workers(at_once=True)):
                    self._client.run(function, self.sweep, workers=there, on_error="ignore")

        telling = threading.Thread(target=tell, name="fwdrev-tell", daemon=True)
        telling.start()
        telling.join(_TELL_SECONDS)

    def _version_problem(self, worker: str) -> str | None:
        ours = scheduler.version_here("fwdrev")
        found = self._client.run(version, "fwdrev", workers=[worker], on_error="return")[worker]
        if isinstance(found, PackageNotFoundError):
            return f"fwdrev is not installed there: install fwdrev {ours} in the environment of the worker"
        if isinstance(found, Exception):
            return f"it does not answer ({found}): start it anew"
        if found != ours:
            return f"it has fwdrev {found}, here is {ours}: install the same version in both places"
        return None


@contextmanager
def connected(where: str, told: Callable[[str], None] = lambda _: None) -> Iterator[Cluster]:
    """Connects to the cluster, and leaves it as it was; `told` gets a line if it has to wait for a worker.

    `where`: an address, `local:N`, or a TOML file with `class`, `workers` and `arguments`. Raises InputError.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise InputError("--cluster needs Dask: pip install 'fwdrev[cluster]'") from None
    with ExitStack() as held:
        held.enter_context(dask.config.set(_SETTINGS))
        held.enter_context(_silence())
        address = scheduler.scheduler_address(where, held)
        client = distributed.Client(  # type: ignore[no-untyped-call]
            address, timeout=scheduler.CONNECT_SECONDS, set_as_default=False
        )
        held.callback(_closed, client)
        cluster = Cluster(client, where)
        held.callback(cluster.leave)
        _await_worker(cluster, where, told)
        yield cluster


def _closed(client: "Client") -> None:
    with suppress(Exception):  # the scheduler may be gone
        client.close(timeout=scheduler.CONNECT_SECONDS)  # type: ignore[no-untyped-call]


def _await_worker(cluster: Cluster, where: str, told: Callable[[str], None]) -> None:
    """Waits for the first worker; raises InputError if none comes."""
    waited = threading.Event()
    for passed in range(int(_WORKERS_SECONDS / _GLANCE)):
        if cluster.workers():
            return
        if passed == _SILENT_GLANCES:
            told(f"waiting for a worker in {where}, for at most {_WORKERS_SECONDS:g} s")
        waited.wait(_GLANCE)
    raise InputError(f"--cluster {where}: no worker came within {_WORKERS_SECONDS:g} s: start some with `dask worker`")


@contextmanager
def _silence() -> Iterator[None]:
    """Silences Dask's own log and warnings, since our one-line messages take their place."""
    logs = [logging.getLogger(name) for name in logging.root.manager.loggerDict if name.startswith("distributed")]
    before = [(log, log.disabled) for log in logs]
    for log in logs:
        log.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="distributed")
            yield
    finally:
        for log, disabled in before:
            log.disabled = disabled
