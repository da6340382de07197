"""A sweep resumes where it stopped: however it ended, no finished cell is lost or measured twice."""

import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from fwdrev.results import load, reopen, times
from tests.command import expect_one_line, fwdrev
from tests.doubles.workers_here import workers_here
from tests.live import until
from tests.plugin import install_plugin

MOMENTS = 6
"""The number of moments at which a sweep is killed."""

SMALL = ("--inputs=8", "--outputs=2,16", "--engines=forward,reverse", "--rounds=3", "--blocks=3")
"""Two cells: ten lines."""


def _lines(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of the journal."""
    journal = folder / "journal.jsonl"
    data = journal.read_text() if journal.exists() else ""
    return [json.loads(line) for line in data[: data.rfind("\n") + 1].splitlines()]


def _killed(folder: Path, more: int, seconds: float) -> list[dict[str, Any]]:
    """Starts or resumes a sweep, kills it with -9 after this many lines and seconds, and returns what it left."""
    before = len(_lines(folder))
    how = ["--resume", str(folder)] if folder.exists() else [*SMALL, "--out", str(folder)]
    command = [sys.executable, "-m", "fwdrev", "sweep", *how]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    until(lambda: process.poll() is not None or (folder.exists() and len(_lines(folder)) >= before + more))
    time.sleep(seconds)
    process.kill()
    _, errors = process.communicate()
    assert process.returncode in {0, -9}, errors
    return _lines(folder)


@pytest.mark.long
def test_kill_9_at_random_moments(tmp_path: Path) -> None:
    """All finished observations are still there, once; the final tables are complete."""
    moments = random.Random(0)
    runs = cut = 0
    for _ in range(MOMENTS):
        folder = tmp_path / f"run-{runs}"
        before = _lines(folder)
        after = _killed(folder, moments.randrange(5), moments.uniform(0.0, 0.3))
        assert after[: len(before)] == before, "what was finished stays as it was"
        keys = Counter((line["round"], line["n"], line["m"]) for line in after)
        assert set(keys.values()) <= {1}, "nothing is measured twice"
        cut += 0 < len(after) < 10
        runs += len(after) == 10
    assert cut >= MOMENTS / 4, "the moments fall into the sweep"
    for folder in tmp_path.glob("run-*"):
        with workers_here():
            assert fwdrev("sweep", "--resume", folder).returncode == 0
        run = load(folder)
        assert run.warnings == ()
        assert {(o.round, o.cell) for o in run.observations} == {(r, c) for r in range(-2, 3) for c in run.spec.cells}
        assert set(times(run)["rounds"]) == {3}
        assert not (folder / "scratch").exists()


@pytest.fixture
def finished(measured: Path, tmp_path: Path) -> Path:
    """A sweep that has ended."""
    return Path(shutil.copytree(measured, tmp_path / "finished"))


def test_rounds_can_be_added(finished: Path) -> None:
    """New rounds use the loop counts of the first round, and leave earlier lines untouched."""
    before = _lines(finished)
    with workers_here():
        done = fwdrev("sweep", "--resume", finished, "--rounds", "5", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["outcome"] == "all 5 rounds of 4 cells are done"
    after = _lines(finished)
    assert after[: len(before)] == before
    assert Counter(line["round"] for line in after) == dict.fromkeys(range(-2, 5), 4)
    loops = {
        json.dumps({name: arm["loops"] for name, arm in line["arms"].items()})
        for line in after
        if line["round"] >= 0 and (line["n"], line["m"]) == (8, 2)
    }
    assert len(loops) == 1
    again = json.loads(fwdrev("sweep", "--resume", finished, "--json").stdout)
    assert again["measuring_seconds"] == 0, "there is nothing left to do"
    assert _lines(finished) == after


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("--option", "depth=3"), "--option cannot be given with --resume"),
        (("--inputs", "4"), "--inputs cannot be given with --resume"),
        (("--out", "elsewhere"), "--out cannot be given with --resume"),
        (("--quick",), "--quick cannot be given with --resume"),
        (("--rigorous",), "--rigorous cannot be given with --resume"),
        (("--rounds", "2"), "rounds can be added, not taken away"),
        (("--rounds", "99999999"), "rounds = 99999999"),
    ],
)
def test_what_cannot_be_resumed(finished: Path, arguments: tuple[str, ...], part: str) -> None:
    """Such a run is clearly refused and left untouched."""
    before = [path.read_bytes() for path in sorted(finished.iterdir()) if path.is_file()]
    expect_one_line(fwdrev("sweep", "--resume", finished, *arguments), 2, part)
    assert [path.read_bytes() for path in sorted(finished.iterdir()) if path.is_file()] == before


@pytest.mark.parametrize(
    ("key", "value", "part"),
    [
        ("cpu_model_name", "another one", "was measured with cpu_model_name another one, here it is"),
        ("versions", {"numpy": "0.1"}, "was measured without "),
    ],
)
def test_another_machine(finished: Path, tmp_path: Path, key: str, value: object, part: str) -> None:
    """A run of another machine is refused, with the first difference."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes((finished / "journal.jsonl").read_bytes())
    manifest = json.loads((finished / "manifest.json").read_text())
    manifest["machine"][key] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))
    expect_one_line(fwdrev("sweep", "--resume", folder), 2, part)


def test_no_run_to_resume(tmp_path: Path) -> None:
    """A folder without a run is refused."""
    expect_one_line(fwdrev("sweep", "--resume", tmp_path / "none"), 2, "is not a run: cannot read manifest.json")


def test_two_sweeps_into_one_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is refused while the first runs, new or resumed; a killed sweep frees the folder.

    Its lock is free, every line of its journal stays, and its worker ends, even one that would sleep forever.
    """
    install_plugin(tmp_path, monkeypatch)
    folder = tmp_path / "run"
    hangs = ("--inputs", "4", "--outputs", "2,6", "--engines", "forward,sleeping", "--rounds", "1000")
    command = [sys.executable, "-m", "fwdrev", "sweep", *hangs, "--out", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: any(folder.glob("scratch/reference-4-6*")) and len(_lines(folder)) == 1)
        expect_one_line(fwdrev("sweep", "--resume", folder), 2, f"another sweep is measuring {folder}")
        expect_one_line(fwdrev("sweep", *SMALL, "--out", folder), 2, "exists already")
        workers = psutil.Process(process.pid).children(recursive=True)
    finally:
        process.kill()
        process.wait()
    with reopen(folder, {}, load(folder).machine) as (_, run):
        assert run.spec.rounds == 1000
        assert len(run.observations) == 1
    assert workers
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert alive == []
