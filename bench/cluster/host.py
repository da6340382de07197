"""What runs on the machines of a cluster, inside a Dask worker: it starts our own processes, and times nothing itself.

The answers are plain data, so that nothing of ours has to be unpickled, whatever version of fwdrev is there.
"""

import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

from fwdrev.bench.machine.cgroup import text_of
from fwdrev.bench.machine.environment import PASSED_ON, check_machine, device_name
from fwdrev.bench.machine.facts import fingerprint
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.bench.processes.process import StoppedError, ask
from fwdrev.bench.records.observation import PREPARING, WEIGHING, Cell, Observation
from fwdrev.bench.records.reasons import one_line
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import SweepSpec, check_memory
from fwdrev.bench.sweep.local import LocalExecutor, Loops
from fwdrev.bench.workers.sweep_worker import add_working_folder
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import InputError, SurroundingsError
from fwdrev.modes.registry import engine

NAMED = "FWDREV_MACHINE"
"""The variable that names a machine where the host's name does not, as in containers."""

_NEEDED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_", "TZ", "TMP", "TEMP"),
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "CONDA_PREFIX"),
)
"""Prefixes of the other variables that processes need; all that Dask sets for its own workers stays out."""

_OF_DASK = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_")
"""Variables that Dask's Nanny sets: whether it or the user did cannot be told."""

_START_SECONDS = 120.0

_OLD = 2 * 86400.0
"""The seconds after which the scratch folder of a sweep that did not end is removed."""

_SLOWED = {"monitor": 5000.0, "tick": 2000.0, "ticks": 2000.0, "profile": 3600e3, "profile-cycle": 3600e3}
"""Milliseconds between what a Dask worker does beside its tasks, while we measure."""

_FACTS = """
import json, sys
from fwdrev.bench.cluster.host import facts
print("\\n" + json.dumps(facts(json.loads(sys.argv[1]))))
"""

_running: dict[str, LocalExecutor] = {}
"""The executor of each sweep that measures here now, to be stopped from outside."""

_sweeps: set[str] = set()
_usual: dict[str, float] = {}
"""The sweeps that this worker serves, and the milliseconds of `_SLOWED` before the first of them."""


def described(spec: dict[str, Any]) -> dict[str, Json]:
    """The machine: its name, what tells it from others, and its fingerprint; `problem` if it cannot measure."""
    told: dict[str, Json] = {
        "name": os.environ.get(NAMED) or platform.node() or "unknown",
        "identity": _identity(),
        "cpus": len(available_cpus()),
    }
    answer = ask(["-c", _FACTS, json.dumps(spec)], _clean(os.environ), _START_SECONDS)
    if answer.problem is not None:
        return told | {"problem": f"its facts cannot be collected: {answer.problem}"}
    found: dict[str, Json] = json.loads(answer.text.splitlines()[-1])
    return told | found


def facts(spec: dict[str, Any]) -> dict[str, Json]:
    """The fingerprint of this machine for such a sweep, or the `problem`: what the sweep needs and is not here."""
    add_working_folder()
    try:
        made = SweepSpec(**spec)
        check_machine(made)
        check_memory(made)
        for name in made.engines:
            engine(name)
        made.problem_at(made.cells[0])
        device = device_name(made)
    except Exception as error:  # noqa: BLE001 - other packages' engines and problems may raise anything
        return {"problem": one_line(str(error) or type(error).__name__)}
    return {"problem": None, "fingerprint": fingerprint(made.threads, device)}


def measured(sweep: str, request: Mapping[str, Any]) -> dict[str, Json]:
    """Measures cells of one round, or of a pass before; `busy` if something else measures on this host now."""
    found: list[Json] = []
    told: dict[str, Json] = {"observations": found, "busy": False, "problem": None}
    spec = SweepSpec(**request["spec"])
    with ExitStack() as held:
        if not held.enter_context(_alone()):
            return told | {"busy": True}
        try:
            folder = _scratch(sweep)
            executor = LocalExecutor(spec, folder, inherited=_clean(os.environ))
            _running[sweep] = executor
            held.callback(_running.pop, sweep, None)
            held.enter_context(_aside())
            cells = [Cell(n, m) for n, m in request["cells"]]
            loops = {Cell(n, m): known for n, m, known in request["loops"]}
            skips = Skips.from_json(spec.engines, request["skips"])
            run = _pass(executor, request["round"])
            found.extend(each.to_json() for each in run(cells, loops, skips))  # those before an error, too
        except (SurroundingsError, InputError) as error:
            told["problem"] = str(error)
        except StoppedError:
            told["problem"] = "it was stopped"
        except OSError as error:
            told["problem"] = f"{error.strerror}: {error.filename}"
    return told


def stopped(sweep: str) -> None:
    """Ends what a sweep measures here now."""
    executor = _running.get(sweep)
    if executor is not None:
        executor.stop()


async def joined(sweep: str, dask_worker: Any) -> None:  # noqa: ANN401 - Dask gives its worker under this name
    """Makes this worker ready: it runs one task of ours at a time (the resource `bench`), and does little else."""
    if "bench" not in dask_worker.state.total_resources:
        await dask_worker.set_resources(bench=1)
    _sweeps.add(sweep)
    for name, call in dask_worker.periodic_callbacks.items():
        if name in _SLOWED:
            _usual.setdefault(name, call.callback_time)
            call.callback_time = _SLOWED[name]


def left(sweep: str, dask_worker: Any) -> None:  # noqa: ANN401 - see above
    """Ends what a sweep measures here, and leaves nothing of it; after the last sweep the worker is as it was."""
    stopped(sweep)
    shutil.rmtree(_place(sweep), ignore_errors=True)
    with suppress(OSError):  # another sweep may have its folder there
        _place(sweep).parent.rmdir()
    _sweeps.discard(sweep)
    if not _sweeps:
        for name, milliseconds in _usual.items():
            dask_worker.periodic_callbacks[name].callback_time = milliseconds


def _pass(executor: LocalExecutor, index: int) -> Callable[[Sequence[Cell], Loops, Skips], Iterator[Observation]]:
    """What measures that round, or that pass before the rounds."""
    if index == PREPARING:
        return lambda cells, _, skips: executor.prepare(cells, skips)
    if index == WEIGHING:
        return lambda cells, _, skips: executor.measure_memory(cells, skips)
    return partial(executor.rounds, [index])


def _identity() -> str:
    """The same for all that run on one machine, in containers too, and for nothing else until it starts anew."""
    named = os.environ.get(NAMED)
    boot = text_of(Path("/proc/sys/kernel/random/boot_id")).strip() or platform.node()
    return sha256((named or boot).encode()).hexdigest()[:16]


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that our processes need, and those that change measurements, unless Dask set them."""
    prefixes = (*_NEEDED, *PASSED_ON)
    return {name: value for name, value in environment.items() if name.startswith(prefixes) and name not in _OF_DASK}


def _place(sweep: str) -> Path:
    return Path(tempfile.gettempdir()) / f"fwdrev-{os.getuid()}-{_identity()}" / sweep


def _scratch(sweep: str) -> Path:
    """The sweep's folder on this host; removes those of sweeps that ended long ago without saying so."""
    folder = _place(sweep)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.utime(folder)
    for other in folder.parent.iterdir():
        with suppress(OSError):
            if time.time() - other.stat().st_mtime > _OLD:
                shutil.rmtree(other, ignore_errors=True)
    return folder


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nothing else of ours measures on this host, until the block ends."""
    import fcntl

    path = Path(tempfile.gettempdir()) / f"fwdrev-{_identity()}.lock"
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        lock = os.open(path, flags)
    except FileNotFoundError:
        lock = os.open(path, flags | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(lock)


@contextmanager
def _aside() -> Iterator[None]:
    """Moves this process to the first of its processors: what is timed runs on the last ones."""
    cpus = available_cpus()
    _pin_all(cpus[:1])
    try:
        yield
    finally:
        _pin_all(cpus)


def _pin_all(cpus: Sequence[int]) -> None:
    """Pins every thread of this process, where the system allows it."""
    if cpus:
        with suppress(OSError):
            for thread in Path("/proc/self/task").iterdir():
                with suppress(OSError):  # it has ended meanwhile
                    os.sched_setaffinity(int(thread.name), cpus)
