"""Real worker processes: a small plane is measured, wrong engines are not timed, dead workers cost one cell."""

import threading
from pathlib import Path
from typing import Any, NoReturn

import psutil
import pytest

from fwdrev.bench import PREPARING, WEIGHING, LocalExecutor, Observation, Skips, Status, Sweep, make_spec
from fwdrev.bench.machine.environment import worker_environment
from fwdrev.bench.machine.processors import available_cpus
from fwdrev.modes import InputError
from tests.plugin import install_plugin

TINY = {"inputs": "4,8", "outputs": "2,6", "rounds": 2, "blocks": 3, "block_seconds": 1e-4}


def _observed(folder: Path, **fields: Any) -> list[Observation]:
    folder.mkdir(exist_ok=True)
    spec = make_spec(TINY | fields)
    return list(Sweep(spec, LocalExecutor(spec, folder)))


def test_a_small_plane(tmp_path: Path) -> None:
    """Every cell is prepared once and measured in every round, all arms, the same number of values, equal loops."""
    seen = _observed(tmp_path / "scratch")
    assert [o.round for o in seen] == [PREPARING] * 4 + [WEIGHING] * 4 + [0] * 4 + [1] * 4
    for o in seen:
        assert {arm.status for arm in o.arms.values()} == {Status.MEASURED}
        assert list(o.arms) == ["forward", "reverse", "jax-jvp", "jax-vjp"]
    for o in seen[:4]:
        assert all(arm.cost is not None and arm.cost.multiply_adds > 0 for arm in o.arms.values())
        assert all(arm.error is not None and arm.error < 1e-12 for arm in o.arms.values())
    for o in seen[4:8]:
        numpy, jax = o.arms["forward"].memory, o.arms["jax-jvp"].memory
        assert numpy is not None
        assert jax is not None
        assert numpy.allocated is not None
        assert numpy.allocated >= 8 * o.cell.n * o.cell.m
        assert jax.allocated is None
    loops = [
        {(o.cell, name): arm.loops for o in part for name, arm in o.arms.items()} for part in (seen[8:12], seen[12:])
    ]
    assert loops[0] == loops[1]
    assert all(o.seconds is not None and o.seconds > 0 for o in seen)
    for o in seen[8:]:
        assert {len(arm.values) for arm in o.arms.values()} == {3}
        assert all(value > 0 for arm in o.arms.values() for value in arm.values)
    assert {o.cell for o in seen[8:12]} == {o.cell for o in seen[12:]}


@pytest.mark.parametrize("wrt", ["x", "both"])
def test_other_problems_and_wrt(tmp_path: Path, wrt: str) -> None:
    """The check knows them."""
    seen = _observed(tmp_path / "scratch", problem="mlp", wrt=wrt, inputs="3", outputs="2", dtype="float32", rounds=1)
    assert {arm.status for o in seen for arm in o.arms.values()} == {Status.MEASURED}


def test_wrong_engines_are_recorded_and_never_timed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong Jacobian, one of NaN, an exception: each with its reason; the others are measured."""
    install_plugin(tmp_path, monkeypatch)
    seen = _observed(tmp_path / "scratch", engines=["forward", "doubled", "nan", "raising", "null"])
    prepared = {o.cell.m: o.arms for o in seen if o.round == PREPARING}
    assert prepared[2]["doubled"].status is Status.WRONG
    assert "differs from jax.jvp and jax.vjp" in str(prepared[2]["doubled"].reason)
    assert prepared[2]["nan"].status is Status.WRONG
    assert prepared[6]["raising"].status is Status.FAILED
    assert str(prepared[6]["raising"].reason).startswith("RuntimeError: no room for it!")
    assert len(str(prepared[6]["raising"].reason)) == 500
    for o in seen:
        if o.round != PREPARING:
            assert set(o.arms) == {"forward", "null"} | ({"raising"} if o.cell.m == 2 else set())


def test_workers_end_with_the_sweep(tmp_path: Path) -> None:
    """Nobody is left behind when a sweep is given up."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    spec = make_spec(TINY | {"engines": ["forward"]})
    observations = iter(Sweep(spec, LocalExecutor(spec, scratch)))
    next(observations)
    observations.close()  # type: ignore[attr-defined]
    assert psutil.Process().children(recursive=True) == []


@pytest.mark.parametrize("error", [ZeroDivisionError("in a thread"), SystemExit("in a thread")])
def test_what_a_thread_raises_reaches_the_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Whatever it is; no thread and no process stays."""

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
    """Are refused before anything starts."""
    with pytest.raises(InputError, match="threads = 1000: this machine lets us use"):
        LocalExecutor(make_spec({"threads": 1000}), tmp_path)


def test_one_thread_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's own flags stay, ours are added."""
    monkeypatch.setenv("XLA_FLAGS", "--xla_something=1")
    env = worker_environment(make_spec({}), tmp_path)
    assert env["OPENBLAS_NUM_THREADS"] == env["OMP_NUM_THREADS"] == "1"
    assert env["XLA_FLAGS"] == "--xla_something=1 --xla_cpu_multi_thread_eigen=false"
    assert available_cpus()
