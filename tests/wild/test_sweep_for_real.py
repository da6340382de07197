"""Small sweeps in odd surroundings, run as users do: they measure, or one line gives the reason."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from fwdrev.bench import Status
from fwdrev.results import load
from tests.command import fwdrev, started
from tests.plugin import install_plugin
from tests.wild.reports import OURS, report

ONE = ("--inputs", "8", "--outputs", "4", "--rounds", "1", "--blocks", "2", "--engines", "forward")
PATIENCE = 120.0
"""Seconds after which something probably hangs."""

NOISY = 'import sys; sys.stdout.write("welcome to this machine"); sys.stdout.flush()'
WORKER_ONLY = 'import sys\nif "fwdrev.bench.workers.sweep_worker" in sys.orig_argv:\n    sys.modules["mmap"] = None\n'
REFUSED = "cannot start: it ended with exit code 1: ModuleNotFoundError: import of mmap halted"

TINY_DISK = """
set -e
mount -t tmpfs -o size=12k none "$1"
"$2" -m fwdrev sweep --out "$1/run" --inputs 8 --outputs 4 --rounds 1 --blocks 2 --engines forward || echo "ended $?"
ls "$1"
"""


def _python(code: str, folder: Path) -> str:
    """A PYTHONPATH on which `site` runs this code at each start."""
    (folder / "sitecustomize.py").write_text(code)
    return os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))


@report("apache/spark#20519")
@pytest.mark.parametrize("level", ["", pytest.param("2", marks=pytest.mark.long)])  # else Python compiles all anew
def test_a_site_that_prints_and_variables_that_mean_nothing(tmp_path: Path, level: str) -> None:
    """A worker's answers are separate from other output; meaningless variables are ignored."""
    env = {
        "PYTHONPATH": _python(NOISY, tmp_path),
        "PYTHONOPTIMIZE": level,
        "PYTHONWARNINGS": "error",
        "PYTHONUNBUFFERED": "1",
        "TMPDIR": str(tmp_path / "none"),
        "OMP_NUM_THREADS": "many",
        "LD_PRELOAD": str(tmp_path / "none.so"),
        "JAX_RAISE_PERSISTENT_CACHE_ERRORS": "1",
    }
    done = started("sweep", *ONE, "--out", tmp_path / "run", cwd=tmp_path, env=env, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    assert {arm.status for o in load(tmp_path / "run").observations for arm in o.arms.values()} == {Status.MEASURED}


@report(OURS)
@pytest.mark.parametrize(
    ("code", "variables", "part"),
    [
        (WORKER_ONLY, {}, REFUSED),
        pytest.param(
            "",
            {"XLA_FLAGS": "--xla_no_such_flag=1"},
            "Unknown flag in XLA_FLAGS: --xla_no_such_flag=1; correct XLA_FLAGS",
            marks=pytest.mark.long,
        ),
    ],
)
def test_workers_that_cannot_start(tmp_path: Path, code: str, variables: Mapping[str, str], part: str) -> None:
    """One line says where to look; no engine counts as crashed, and nothing remains."""
    env = {"PYTHONPATH": _python(code, tmp_path), **variables}
    done = fwdrev("sweep", *ONE, "--out", tmp_path / "run", env=env)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert part in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "run").exists()


@report("golang/go#58765")
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """A file system of three pages, if we may mount one."""
    unshare = shutil.which("unshare")
    mounts = unshare and subprocess.run([unshare, "-rm", "true"], check=False, capture_output=True).returncode == 0
    if not unshare or not mounts:
        pytest.skip("nothing can be mounted here")
    script = ["/bin/sh", "-c", TINY_DISK, "sh", str(tmp_path), sys.executable]
    done = subprocess.run([unshare, "-rm", *script], check=False, capture_output=True, text=True, timeout=PATIENCE)
    assert done.stdout == "ended 2\n", done.stderr
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


@pytest.fixture
def sleeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """A sweep that measures three cells and hangs in the fourth, in its first pass or first round."""
    install_plugin(tmp_path, monkeypatch)
    return ("--inputs", "4", "--outputs", "2,6", "--engines", "forward,sleeping", "--out", str(tmp_path / "run"))


def _until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _begun(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fwdrev", "sweep", *arguments]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=folder)


def _hangs(run: Path) -> bool:
    """The journal has the small cell, and the check of the other one has begun."""
    journal = run / "journal.jsonl"
    return journal.exists() and journal.stat().st_size > 0 and bool(list(run.glob("scratch/reference-4-6*")))


@pytest.mark.long
@report(OURS)
def test_a_worker_that_an_operator_ends(tmp_path: Path, sleeping: tuple[str, ...]) -> None:
    """An operator's `kill` says nothing about the engine at work."""
    sweep, run = _begun(tmp_path, *sleeping), tmp_path / "run"
    _until(lambda: _hangs(run) and psutil.Process(sweep.pid).children())
    for worker in psutil.Process(sweep.pid).children():
        worker.terminate()
    _, errors = sweep.communicate(timeout=PATIENCE)
    assert sweep.returncode == 2, errors
    assert "ended from outside, with signal SIGTERM; what was measured is kept; go on with: fwdrev" in errors
    assert [list(o.arms) for o in load(run).observations] == [["forward", "sleeping"]]


@pytest.mark.parametrize(
    ("begun", "number", "times", "code"),
    [
        pytest.param("starting", signal.SIGINT, 1, 130, marks=report("sosy-lab/benchexec#874")),
        pytest.param(
            "starting", signal.SIGTERM, 2, 143, marks=[report("airspeed-velocity/asv#1511"), pytest.mark.long]
        ),
        pytest.param("measuring", signal.SIGINT, 5, 130, marks=[report("maaku/webminer#18"), pytest.mark.long]),
        pytest.param("measuring", signal.SIGTERM, 2, 143, marks=report("sharkdp/hyperfine#9")),
    ],
)
def test_a_sweep_that_is_ended(
    tmp_path: Path, sleeping: tuple[str, ...], begun: str, number: int, times: int, code: int
) -> None:
    """Ended during start-up or later, once or by an impatient user: no process stays, and it says how to resume."""
    sweep, run = _begun(tmp_path, *sleeping), tmp_path / "run"
    scratch = run / "scratch"
    _until(lambda: _hangs(run) if begun == "measuring" else scratch.exists() and list(scratch.glob("*.log")))
    workers = psutil.Process(sweep.pid).children(recursive=True)
    for _ in range(times):
        sweep.send_signal(number)
        time.sleep(0.002)
    _, errors = sweep.communicate(timeout=PATIENCE)
    late = 128 - sweep.returncode  # a signal while Python shuts down ends it by that signal
    assert code in {sweep.returncode, late}, errors
    assert "Traceback" not in errors
    kept = f"interrupted; what was measured is kept; go on with: fwdrev sweep --resume {run}"
    assert (kept if begun == "measuring" else "interrupted; ") in errors
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert (alive, scratch.exists()) == ([], False)
