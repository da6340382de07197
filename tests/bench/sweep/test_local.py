"""Sweeps on this machine: every cell is measured in every round, in worker processes that end with the sweep."""

import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from fwdrev.bench import PREPARING, WEIGHING, LocalExecutor, Observation, Skips, Status, Sweep, make_spec
from fwdrev.bench.machine.environment import worker_environment
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.modes import InputError, engine
from tests.doubles.workers_here import workers_here

TINY = {"inputs": "4,8", "outputs": "2,6", "rounds": 2, "blocks": 3, "block_seconds": 1e-4}


def _observed(folder: Path, **fields: Any) -> list[Observation]:
    folder.mkdir(exist_ok=True)
    spec = make_spec(TINY | fields)
    return list(Sweep(spec, LocalExecutor(spec, folder)))


@pytest.mark.parametrize("other", ["reverse", pytest.param("jax-vjp", marks=pytest.mark.long)])
def test_a_small_plane(tmp_path: Path, other: str) -> None:
    """Every cell is prepared once and measured in every round, with all arms, equal numbers of values and loops."""
    with workers_here() if other == "reverse" else nullcontext():
        seen = _observed(tmp_path / "scratch", outputs="2", engines=["forward", other])
    assert [o.round for o in seen] == [PREPARING] * 2 + [WEIGHING] * 2 + [0] * 2 + [1] * 2
    prepared, weighed, *rounds = (seen[i : i + 2] for i in range(0, 8, 2))
    for part in (prepared, weighed, *rounds):
        assert {(o.cell.n, o.cell.m) for o in part} == {(4, 2), (8, 2)}
        for o in part:
            assert {name: arm.status for name, arm in o.arms.items()} == dict.fromkeys(
                ["forward", other], Status.MEASURED
            )
            assert o.seconds is not None
            assert o.seconds > 0
    for o in prepared:
        for name, arm in o.arms.items():
            assert arm.cost == engine(name).cost(make_spec(TINY).problem_at(o.cell).chain, "theta")
            assert arm.error is not None
            assert arm.error < 1e-12
    for o in weighed:
        forward, jax = (o.arms[name].memory for name in ("forward", other))
        assert forward is not None
        assert forward.allocated is not None
        assert forward.allocated >= 8 * o.cell.n * o.cell.m
        assert jax is not None
        assert (jax.allocated is None) is (other == "jax-vjp"), "what XLA allocates, tracemalloc does not see"
    loops = [{(o.cell, name): arm.loops for o in part for name, arm in o.arms.items()} for part in rounds]
    assert loops[0] == loops[1]
    for o in seen[4:]:
        assert {len(arm.values) for arm in o.arms.values()} == {3}
        assert all(value > 0 for arm in o.arms.values() for value in arm.values)


@pytest.mark.parametrize("wrt", ["x", "both"])
def test_other_problems_and_wrt(tmp_path: Path, wrt: str) -> None:
    """The check supports them, for both kinds of engines."""
    fields: dict[str, Any] = {"problem": "mlp", "wrt": wrt, "inputs": "3", "outputs": "2", "dtype": "float32"}
    with workers_here():
        seen = _observed(tmp_path / "scratch", rounds=1, engines=["reverse", "jax-jvp"], **fields)
    assert [{name: arm.status for name, arm in o.arms.items()} for o in seen] == [
        {"reverse": Status.MEASURED, "jax-jvp": Status.MEASURED}
    ] * 3


def test_workers_end_with_the_sweep(tmp_path: Path) -> None:
    """No process remains when a sweep is given up."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    spec = make_spec(TINY | {"engines": ["forward"]})
    executor = LocalExecutor(spec, scratch)
    executor._cpus = executor._cpus[-1:]
    observations = iter(Sweep(spec, executor))
    next(observations)
    assert psutil.Process().children() != []
    observations.close()  # type: ignore[attr-defined]
    assert psutil.Process().children(recursive=True) == []


@pytest.mark.parametrize("error", [ZeroDivisionError("in a thread"), SystemExit("in a thread")])
def test_what_a_thread_raises_reaches_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Any exception does; no thread or process remains."""

    def refused(*_: object) -> NoReturn:
        raise error

    spec, before = make_spec(TINY), set(threading.enumerate())
    executor = LocalExecutor(spec, tmp_path)
    monkeypatch.setattr(executor, "_worker", refused)
    with pytest.raises(type(error), match="in a thread"):
        list(executor.prepare(spec.cells, Skips(spec.engines)))
    for thread in set(threading.enumerate()) - before:
        thread.join(10.0)
        assert not thread.is_alive()
    assert psutil.Process().children(recursive=True) == []


def test_more_threads_than_processors(tmp_path: Path) -> None:
    """Too many threads are refused before anything starts."""
    with pytest.raises(InputError, match="threads = 1000: this machine lets us use"):
        LocalExecutor(make_spec({"threads": 1000}), tmp_path)


def test_one_thread_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own flags stay, ours are added."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_something=1")
    env = worker_environment(make_spec({}), tmp_path)
    assert env["OPENBLAS_NUM_THREADS"] == env["OMP_NUM_THREADS"] == "1"
    assert env["XLA_FLAGS"] == "--xla_something=1 --xla_cpu_multi_thread_eigen=false"
    assert available_cpus()
