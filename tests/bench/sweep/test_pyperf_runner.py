"""The protocol of pyperf: pyperf.Runner measures each arm of each cell; journal and failures look the same."""

import json
from pathlib import Path

import pytest

from fwdrev.bench import PREPARING, Status, make_spec
from fwdrev.bench.machine.environment import PASSED_ON
from fwdrev.bench.sweep.pyperf_runner import PyperfExecutor
from fwdrev.bench.sweep.runner import Sweep
from fwdrev.results import load
from tests.command import expect_one_line, fwdrev
from tests.doubles.workers_here import workers_here
from tests.plugin import install_plugin

ONE = {"inputs": "4", "outputs": "2", "protocol": "pyperf", "rounds": 2, "effort": "fast"}


@pytest.mark.parametrize("right", ["forward", pytest.param("jax-vjp", marks=pytest.mark.long)])
def test_a_cell_by_pyperf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str) -> None:
    """A cell has as many rounds as processes, with pyperf's number of values; an arm that dies there is recorded so."""
    install_plugin(tmp_path, monkeypatch)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    spec = make_spec(ONE | {"engines": [right, "late"]})
    with workers_here():
        seen = {o.round: o for o in Sweep(spec, PyperfExecutor(spec, scratch))}
    assert seen[PREPARING].arms["late"].status is Status.MEASURED
    for index in (0, 1):
        arm = seen[index].arms[right]
        assert arm.status is Status.MEASURED
        assert len(arm.values) == 2
        assert arm.loops >= 1
    assert seen[0].arms["late"].status is Status.CRASHED
    assert "late" not in seen[1].arms


@pytest.mark.long
def test_the_command_takes_it(tmp_path: Path) -> None:
    """The folder is the same, and the run can be resumed cell by cell."""
    arguments = ["sweep", "--protocol", "pyperf", "--fast", "--rounds", "1", "--inputs", "4", "--outputs", "2"]
    with workers_here():
        done = fwdrev(*arguments, "--engines", "forward", "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "run" / "journal.jsonl").read_text().splitlines()
    (tmp_path / "run" / "journal.jsonl").write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:40])
    done = fwdrev("sweep", "--resume", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["failures"] == []
    assert [o.round for o in load(tmp_path / "run").observations] == [-1, -2, 0]


def test_effort_is_that_of_pyperf() -> None:
    """The default is 20 processes of 3 values; --fast halves, --rigorous doubles them; paired rounds likewise."""
    rounds = {
        (protocol, effort): make_spec({"protocol": protocol, "effort": effort}).rounds
        for protocol in ("pyperf", "paired")
        for effort in ("fast", "normal", "rigorous")
    }
    assert list(rounds.values()) == [10, 20, 40, 5, 10, 20]
    assert make_spec({"effort": "fast", "rounds": 7}).rounds == 7


def test_bad_combinations(tmp_path: Path) -> None:
    """One line refuses each."""
    expect_one_line(fwdrev("sweep", "--rigorous", "--fast", cwd=tmp_path), 2, "--rigorous and --fast: give one of them")
    done = fwdrev("sweep", "--protocol", "pyperf", "--budget", "5s", cwd=tmp_path)
    expect_one_line(done, 2, "precision and budget go with protocol paired")
    expect_one_line(fwdrev("sweep", "--device", "gpu", cwd=tmp_path), 2, "device = gpu: JAX finds no GPU here")
    assert list(tmp_path.iterdir()) == []


def test_what_pyperf_would_drop_is_passed_on(tmp_path: Path) -> None:
    """pyperf's command line keeps every variable of our workers."""
    from fwdrev.bench.machine.environment import worker_environment

    given = worker_environment(make_spec({}), tmp_path)
    ours = {name for name in given if name.startswith(PASSED_ON)}
    assert {
        "XLA_FLAGS",
        "JAX_ENABLE_X64",
        "JAX_COMPILATION_CACHE_DIR",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
    } <= ours
