"""The fixture among other plugins and habits: threads, reruns, workers, odd names, strict warnings."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path

import pytest

import fwdrev.pytest_gate
import fwdrev.pytest_plugin  # noqa: F401 - imported here, it stays imported after a run within this process
from fwdrev.bench.records.callables import CallableRound
from fwdrev.bench.timing.callables import PairedCallables
from tests.wild.reports import OURS, report

pytest_plugins = ["pytester"]

PLUGIN = ("-p", "no:fwdrev", "-p", "fwdrev.pytest_plugin")
"""Loads the plugin whether or not this checkout is installed with its entry points."""

STRICT = ("-W", "error", "-W", "ignore:Module already imported")
"""Turns all warnings into errors, except one that is due to running within this process."""

GATE = "fwdrev_gate(lambda: 1.0, lambda: 1.0, max_ratio=1.5)"


class Clock:
    """Scripted rounds, and the number of gates that ran them at once."""

    def __init__(self) -> None:
        self.now = self.most = 0

    def rounds(self, pair: PairedCallables, count: int, blocks: int) -> Iterator[CallableRound]:
        """Each callable takes its scripted time, in 0.1 s, with a pause in which another thread may run."""
        self.now += 1
        self.most = max(self.most, self.now)
        time.sleep(0.01)
        for wobble in islice(cycle((0.98, 1.03, 1.0, 0.97, 1.02)), count):
            f, g = pair._made
            yield CallableRound(f=(float(f()) * wobble,) * blocks, g=(float(g()),) * blocks, seconds=0.1)
        self.now -= 1


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Replaces the clock, however these tests themselves run."""
    made = Clock()

    def rounds(self: PairedCallables, count: int, blocks: int) -> Iterator[CallableRound]:
        return made.rounds(self, count, blocks)

    monkeypatch.setattr(PairedCallables, "rounds", rounds)
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT"):
        monkeypatch.delenv(name, raising=False)
    return made


def said(result: pytest.RunResult) -> list[str]:
    """The lines of all gates, without their numbers."""
    lines = [line for line in result.outlines if ": within: " in line or ": regressed: " in line]
    return [
        re.sub(": f takes .*; allowed 1.5(; confirmed in 10 fresh rounds)?", "", line.rpartition("::")[2])
        for line in lines
    ]


@report("Quansight-Labs/pytest-run-parallel#104")
def test_gates_of_several_threads_wait_for_each_other(pytester: pytest.Pytester, clock: Clock) -> None:
    """Two gates never run at once; a gate within a gate, in one thread, continues."""
    pytester.makepyfile(f"""
        from concurrent.futures import ThreadPoolExecutor
        def test_pool(fwdrev_gate):
            with ThreadPoolExecutor(4) as pool:
                for found in [pool.submit(lambda: {GATE}) for _ in range(4)]:
                    assert found.result().verdict == "within"
        def test_nested(fwdrev_gate):
            fwdrev_gate(lambda: {GATE} and 1.0, lambda: 1.0, max_ratio=1.5)
    """)
    alone = pytester.runpytest_inprocess(*PLUGIN, "-k", "test_pool")
    alone.assert_outcomes(passed=1)
    assert said(alone) == ["test_pool: within"] * 4
    assert clock.most == 1
    pytester.runpytest_inprocess(*PLUGIN, "-k", "test_nested").assert_outcomes(passed=1)


THREADED = """
import threading, pytest

def pytest_configure(config):
    config.addinivalue_line("markers", "thread_unsafe: mark the test function as single-threaded")

@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session):
    for item in session.items:
        if item.get_closest_marker("thread_unsafe") is None:
            item.obj = threaded(item.obj)

def threaded(test):
    def inner(**arguments):
        all = [threading.Thread(target=test, kwargs=arguments) for _ in range(4)]
        for each in all: each.start()
        for each in all: each.join()
    return inner
"""


@report("Quansight-Labs/pytest-run-parallel#104")
@pytest.mark.parametrize("strict", [(), ("--strict-markers", *STRICT)])
def test_a_plugin_that_runs_tests_in_threads_is_told_not_to(pytester: pytest.Pytester, strict: tuple[str, ...]) -> None:
    """The gate uses the plugin's own marker if it is registered, and says so once; other tests run as before."""
    pytester.makepyfile(f"def test_gate(fwdrev_gate):\n    {GATE}\nran = []\ndef test_other():\n    ran.append(1)\n"
                        "def test_count():\n    assert len(ran) == 4\n")  # fmt: skip
    assert said(pytester.runpytest_inprocess(*PLUGIN, *strict, "-k", "gate")) == ["test_gate: within"]
    pytester.makeconftest(THREADED)
    result = pytester.runpytest_inprocess(*PLUGIN, *strict)
    result.assert_outcomes(passed=3)
    assert said(result) == ["test_gate: within"]


RERUN = """
import pytest
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    "As pytest-rerunfailures and flaky do: what failed is begun again, and each report of the last run is shown."
    for run in range(3):
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        for each in reports:
            if {all} or run == 2 or not any(one.failed for one in reports):
                item.ihook.pytest_runtest_logreport(report=each)
        if not any(each.failed for each in reports):
            break
    return True
"""


@report("pytest-dev/pytest-rerunfailures#242")
@pytest.mark.parametrize("everything", [False, True])
def test_a_test_that_is_run_again_says_its_last_run(pytester: pytest.Pytester, *, everything: bool) -> None:
    """Each gate gives one line with its last verdict and the number of the run, also if earlier runs are reported."""
    pytester.makeconftest(RERUN.format(all=everything))
    pytester.makepyfile("""
        runs = []
        def test_again(fwdrev_gate):
            runs.append(1)
            fwdrev_gate(lambda: 1.0, lambda: 1.0, max_ratio=1.5)
            fwdrev_gate(lambda: 1.0 if len(runs) == 3 else 2.0, lambda: 1.0, max_ratio=1.5)
        def test_once(fwdrev_gate):
            fwdrev_gate(lambda: 1.0, lambda: 1.0, max_ratio=1.5)
    """)
    result = pytester.runpytest_inprocess(*PLUGIN)
    third = "test_again: within (run 3 of this test)"
    assert said(result) == [third, third, "test_once: within"]


@report("ionelmc/pytest-benchmark#293")
@pytest.mark.parametrize(("count", "skipped"), [("2", 1), ("1", 0)])
def test_beside_other_workers(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, count: str, skipped: int
) -> None:
    """A gate does not measure there; a worker that is alone does."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", count)
    pytester.makepyfile(f"def test_gate(fwdrev_gate):\n    {GATE}\n")
    result = pytester.runpytest_inprocess(*PLUGIN)
    result.assert_outcomes(skipped=skipped, passed=1 - skipped)
    assert len(said(result)) == 1 - skipped


@report(OURS)
def test_workers_that_run_the_same_test_each_have_their_line(pytester: pytest.Pytester) -> None:
    """Reports pass through a pipe, which turns pairs into lists, and in which other plugins have their own entries."""
    pytester.makeconftest("""
        from _pytest.runner import runtestprotocol
        def pytest_runtest_protocol(item, nextitem):
            for worker in ("gw0", "gw1"):
                for each in runtestprotocol(item, nextitem=nextitem, log=False):
                    each.worker_id = worker
                    each.user_properties = [["other", 1, 2], *map(list, each.user_properties)]
                    item.ihook.pytest_runtest_logreport(report=each)
            return True
    """)
    pytester.makepyfile(f"def test_gate(fwdrev_gate):\n    {GATE}\n")
    assert len(said(pytester.runpytest_inprocess(*PLUGIN))) == 2


HABITS = f"""
import asyncio, unittest, pytest

class Test(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _gate(self, fwdrev_gate):
        self.gate = fwdrev_gate
    def test_case(self):
        self.gate(lambda: 1.0, lambda: 1.0, max_ratio=1.5)

@pytest.mark.parametrize("x", ["é[::]ß", "\\x1b[31m", "a\\nb", "日本 🎉", ""])
def test_letters(fwdrev_gate, x):
    {GATE}

def test_async(fwdrev_gate):
    async def main():
        {GATE}
    asyncio.run(main())
"""


@report(OURS)
@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("-q",),
        ("-qq",),
        ("-x",),
        STRICT,
        ("--assert=plain",),
        ("--import-mode=importlib",),
        ("--strict-markers", "--strict-config"),
        ("-o", "disable_test_id_escaping_and_forfeit_all_rights_to_community_support=true"),
        ("--junitxml=junit.xml",),
    ],
    ids=" ".join,
)
def test_habits(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """Classes of unittest, odd names and coroutines work under these options: each gate has its line."""
    pytester.makepyfile(HABITS)
    result = pytester.runpytest_inprocess(*PLUGIN, *arguments)
    assert result.ret == 0
    assert len([line for line in result.outlines if "within: f takes" in line]) == 7


@report(OURS)
@pytest.mark.parametrize("arguments", [("--collect-only",), ("-p", "no:terminal")])
def test_where_nothing_is_shown(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    """The gate measures nothing, or prints nothing; both end well."""
    pytester.makepyfile(HABITS)
    result = pytester.runpytest_inprocess(*PLUGIN, *arguments)
    assert result.ret == 0
    assert said(result) == []


@report(OURS)
def test_a_first_failure_ends_the_run(pytester: pytest.Pytester) -> None:
    """The gate prints its line."""
    pytester.makepyfile(
        f"def test_a(fwdrev_gate):\n    {GATE.replace('1.0', '2.0', 1)}\ndef test_b(fwdrev_gate):\n    {GATE}\n"
    )
    result = pytester.runpytest_inprocess(*PLUGIN, "-x")
    result.assert_outcomes(failed=1)
    assert said(result) == ["test_a: regressed"]


@report(OURS)
@pytest.mark.parametrize(
    "encoding", ["ascii", *(pytest.param(one, marks=pytest.mark.long) for one in ("latin-1", "cp1252"))]
)
def test_a_terminal_that_knows_few_letters(tmp_path: Path, encoding: str) -> None:
    """The terminal shows substitutes for the division sign and the ellipsis, and the outcome is the same."""
    (tmp_path / "test_it.py").write_text("def test(fwdrev_gate): fwdrev_gate(list, dict, max_ratio=1e6)\n")
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONIOENCODING": encoding, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert b"test_it.py::test: within: " in done.stdout
