"""A fault of the surroundings is not the engine's: it gives one line and no record, and the run can resume later."""

import errno
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fwdrev.api.sweep import measure, new_run, old_run
from fwdrev.bench import PREPARING, WEIGHING, Cell, LocalExecutor, Skips, Status, make_spec
from fwdrev.bench.processes.ended import Ended
from fwdrev.bench.processes.side_process import started
from fwdrev.bench.processes.surroundings import check_end
from fwdrev.bench.sweep.pyperf_runner import PyperfExecutor
from fwdrev.bench.sweep.scratch import scratch_folder
from fwdrev.bench.workers.reference_check import Reference
from fwdrev.modes.errors import SurroundingsError
from fwdrev.results import load
from tests.wild.reports import OURS, report
from tests.wild.scripted_workers import fine, script

SMALL = {"inputs": "4,8", "outputs": "2,6", "rounds": 2, "engines": ["forward", "reverse"]}


@pytest.fixture(autouse=True)
def _four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the passes use four threads on every machine."""
    monkeypatch.setattr("fwdrev.bench.sweep.local.available_cpus", lambda: [0, 1, 2, 3])


FULL = "OSError: [Errno 28] No space left on device"
NO_THREAD = (
    "terminate called after throwing an instance of 'std::system_error' what(): Resource temporarily unavailable"
)
CACHE = "UserWarning: Error writing persistent compilation cache entry for 'jit_f': [Errno 28] No space left on device"


@pytest.mark.parametrize(
    ("code", "last", "arm", "part"),
    [
        pytest.param(-15, "", "forward", "ended from outside, with signal SIGTERM", marks=report(OURS)),
        pytest.param(-1, "", None, "signal SIGHUP", marks=report(OURS)),
        pytest.param(-24, "", "forward", "signal SIGXCPU", marks=report(OURS)),
        pytest.param(1, "RuntimeError: python failed with exit code -15", "forward", "SIGTERM", marks=report(OURS)),
        pytest.param(1, FULL, "forward", "make room on that disk", marks=report("golang/go#58765")),
        pytest.param(-6, CACHE, "forward", "make room on that disk", marks=report("jax-ml/jax#12594")),
        pytest.param(-6, NO_THREAD, "forward", "ulimit -u", marks=report("EmbarkStudios/quilkin#833")),
        pytest.param(1, "RuntimeError: can't start new thread", None, "ulimit -u", marks=report(OURS)),
        pytest.param(1, "OSError: [Errno 24] Too many open files", None, "Too many open files", marks=report(OURS)),
        pytest.param(1, "PermissionError: [Errno 13] Permission denied: 'x'", None, "denied: 'x'", marks=report(OURS)),
        pytest.param(1, "a.b.SurroundingsError: cannot read the reference", None, "cannot read", marks=report(OURS)),
        pytest.param(
            -6, "F1130 1:2.3 9 a.cc:2] Unknown flag in XLA_FLAGS: --x", None, "correct XLA", marks=report(OURS)
        ),
    ],
)
def test_what_is_no_fault_of_an_engine(tmp_path: Path, code: int, last: str, arm: str | None, part: str) -> None:
    """The worker's end and last words show it."""
    with pytest.raises(SurroundingsError, match=part):
        check_end(_ended(code, last), tmp_path, arm)


@report(OURS)
@pytest.mark.parametrize(
    ("code", "last", "arm"),
    [
        (-11, "", "forward"),
        (-9, "", "forward"),
        (-7, "", None),
        (-40, "", "forward"),
        (1, "MemoryError: no", "forward"),
        (1, "OSError: [Errno 12] Cannot allocate memory", None),
        (1, "OSError: [Errno 24] Too many open files", "forward"),
        (1, "ValueError: a problem that cannot be so large", None),
        (-6, "Very slow compile? Run with envvar XLA_FLAGS=--xla_dump_to=/tmp/foo and attach the results", None),
    ],
)
def test_what_is_one(tmp_path: Path, code: int, last: str, arm: str | None) -> None:
    """A crash, too little memory or a leak is recorded as always."""
    check_end(_ended(code, last), tmp_path, arm)


@report(OURS)
def test_a_side_of_a_check_that_is_ended_from_outside(tmp_path: Path) -> None:
    """The side did not crash, so there is no verdict."""
    program = ("-c", "import os, sys; sys.stdin.readline(); os.kill(os.getpid(), 15)")
    ended = pytest.raises(SurroundingsError, match="ended from outside, with signal SIGTERM")
    with started("head", tmp_path, os.environ, tmp_path / "log", {}, program) as side, ended:
        side.hear(60.0, "forward")


@report("golang/go#58765")
def test_a_full_disk_takes_the_last_words_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is checked too: a silent death on a full disk is not the engine's fault."""

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SurroundingsError, match=r"cannot write to .*: No space left on device; make room"):
        check_end(_ended(-7, ""), tmp_path, "forward")


def _ended(code: int, last: str) -> Ended:
    return Ended(code=code, lines=("what was before", last) if last else ())


@report(OURS)
@pytest.mark.parametrize("damage", [None, b"", b"PK\x03\x04 torn"])
def test_a_reference_that_cannot_be_read(tmp_path: Path, damage: bytes | None) -> None:
    """The message names the file."""
    path = tmp_path / "reference.npz"
    if damage is not None:
        path.write_bytes(damage)
    with pytest.raises(SurroundingsError, match=f"cannot read the reference {path}"):
        Reference.load(path)


def _in_the_middle(fault: str) -> Callable[[int, Cell, str | None], str]:
    """The surroundings fail in round 0 at the last arm."""
    return lambda index, cell, arm: fault if (index, cell, arm) == (0, Cell(8, 6), "reverse") else "fine"


@report("joshuaswarren/remnic#659")
@pytest.mark.parametrize("fault", ["-15", FULL, NO_THREAD])
def test_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    """One line says how to resume; no engine counts as crashed; after the repair, every cell is measured."""
    script(monkeypatch, _in_the_middle(fault))
    folder = tmp_path / "run"
    with pytest.raises(SurroundingsError, match=f"go on with: fwdrev sweep --resume {folder}") as caught:
        measure(*new_run(SMALL, quick=False, spec=None, out=folder))
    assert len(str(caught.value)) < 600
    kept = load(folder).observations
    assert {arm.status for o in kept for arm in o.arms.values()} == {Status.MEASURED}
    assert [o.round for o in kept if o.round < 0] == [PREPARING] * 4 + [WEIGHING] * 4
    assert not (folder / "scratch").exists()
    script(monkeypatch, fine)
    measure(folder, old_run(folder, {}))
    run = load(folder)
    assert run.observations[: len(kept)] == kept
    assert {(o.round, o.cell, *o.arms) for o in run.observations} == {
        (index, cell, "forward", "reverse") for index in (PREPARING, WEIGHING, 0, 1) for cell in run.spec.cells
    }
    assert {arm.status for o in run.observations for arm in o.arms.values()} == {Status.MEASURED}


@pytest.mark.parametrize(
    ("error", "part"),
    [
        pytest.param(BlockingIOError(errno.EAGAIN, "no"), "ulimit -u", marks=report("kdlucas/byte-unixbench#64")),
        pytest.param(OSError(errno.EMFILE, "too many"), "ulimit -n", marks=report(OURS)),
        pytest.param(OSError(errno.ENOMEM, "no memory"), "end other programs", marks=report(OURS)),
        pytest.param(FileNotFoundError(2, "none", "/no/python"), "none: /no/python", marks=report(OURS)),
    ],
)
@pytest.mark.parametrize("protocol", ["paired", "pyperf"])
def test_no_process_is_to_be_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: OSError, part: str, protocol: str
) -> None:
    """Neither the passes nor a round get a process."""

    def refused(*_: Any, **__: Any) -> None:
        raise error

    spec = make_spec(SMALL | {"protocol": protocol})
    executor = (PyperfExecutor if protocol == "pyperf" else LocalExecutor)(spec, tmp_path)
    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(SurroundingsError, match=part):
        list(executor.prepare(spec.cells, Skips(spec.engines)))
    with pytest.raises(SurroundingsError, match=part):
        list(executor.rounds([0], spec.cells, {}, Skips(spec.engines)))


@report(OURS)
def test_no_thread_is_to_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Started threads end."""
    script(monkeypatch, fine)
    start, spec = threading.Thread.start, make_spec(SMALL)
    started: list[threading.Thread] = []

    def refused(self: threading.Thread) -> None:
        if len(started) == 2:
            raise RuntimeError("can't start new thread")
        started.append(self)
        start(self)

    monkeypatch.setattr(threading.Thread, "start", refused)
    with pytest.raises(SurroundingsError, match="can't start new thread: end other processes"):
        list(LocalExecutor(spec, tmp_path).prepare(spec.cells, Skips(spec.engines)))
    for thread in started:
        thread.join(10.0)
    assert [thread.is_alive() for thread in started] == [False, False]


@report(OURS)
def test_no_room_for_the_scratch_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the folder."""
    monkeypatch.setattr(Path, "mkdir", _raising(OSError(errno.ENOSPC, "No space left on device")))
    with (
        pytest.raises(SurroundingsError, match=f"cannot make {tmp_path}/scratch: .*; make room"),
        scratch_folder(tmp_path),
    ):
        pass


def _raising(error: OSError) -> Callable[..., None]:
    def refused(*_: Any, **__: Any) -> None:
        raise error

    return refused
