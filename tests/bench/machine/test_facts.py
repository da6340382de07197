"""How `fwdrev doctor` examines a machine: files, processes and settings, and the command as a user runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fwdrev.bench.machine import facts
from fwdrev.bench.machine.facts import blas, frequency, pyperf_says
from fwdrev.bench.processes.process import ask
from fwdrev.bench.processes.signals import signals_deferred
from fwdrev.bench.records.machine import Blas, Frequency, PyperfSays
from fwdrev.modes import InputError
from tests.command import expect_one_line, fwdrev
from tests.doubles.instant import instant
from tests.results.test_doctor import SHOWN


def test_frequency_is_read_from_sys(tmp_path: Path) -> None:
    """Missing files do not matter."""
    assert frequency(tmp_path / "none") == Frequency(governors=(), turbo=None)
    for cpu, governor in (("cpu0", "powersave"), ("cpu1", "performance"), ("cpu12", "powersave")):
        folder = tmp_path / cpu / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(governor + "\n")
    assert frequency(tmp_path) == Frequency(governors=("performance", "powersave"), turbo=None)
    (tmp_path / "cpufreq").mkdir()
    for text, turbo in (("1\n", True), ("0\n", False)):
        (tmp_path / "cpufreq" / "boost").write_text(text)
        assert frequency(tmp_path).turbo is turbo
    (tmp_path / "intel_pstate").mkdir()
    for text, turbo in (("1\n", False), ("0\n", True)):
        (tmp_path / "intel_pstate" / "no_turbo").write_text(text)
        assert frequency(tmp_path).turbo is turbo


def test_pyperf_is_understood() -> None:
    """Missing sections are empty."""
    assert pyperf_says(SHOWN).warnings == ("Turbo Boost (MSR): [Errno 2] No such file",)
    assert pyperf_says("OK! System ready for benchmarking\n") == PyperfSays(advices=(), warnings=(), problem=None)
    assert pyperf_says("", "no answer in 15 s").problem == "no answer in 15 s"


def test_blas_settings_that_choose_kernels() -> None:
    """Numbers of threads do not count, since workers set them."""
    seen = blas("b", {"OPENBLAS_NUM_THREADS": "7", "OPENBLAS_CORETYPE": "Zen", "HOME": "x", "MKL_CBWR": "AVX2"})
    assert seen == Blas(name="b", threads=1, settings={"MKL_CBWR": "AVX2", "OPENBLAS_CORETYPE": "Zen"})


def test_facts_that_a_system_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The load average may be missing, and JAX may not start."""
    (tmp_path / "jax.py").write_text("raise ImportError('no such library')")

    def none() -> tuple[float, float, float]:
        raise OSError

    monkeypatch.setattr(os, "getloadavg", none)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = facts.machine()
    assert found.load is None
    assert found.xla.problem == "ImportError: no such library"


def test_a_process_that_says_why_it_cannot() -> None:
    """The problem is the last line of its errors, or its signal."""
    assert ask(["-c", "1/0"], dict(os.environ), 60.0).problem == "ZeroDivisionError: division by zero"
    assert ask(["-c", "raise SystemExit(3)"], dict(os.environ), 60.0).problem == "ended with exit code 3"
    assert ask(["-c", "import os; os.abort()"], dict(os.environ), 60.0).problem == "ended with signal SIGABRT"


@pytest.mark.long
def test_a_stuck_process_goes_with_all_that_it_started(tmp_path: Path) -> None:
    """The process and its children end after its time-out."""
    told = tmp_path / "pid"
    sleeper = f"""
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path({str(told)!r}).write_text(str(child.pid))
time.sleep(600)
"""
    assert ask(["-c", sleeper], dict(os.environ), 3.0).problem == "no answer in 3 s"
    assert _gone(int(told.read_text()))


def test_the_command_in_json() -> None:
    """The command looks, measures the noise (replaced here), and answers; no finding is an error."""
    with instant():
        done = fwdrev("doctor", "--seconds", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "measuring the noise for 1 s: leave the machine alone meanwhile\n"
    data = json.loads(done.stdout, parse_constant=pytest.fail)
    assert [row["name"] for row in data["findings"]] == [
        "cores", "load", "frequency", "blas", "settings", "timer", "xla", "pinning", "times", "noise", "pyperf",
    ]  # fmt: skip
    assert data["fit"] == all(row["status"] != "warning" for row in data["findings"])
    assert data["noise"]["processes"] >= 4


@pytest.mark.parametrize("seconds", ["0.5", "601", "-1", "nan", "inf"])
def test_seconds_out_of_range(seconds: str) -> None:
    """Such seconds are refused at once, in one line."""
    expect_one_line(fwdrev("doctor", "--seconds", seconds), 2, f"seconds = {float(seconds):g}: give a number from 1 to")


def test_help_has_an_example() -> None:
    """Words in place of a number get one line too."""
    assert "Example: fwdrev doctor --json" in fwdrev("doctor", "--help").stdout
    expect_one_line(fwdrev("doctor", "--seconds", "long"), 2, "Invalid value for '--seconds'")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.long)]
)
def test_interrupted_it_leaves_nothing_behind(number: signal.Signals, code: int) -> None:
    """Ctrl-C may come during any process of the noise measurement."""
    command = [sys.executable, "-m", "fwdrev", "doctor", "--seconds", "600"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("measuring the noise")
        while not (children := psutil.Process(process.pid).children(recursive=True)):
            time.sleep(0.01)
        process.send_signal(number)
        output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == code
    assert (output, "Traceback" in errors) == ("", False)
    assert all(_gone(left.pid) for left in children)


def test_signals_wait_while_a_process_is_started() -> None:
    """Without deferred signals, an unregistered process would go on alone; afterwards the old handlers are back."""
    before, at_the_end = signal.getsignal(signal.SIGINT), False

    def start() -> None:
        nonlocal at_the_end
        with signals_deferred():
            signal.raise_signal(signal.SIGINT)
            at_the_end = True

    with pytest.raises(KeyboardInterrupt):
        start()
    assert at_the_end
    assert signal.getsignal(signal.SIGINT) is before


def _gone(pid: int) -> bool:
    """Whether it has ended, or ends now; a zombie counts as ended."""
    for _ in range(500):
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.01)
    return False


def test_input_error_is_what_the_command_raises() -> None:
    """The error comes before anything starts."""
    from fwdrev.cli.doctor import doctor

    with pytest.raises(InputError, match="give a number from 1 to 600"):
        doctor(seconds=0.0)
