"""`fwdrev baseline` and `fwdrev check --baseline`: files, exit codes, and messages for bad input."""

import json
import os
import re
import shutil
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench.records.observation import ArmResult, Cell, Observation, Status
from fwdrev.results import load
from fwdrev.results.gate.baseline.file import load_baseline
from tests.command import fwdrev
from tests.doubles.scripted_executor import ScriptedExecutor
from tests.doubles.workers_here import workers_here
from tests.scripted import on_disk, scripted_run, scripted_sweeps, slowed, with_counts

CHECKS = Path(os.environ["XDG_CACHE_HOME"]) / "fwdrev" / "checks"
"""The folder in which a check measures."""


@pytest.fixture(scope="module")
def kept(measured: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a real run and its baseline; the tests only add to it."""
    folder = tmp_path_factory.mktemp("kept")
    shutil.copytree(measured, folder / "run")
    done = fwdrev("baseline", "run", "-o", "baseline.json", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "4 cells, 2 arms, 4 ratios, 2 crossovers" in done.stdout
    assert "compare:  fwdrev check --baseline baseline.json" in done.stdout
    return folder


def written(folder: Path, **factors: float) -> Path:
    """A scripted run on disk, with the same true times but for these factors."""
    made = slowed(with_counts(scripted_run(len(factors), noise=0.01, inputs="64", outputs="16,64")), **factors)
    return on_disk(folder, made)


def test_a_run_beside_its_own_baseline(kept: Path) -> None:
    """The code is 0, and nothing is measured; the JSON has every finding."""
    done = fwdrev("check", "--baseline", "baseline.json", "--run", "run", "--json", cwd=kept)
    assert (done.returncode, done.stderr) == (0, "")
    data = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (data["exit_code"], data["outcome"], data["run"]) == (0, "unchanged", "run")
    assert [told["subject"] for told in data["told"][:2]] == ["forward at n = 8, m = 2", "reverse at n = 8, m = 2"]


def test_a_baseline_is_measured_anew(kept: Path, tmp_path: Path) -> None:
    """The folder of the new run is removed with the check; the loose threshold rules out code 1."""
    shutil.copy(kept / "baseline.json", tmp_path)
    with workers_here():
        done = fwdrev("check", "--baseline", "baseline.json", "--threshold", "900%", cwd=tmp_path)
    assert done.returncode in {0, 3}, done.stderr + done.stdout
    assert done.stdout.startswith("baseline baseline.json, measured anew; threshold 900 %\n")
    assert "counts changed" not in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.json"]
    assert list(CHECKS.iterdir()) == []


def test_what_is_measured_is_kept_where_asked(kept: Path, tmp_path: Path) -> None:
    """The new run is an ordinary one of the same spec; only fresh rounds may appear beside it."""
    shutil.copy(kept / "baseline.json", tmp_path)
    with scripted_sweeps():
        done = fwdrev("check", "--baseline", "baseline.json", "--threshold", "900%", "--out", "today", cwd=tmp_path)
    assert done.returncode in {0, 3}, done.stderr + done.stdout
    assert "measuring what baseline.json has, into today" in done.stderr
    assert load(tmp_path / "today").spec == load(kept / "run").spec
    assert {path.name for path in tmp_path.iterdir()} <= {"baseline.json", "today", "today-again"}


def test_more_operations_fail(kept: Path) -> None:
    """With a lower count in the file, the code is 1, and the message has both numbers."""
    text = (kept / "baseline.json").read_text()
    count = re.search(r'"n": 8, "m": 2, "arm": "forward", "multiply_adds": (\d+)', text)
    assert count is not None
    (kept / "fewer.json").write_text(text.replace(count[0], count[0].replace(count[1], "7")))
    done = fwdrev("check", "--baseline", "fewer.json", "--run", "run", cwd=kept)
    assert done.returncode == 1
    row = next(line for line in done.stdout.splitlines() if "forward at n = 8, m = 2" in line)
    assert row.startswith("counts changed")
    assert row.endswith(f"multiply adds 7 → {int(count[1]):,}")
    assert done.stdout.splitlines()[-1] == "outcome: regressed"


def test_a_slower_engine_fails(tmp_path: Path) -> None:
    """On the baseline's machine the code is 1, elsewhere 3; an accepted slow-down does not count."""
    written(tmp_path / "before")
    written(tmp_path / "after", forward=1.3)
    assert fwdrev("baseline", "before", "-o", "here.json", cwd=tmp_path).returncode == 0
    text = (tmp_path / "here.json").read_text()
    (tmp_path / "elsewhere.json").write_text(text.replace("a <script>machine</script>", "another"))
    for file, threshold, code in (("here", "5%", 1), ("elsewhere", "5%", 3), ("here", "100%", 0)):
        options = ("--baseline", f"{file}.json", "--run", "after", "--threshold", threshold)
        done = fwdrev("check", *options, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        assert ("forward became slower against reverse" in done.stdout) == (code == 1)


def test_nothing_to_compare(kept: Path, tmp_path: Path) -> None:
    """Another problem, other engines or other cells give code 4 and a line with the reason."""
    plane: dict[str, Any] = {"inputs": "8,32", "outputs": "2,16", "rounds": 3}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("mlp", {"problem": "mlp"}, "another problem"),
        ("jax", {"engines": ["jax-jvp"]}, "arms forward, reverse"),
        ("large", {"inputs": "16"}, "4 of 4 cells"),
    ]
    for name, fields, why in cases:
        made = scripted_run(**plane | fields)
        on_disk(tmp_path / name, made)
        done = fwdrev("check", "--baseline", "baseline.json", "--run", tmp_path / name, cwd=kept)
        assert done.returncode == 4, done.stdout
        assert why in done.stdout
        assert done.stdout.splitlines()[-1] == "outcome: nothing to compare"


def test_an_engine_that_is_gone(kept: Path) -> None:
    """The check fails, as nothing to compare, unless that is allowed; the others are compared anyway."""
    text = (kept / "baseline.json").read_text()
    (kept / "gone.json").write_text(text.replace('"reverse"', '"revers"'))
    arguments = ("check", "--baseline", "gone.json", "--run", "run", "--github")
    done = fwdrev(*arguments, cwd=kept)
    assert done.returncode == 4, done.stdout + done.stderr
    assert "missing  revers   in the baseline; no engine has this name here" in done.stdout
    assert "::error title=fwdrev check%3A missing::revers: in the baseline" in done.stdout
    done = fwdrev(*arguments, "--allow-missing", cwd=kept)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "missing  revers   in the baseline; no engine has this name here" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("check", 2, "give what to compare with: --against REV, or --baseline FILE"),
        ("check --run run", 2, "--run run goes with --baseline FILE"),
        ("check --out new", 2, "--out new goes with --baseline FILE"),
        ("check --baseline baseline.json --run run --out new", 2, "--run run and --out new: a run that is there"),
        ("check --baseline baseline.json --out run", 2, "run exists already: give --out a new folder"),
        ("check --against HEAD --run run", 2, "--run run goes with --baseline FILE"),
        ("check --against HEAD --baseline baseline.json", 2, "give one of them"),
        ("check --baseline baseline.json --engines forward", 2, "engines given with --baseline baseline.json"),
        ("check --baseline baseline.json --option depth=2", 2, "options given with --baseline baseline.json"),
        ("check --baseline baseline.json --run run --threshold much", 2, "give a share such as 5% or 0.05"),
        ("check --baseline baseline.json --run run --threshold 5", 2, "did you mean 5%?"),
        ("check --baseline missing.json --run run", 2, "cannot read missing.json (No such file or directory)"),
        ("check --baseline run --run run", 2, "cannot read run (Is a directory)"),
        ("check --baseline run/manifest.json --run run", 2, "run/manifest.json is no baseline, or damaged"),
        ("check --baseline run/journal.jsonl --run run", 2, "is no baseline, or damaged: Extra data"),
        ("check --baseline baseline.json --run missing", 2, "missing is not a run"),
        ("check --baseline unknown.json", 2, "unknown problem 'drivel'"),
        ("baseline missing -o new.json", 2, "missing is not a run"),
        ("baseline run", 2, "'--out'"),
        ("baseline run -o baseline.json", 2, "baseline.json exists already: --force replaces it"),
        ("baseline run -o nowhere/new.json", 2, "cannot write nowhere/new.json"),
        ("baseline empty -o new.json", 4, "empty has no times and no counts"),
    ],
)
def test_bad_input_is_one_line(arguments: str, code: int, said: str, kept: Path) -> None:
    """The code is neither 0 nor 1; nothing is measured or written."""
    text = (kept / "baseline.json").read_text()
    (kept / "unknown.json").write_text(text.replace('"driven"', '"drivel"'))
    (kept / "empty").mkdir(exist_ok=True)
    shutil.copy(kept / "run" / "manifest.json", kept / "empty")
    (kept / "empty" / "journal.jsonl").touch()
    done = fwdrev(*arguments.split(), cwd=kept)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert said in done.stderr
    assert not (kept / "new.json").exists()
    assert not (kept / "runs").exists()


def test_it_is_replaced_when_asked(kept: Path, tmp_path: Path) -> None:
    """--force replaces it; the JSON lists its contents."""
    shutil.copy(kept / "baseline.json", tmp_path)
    done = fwdrev("baseline", kept / "run", "--out", "baseline.json", "--force", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    file = tmp_path / "baseline.json"
    assert json.loads(done.stdout) == {
        "baseline": "baseline.json",
        "bytes": file.stat().st_size,
        "cells": 4,
        "arms": 2,
        "ratios": 4,
        "crossovers": 2,
    }
    assert file.read_bytes() == (kept / "baseline.json").read_bytes()
    assert load_baseline(file).sweep == load(kept / "run").spec


def test_too_few_rounds_are_warned_of(tmp_path: Path) -> None:
    """The warning comes when the baseline is made, in time to add rounds."""
    made = with_counts(scripted_run(inputs="4", outputs="2", rounds=2))
    on_disk(tmp_path / "run", made)
    done = fwdrev("baseline", "run", "-o", "baseline.json", cwd=tmp_path)
    assert done.returncode == 0
    assert "warning: run has no ratio of two arms in three rounds: only counts can be compared" in done.stderr


def test_interrupted(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code is 130; measurements are kept, and a line says how to resume."""
    shutil.copy(kept / "baseline.json", tmp_path)
    with scripted_sweeps():
        monkeypatch.setattr(ScriptedExecutor, "rounds", _interrupted)
        done = fwdrev("check", "--baseline", "baseline.json", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (130, "")
    (run,) = CHECKS.glob("*/run")
    assert len(load(run).observations) == 9
    resume = f"fwdrev sweep --resume {run} && fwdrev check --baseline baseline.json --run {run}"
    assert f"interrupted; what was measured is kept; go on with: {resume}" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["baseline.json"]
    shutil.rmtree(run.parent)


def _interrupted(
    _: ScriptedExecutor, indices: Sequence[int], cells: Sequence[Cell], *_rest: object
) -> Iterator[Observation]:
    """Ctrl-C is pressed after the first cell of the first round."""
    arms = {name: ArmResult(status=Status.MEASURED, loops=1, values=(1.0,) * 3) for name in ("forward", "reverse")}
    yield Observation(round=indices[0], cell=cells[0], arms=arms)
    signal.raise_signal(signal.SIGINT)
