"""Processes that hang, that leave others behind, that write without end: each costs its time-out, and nothing more."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from fwdrev.bench.processes import process as workers
from fwdrev.bench.processes.child import ask, end, ending, heard
from fwdrev.bench.processes.process import Ended, Team, last_lines, lines_of
from fwdrev.bench.records.observation import Status
from fwdrev.bench.workers.protocol import Request
from tests.wild.reports import OURS, report

PLENTY = 60.0
"""Seconds: what does not hang takes a fraction of it."""

GRANDCHILD = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"], stdout=1, start_new_session={own_session}
)
pathlib.Path({told!r}).write_text(str(child.pid))
{rest}
"""
"""A program that starts another, which holds its standard output open; a session of its own is out of our reach."""


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Path]:
    """Where the grandchild's number is written; it is gone after the test."""
    path = tmp_path / "pid"
    yield path
    with suppress(OSError, ValueError):
        os.kill(int(path.read_text()), signal.SIGKILL)


def grandchild(told: Path, rest: str, *, own_session: bool = False) -> str:
    """The program, and what it does next."""
    return GRANDCHILD.format(told=str(told), rest=rest, own_session=own_session)


@contextmanager
def started(program: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own, as workers and sides are."""
    with log.open("ab") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        end(process)


def expect_gone(told: Path) -> None:
    """The grandchild has ended, or is about to."""
    number = int(told.read_text())
    for _ in range(200):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return
    pytest.fail("what the process had started is still there")


@report("python/cpython#76116")
@pytest.mark.parametrize("own_session", [False, True])
def test_an_answer_does_not_wait_for_what_was_left_behind(told: Path, *, own_session: bool) -> None:
    """The grandchild holds standard output and error open for ten minutes; what was said before counts."""
    program = grandchild(told, "print('said')", own_session=own_session)
    began = time.monotonic()
    answer = ask(["-c", program], dict(os.environ), PLENTY)
    assert (answer.text, answer.problem) == ("said\n", None)
    assert time.monotonic() - began < PLENTY, "the end of the process was not noticed"


@report("python/cpython#82388")
@pytest.mark.parametrize("own_session", [False, True])
def test_a_late_process_is_given_up_whatever_holds_its_pipes(told: Path, *, own_session: bool) -> None:
    """The group goes with it; a session of its own cannot be found, and is not waited for."""
    answer = ask(["-c", grandchild(told, "time.sleep(600)", own_session=own_session)], dict(os.environ), 2.0)
    assert answer.problem == "no answer in 2 s"
    if not own_session:
        expect_gone(told)


@report("python/cpython#82388")
@pytest.mark.parametrize("own_session", [False, True])
def test_a_worker_that_dies_is_seen_though_its_pipe_is_held(told: Path, tmp_path: Path, *, own_session: bool) -> None:
    """It counts as crashed at once, with its signal, and not as late."""
    program = grandchild(told, "print('one', flush=True); os.kill(os.getpid(), 11)", own_session=own_session)
    ended = Ended(tmp_path / "log")
    with started(program, ended.log) as worker:
        assert list(lines_of(worker, ended, first=PLENTY, each=PLENTY)) == ["one"]
    assert (ended.late, ended.status) == (False, Status.CRASHED)
    assert ended.told == "the worker process ended with signal SIGSEGV"


@report("python/cpython#76116")
def test_a_late_worker_goes_with_its_children(told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not only itself: what it has started would take the time of all that is measured later."""
    (tmp_path / "stuck.py").write_text(grandchild(told, "print('ready', flush=True); time.sleep(600)"))
    monkeypatch.setattr(workers, "PROGRAM", (str(tmp_path / "stuck.py"),))
    request = Request(spec={}, round=0, cells=[], loops={}, skips={}, folder="", ledger="", cpus=[], memory=None)
    ended = Ended(tmp_path / "log")
    with Team().member(request, dict(os.environ), ended.log) as worker:
        assert worker is not None
        assert list(lines_of(worker, ended, first=PLENTY, each=1.0)) == ["ready"]
        assert ended.status is Status.TIMED_OUT
    expect_gone(told)


@report(OURS)
def test_the_end_of_a_pass_takes_children_too(told: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the preparing pass stops the team from another thread."""
    (tmp_path / "stuck.py").write_text(grandchild(told, "print('ready', flush=True); time.sleep(600)"))
    monkeypatch.setattr(workers, "PROGRAM", (str(tmp_path / "stuck.py"),))
    request = Request(spec={}, round=0, cells=[], loops={}, skips={}, folder="", ledger="", cpus=[], memory=None)
    team, ended = Team(), Ended(tmp_path / "log")
    with team.member(request, dict(os.environ), ended.log) as worker:
        assert worker is not None
        lines = lines_of(worker, ended, first=PLENTY, each=PLENTY)
        assert next(lines) == "ready"
        team.stop()
        expect_gone(told)
        assert list(lines) == []
    with team.member(request, dict(os.environ), ended.log) as worker:
        assert worker is None, "none is started afterwards"


@report(OURS)
@pytest.mark.parametrize(
    ("module", "end"),
    [
        ("workers.sweep_worker", "_end_with(sys.stdin)"),
        ("revisions.side", "_end_with(0)"),
        ("functions.worker", "_end_with(0)"),
    ],
)
def test_a_killed_command_leaves_no_grandchildren(told: Path, tmp_path: Path, module: str, end: str) -> None:
    """Where standard input closes, nothing is left to ask: the process takes with it what it has started."""
    program = grandchild(told, f"from fwdrev.bench.{module} import _end_with; print('ready', flush=True); {end}")
    with started(program, tmp_path / "log") as process:
        assert process.stdin is not None
        assert (heard(process, time.monotonic() + PLENTY, tmp_path / "log") or b"").startswith(b"ready")
        process.stdin.close()
        assert process.wait(PLENTY) == -signal.SIGKILL
        expect_gone(told)


@report("python/cpython#75628")
def test_a_process_that_closes_its_pipe_and_stays(tmp_path: Path) -> None:
    """A thread of an engine may keep it from ending: then it is late."""
    with started("import os, time; os.close(1); time.sleep(600)", tmp_path / "log") as process:
        assert heard(process, time.monotonic() + 1.5, tmp_path / "log") is None


@report(OURS)
def test_more_files_than_select_can_count(tmp_path: Path) -> None:
    """A long test session has more than 1024 open; `select` raises ValueError for what comes then."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this system lets a process have fewer")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    held: list[int] = []
    try:
        held += [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
        with started("print('one')", tmp_path / "log") as process:
            assert heard(process, time.monotonic() + PLENTY, tmp_path / "log") in {b"one", b"one\n"}
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@report("voltrondata-labs/benchmarks#97")
def test_a_log_larger_than_memory(tmp_path: Path) -> None:
    """A terabyte, most of it a hole: only its end is read."""
    log = tmp_path / "log"
    with log.open("wb") as stream:
        stream.truncate(1 << 40)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\nfirst\nMemoryError: no more\nlast\n")
    assert last_lines(log, 2) == ["MemoryError: no more", "last"]
    ended = Ended(log)
    ended.code = 1
    assert (ended.status, ended.told) == (Status.OUT_OF_MEMORY, "MemoryError: no more")


@report("voltrondata-labs/benchmarks#97")
def test_a_flood_of_errors_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log begins anew when it is too large, and its last words are the last."""
    monkeypatch.setattr("fwdrev.bench.processes.child._LARGEST_LOG", 1 << 20)
    flood = """
import sys
for _ in range(64):
    sys.stderr.write("x" * (1 << 18) + "\\n")
    print("line", flush=True)
    sys.stdin.readline()
sys.stderr.write("the last words\\n")
sys.exit(3)
"""
    ended, largest = Ended(tmp_path / "log"), 0
    with started(flood, ended.log) as process:
        for _ in lines_of(process, ended, first=PLENTY, each=PLENTY):
            largest = max(largest, ended.log.stat().st_size)
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
    assert largest < 1 << 21, "of 16 MB that were written"
    assert ended.told == "the worker process ended with exit code 3: the last words"


@report("voltrondata-labs/benchmarks#97")
def test_a_log_that_is_cut_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may say its last words just before we look how large its log is."""
    monkeypatch.setattr("fwdrev.bench.processes.child._LARGEST_LOG", 1 << 20)
    flood = """
import sys
sys.stderr.write("x" * (1 << 21) + "\\nthe last words\\n")
sys.stderr.flush()
print("line", flush=True)
sys.stdin.readline()
sys.exit(3)
"""
    ended = Ended(tmp_path / "log")
    with started(flood, ended.log) as process:
        while not ended.log.exists() or ended.log.stat().st_size < 1 << 21:
            time.sleep(0.01)
        assert list(lines_of(process, ended, first=PLENTY, each=0.5)) == ["line"]
        assert ended.log.stat().st_size < 1 << 20
        assert last_lines(ended.log, 1) == ["the last words"]


@report(OURS)
def test_a_log_that_is_gone(tmp_path: Path) -> None:
    """Cleaners of temporary folders do that: there are no last words then."""
    ended = Ended(tmp_path / "nowhere" / "log")
    ended.code = 7
    assert ended.told == "the worker process ended with exit code 7"


@report(OURS)
@pytest.mark.parametrize(
    ("code", "said"),
    [(0, "exit code 0"), (137, "exit code 137"), (-9, "signal SIGKILL"), (-35, "signal 35"), (-64, "signal SIGRTMAX")],
)
def test_every_end_has_words(code: int, said: str) -> None:
    """Signals for real-time programs have no names but the first and the last."""
    assert ending(code) == said


@report(OURS)
def test_a_process_that_a_nameless_signal_ends(tmp_path: Path) -> None:
    """Such as the one by which a library's own timer ends it."""
    program = "import os; os.kill(os.getpid(), 35)"
    assert ask(["-c", program], dict(os.environ), PLENTY).problem == "ended with signal 35"
    ended = Ended(tmp_path / "log")
    with started(program, ended.log) as process:
        assert list(lines_of(process, ended, first=PLENTY, each=PLENTY)) == []
    assert (ended.status, ended.told) == (Status.CRASHED, "the worker process ended with signal 35")
