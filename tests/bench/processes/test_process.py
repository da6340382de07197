"""Processes that hang, leave others behind, or write without end: each costs its time-out, and nothing more."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import NoReturn

import psutil
import pytest

from fwdrev.bench.processes import process
from fwdrev.bench.processes.ended import Ended, ending, last_lines
from fwdrev.bench.processes.process import ChildProcess, StoppedError, Team, ask
from fwdrev.bench.records.observation import Status
from tests.wild.reports import OURS, report

PLENTY = 60.0
"""Seconds: anything that does not hang takes a fraction of this."""

GRANDCHILD = """
import os, pathlib, subprocess, sys, time
child = subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600)"], stdout=1, start_new_session={own_session}
)
pathlib.Path({told!r}).write_text(str(child.pid))
{rest}
"""
"""A program that starts another, which holds its standard output open; we cannot reach a session of its own."""

HANGS = "print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def told(tmp_path: Path) -> Iterator[Path]:
    """The file for the grandchild's number; the grandchild is ended after the test."""
    path = tmp_path / "pid"
    yield path
    with suppress(OSError, ValueError):
        os.kill(int(path.read_text()), signal.SIGKILL)


def grandchild(told: Path, rest: str, *, own_session: bool = False) -> str:
    """The program, and its next action."""
    return GRANDCHILD.format(told=str(told), rest=rest, own_session=own_session)


def started(program: str, log: Path | None = None, team: Team | None = None) -> AbstractContextManager[ChildProcess]:
    """Starts a child process that runs this program."""
    return (team or Team()).started(["-c", program], os.environ, log=log)


def lines_of(child: ChildProcess, timeout: float = PLENTY) -> list[str]:
    """All remaining lines, each of them in time."""
    return list(iter(lambda: child.line(timeout), None))


def expect_gone(told: Path) -> None:
    """Expects that the grandchild ends."""
    number = int(told.read_text())
    for _ in range(200):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return
    pytest.fail("what the process had started is still there")


@report("python/cpython#76116")
@pytest.mark.parametrize("own_session", [pytest.param(False, marks=pytest.mark.long), True])
def test_an_answer_does_not_wait_for_what_was_left_behind(told: Path, *, own_session: bool) -> None:
    """The grandchild holds both streams open for ten minutes; earlier output counts."""
    program = grandchild(told, "print('said')", own_session=own_session)
    began = time.monotonic()
    answer = ask(["-c", program], os.environ, PLENTY)
    assert (answer.text, answer.problem) == ("said\n", None)
    assert time.monotonic() - began < PLENTY, "the end of the process was not noticed"


@report("python/cpython#82388")
@pytest.mark.parametrize("own_session", [False, pytest.param(True, marks=pytest.mark.long)])
def test_a_late_process_is_given_up_whatever_holds_its_pipes(told: Path, *, own_session: bool) -> None:
    """The process's group ends with it; a session of its own cannot be found, and we do not wait for it."""
    answer = ask(["-c", grandchild(told, "time.sleep(600)", own_session=own_session)], os.environ, 2.0)
    assert answer.problem == "no answer in 2 s"
    if not own_session:
        expect_gone(told)


@report("python/cpython#82388")
@pytest.mark.parametrize("own_session", [False, True])
def test_a_worker_that_dies_is_seen_though_its_pipe_is_held(told: Path, tmp_path: Path, *, own_session: bool) -> None:
    """The worker counts as crashed at once, with its signal, and not as late."""
    program = grandchild(told, "print('one', flush=True); os.kill(os.getpid(), 11)", own_session=own_session)
    with started(program, tmp_path / "log") as worker:
        assert lines_of(worker) == ["one"]
        assert (worker.ended.late, worker.ended.status) == (False, Status.CRASHED)
        assert worker.ended.told == "the worker process ended with signal SIGSEGV"


@report("python/cpython#76116")
def test_a_late_worker_goes_with_its_children(told: Path, tmp_path: Path) -> None:
    """A late worker's children would slow down all later measurements."""
    with started(grandchild(told, HANGS), tmp_path / "log") as worker:
        assert worker.line(PLENTY) == "ready"
        assert worker.line(0.2) is None
        assert (worker.ended.status, worker.ended.told_after(1.0)) == (Status.TIMED_OUT, "no answer within 1 s")
    expect_gone(told)


@report(OURS)
def test_the_end_of_a_team_takes_children_too(told: Path, tmp_path: Path) -> None:
    """Ctrl-C in the preparing pass ends the team from another thread."""
    team = Team()
    with started(grandchild(told, HANGS), tmp_path / "log", team) as worker:
        assert worker.line(PLENTY) == "ready"
        timer = threading.Timer(0.1, team.stop)
        timer.start()
        with pytest.raises(StoppedError):
            worker.line(PLENTY)
        timer.join()
        expect_gone(told)
    with pytest.raises(StoppedError), started("print('none is started afterwards')", None, team):
        pass


@report(OURS)
@pytest.mark.parametrize("module", ["processes.inside", "revisions.side"])
def test_a_killed_command_leaves_no_grandchildren(told: Path, tmp_path: Path, module: str) -> None:
    """When the command's pipe closes, the process ends together with its children."""
    program = f"from fwdrev.bench.{module} import end_with_command; end_with_command(); "
    command = (
        "import os, pathlib, time; from fwdrev.bench.processes.process import Team\n"
        f"with Team().started(['-c', {grandchild(told, program + HANGS)!r}], os.environ) as child:\n"
        "    print(child.line(60.0), flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    with started(command, tmp_path / "log") as killed:
        assert lines_of(killed) == ["ready"]
        assert killed.ended.code == -signal.SIGKILL
        expect_gone(told)


@report(OURS)
def test_all_workers_end_with_the_command_in_one_way() -> None:
    """The sides are the exception, since they cannot import it."""
    from fwdrev.bench.functions import worker
    from fwdrev.bench.processes.inside import ALIVE, end_with_command
    from fwdrev.bench.revisions import side
    from fwdrev.bench.workers import pyperf_worker, sweep_worker

    for module in (worker, pyperf_worker, sweep_worker):
        assert vars(module)["end_with_command"] is end_with_command
    assert side.ALIVE == ALIVE


@report("python/cpython#75628")
def test_a_process_that_closes_its_pipe_and_stays(tmp_path: Path) -> None:
    """A thread of an engine may keep it alive: then it is late."""
    with started("import os, time; print('one', flush=True); os.close(1); time.sleep(600)", tmp_path / "log") as child:
        assert child.line(PLENTY) == "one"
        assert child.line(0.5) is None
        assert child.ended.late


@report(OURS)
def test_more_files_than_select_can_count(tmp_path: Path) -> None:
    """A long test session has more than 1024 files open, for which `select` raises ValueError."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2048:
        pytest.skip("this system lets a process have fewer")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2048), hard))
    held: list[int] = []
    try:
        held += [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)]
        with started("print('one')", tmp_path / "log") as child:
            assert child.line(PLENTY) == "one"
    finally:
        for each in held:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@report(OURS)
def test_no_pipe_stays_open(tmp_path: Path) -> None:
    """No pipe remains of a process that ran or of one that could not start."""
    before = psutil.Process().num_fds()
    with started("print('one')", tmp_path / "log") as child:
        assert lines_of(child) == ["one"]
    with pytest.raises(FileNotFoundError), started("", tmp_path / "nowhere" / "log"):
        pass
    with pytest.raises(FileNotFoundError), Team().started([], os.environ, folder=tmp_path / "nowhere"):
        pass
    assert psutil.Process().num_fds() == before


@report(OURS)
def test_a_command_larger_than_the_pipe(tmp_path: Path) -> None:
    """The command is written while we read, and a process that never reads it is late like any other."""
    command = ["x" * (1 << 20)]
    with started("import sys; print(len(sys.stdin.readline()))", tmp_path / "log") as child:
        child.send(command)
        assert child.line(PLENTY) == str((1 << 20) + 5)
    with started("import time; time.sleep(600)", tmp_path / "log") as child:
        child.send(command)
        assert child.line(0.2) is None
        assert child.ended.late
    with started("", tmp_path / "log") as child:
        child.send(command)
        assert child.line(PLENTY) is None
        assert (child.ended.code, child.ended.late) == (0, False)


@report("voltrondata-labs/benchmarks#97")
def test_a_log_larger_than_memory(tmp_path: Path) -> None:
    """Of a terabyte, mostly a hole, only the end is read."""
    log = tmp_path / "log"
    with log.open("wb") as stream:
        stream.truncate(1 << 40)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\nfirst\nMemoryError: no more\nlast\n")
    lines = last_lines(log)
    assert lines[-2:] == ["MemoryError: no more", "last"]
    ended = Ended(code=1, lines=lines)
    assert (ended.status, ended.told) == (Status.OUT_OF_MEMORY, "MemoryError: no more")


FLOOD = """
import sys
for _ in range(64):
    sys.stderr.write("x" * (1 << 18) + "\\n")
    print("line", flush=True)
    sys.stdin.readline()
sys.stderr.write("the last words\\n")
sys.exit(3)
"""


@report("voltrondata-labs/benchmarks#97")
def test_a_flood_of_errors_does_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An oversized log begins anew, and keeps the last words."""
    monkeypatch.setattr(process, "_LARGEST_LOG", 1 << 20)
    log, largest = tmp_path / "log", 0
    with started(FLOOD, log) as child:
        while child.line(PLENTY) is not None:
            largest = max(largest, log.stat().st_size)
            child.send(None)
        assert child.ended.told == "the worker process ended with exit code 3: the last words"
    assert largest < 1 << 21, "of 16 MB that were written"


@report("voltrondata-labs/benchmarks#97")
def test_a_flood_of_errors_does_not_fill_the_memory() -> None:
    """Without a log, only its end is kept."""
    with started(FLOOD) as child:
        while child.line(PLENTY) is not None:
            assert len(child._errors) <= 1 << 18
            child.send(None)
        assert child.ended.told == "the worker process ended with exit code 3: the last words"


@report("voltrondata-labs/benchmarks#97")
def test_a_log_that_is_cut_keeps_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process may write its last words just before we check the size of its log."""
    monkeypatch.setattr(process, "_LARGEST_LOG", 1 << 20)
    flood = """
import sys
sys.stderr.write("x" * (1 << 21) + "\\nthe last words\\n")
sys.stderr.flush()
print("line", flush=True)
sys.stdin.readline()
sys.exit(3)
"""
    log = tmp_path / "log"
    with started(flood, log) as child:
        while not log.read_bytes().endswith(b"words\n"):
            time.sleep(0.01)
        assert lines_of(child, 0.5) == ["line"]
        assert log.stat().st_size < 1 << 20
        assert child.ended.lines[-1] == "the last words"


@report(OURS)
@pytest.mark.parametrize("each", ["x", "x" * (1 << 16)])
def test_an_answer_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each: str) -> None:
    """The answer is given up when it is too large or late, whichever comes first."""
    monkeypatch.setattr(process, "LARGEST_OUTPUT", 1 << 20)
    program = f"import os, time\nwhile True: os.write(1, {each!r}.encode()); time.sleep({1e-3 if each == 'x' else 0})"
    with started(program, tmp_path / "log") as child:
        assert child.line(0.5 if each == "x" else PLENTY) is None
        assert (child.ended.late, child.ended.flooding) == (each == "x", each != "x")
        if child.ended.flooding:
            assert child.ended.status is Status.CRASHED
            assert child.ended.told == "the worker process wrote more than 256 MiB in one answer"
    problem = ask(["-c", program], os.environ, 0.5 if each == "x" else PLENTY).problem
    assert problem == ("no answer in 0.5 s" if each == "x" else child.ended.told)


@report(OURS)
def test_a_log_that_is_gone(tmp_path: Path) -> None:
    """Cleaners of temporary folders remove logs: there are no last words then."""
    with started("import sys; sys.stderr.write('no'); sys.stderr.flush(); input(); exit(7)", tmp_path / "log") as child:
        while not (tmp_path / "log").stat().st_size:
            time.sleep(0.01)
        (tmp_path / "log").unlink()
        child.send(None)
        assert child.line(PLENTY) is None
        assert child.ended.told == "the worker process ended with exit code 7"


@report(OURS)
@pytest.mark.parametrize(
    ("code", "said"),
    [(0, "exit code 0"), (137, "exit code 137"), (-9, "signal SIGKILL"), (-35, "signal 35"), (-64, "signal SIGRTMAX")],
)
def test_every_end_has_words(code: int, said: str) -> None:
    """Of the signals for real-time programs, only the first and the last have names."""
    assert ending(code) == said


@report(OURS)
def test_a_process_that_a_nameless_signal_ends(tmp_path: Path) -> None:
    """A library's own timer may use one."""
    program = "import os; os.kill(os.getpid(), 35)"
    assert ask(["-c", program], os.environ, PLENTY).problem == "ended with signal 35"
    with started(program, tmp_path / "log") as child:
        assert lines_of(child) == []
        assert (child.ended.status, child.ended.told) == (
            Status.CRASHED,
            "the worker process ended with signal 35",
        )


@report(OURS)
def test_a_death_while_starting(tmp_path: Path) -> None:
    """The reason is reported, whether the interpreter fails or the program."""
    broken = os.environ | {"PYTHONHOME": str(tmp_path / "nowhere")}
    with Team().started(["-c", "print()"], broken, log=tmp_path / "log") as child:
        child.send({"do": "start"})
        assert child.line(PLENTY) is None
        assert (child.ended.code > 0, child.ended.status) == (True, Status.CRASHED)
        assert any("encodings" in line for line in child.ended.lines)
    answer = ask(["-m", "no_such_module"], os.environ, PLENTY)
    assert str(answer.problem).endswith("No module named no_such_module")


@report(OURS)
def test_an_exception_while_reading_reaches_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception may come from another thread; the process ends anyway."""

    def refused(*_: object) -> NoReturn:
        raise OSError("no more")

    def read(children: list[ChildProcess]) -> str | None:
        with started("import time; time.sleep(600)", tmp_path / "log") as child:
            children.append(child)
            return child.line(PLENTY)

    monkeypatch.setattr(ChildProcess, "_move", refused)
    children: list[ChildProcess] = []
    with ThreadPoolExecutor(1) as threads:
        for run in (read, lambda children: threads.submit(read, children).result()):
            with pytest.raises(OSError, match="no more"):
                run(children)
    assert [child.ended.code for child in children] == [-signal.SIGKILL] * 2


@report(OURS)
def test_an_interrupt_while_starting_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The interrupt comes after the start of the process and before we register it."""
    start, children = ChildProcess.__init__, list[ChildProcess]()

    def interrupted(self: ChildProcess, *arguments: object, **options: object) -> None:
        start(self, *arguments, **options)  # type: ignore[arg-type]
        children.append(self)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(ChildProcess, "__init__", interrupted)
    with pytest.raises(KeyboardInterrupt), started("import time; time.sleep(600)", tmp_path / "log"):
        pytest.fail("nothing runs after the interrupt")
    assert children[0].ended.code == -signal.SIGKILL
