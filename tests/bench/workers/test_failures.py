"""Engines that fail in every way: each ends as the right record, and everything else is measured."""

from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench import PREPARING, WEIGHING, ArmResult, Cell, LocalExecutor, Skips, Status, Sweep, make_spec
from fwdrev.bench.workers.ledger import Ledger
from tests.doubles.workers_here import workers_here
from tests.plugin import install_plugin

PLANE = {"inputs": "4,8", "outputs": "2,6,9", "rounds": 2, "blocks": 2, "block_seconds": 1e-4}

Found = dict[Cell, dict[int, ArmResult]]
"""The records of an engine, by cell and round."""


def _arms(folder: Path, *engines: str, **fields: Any) -> dict[str, Found]:
    """The records of engines beside `forward`, which was measured everywhere.

    One worker runs at a time, so that findings at small sizes are known at large ones.
    """
    scratch = folder / "scratch"
    scratch.mkdir()
    spec = make_spec(PLANE | {"engines": ["forward", *engines]} | fields)
    executor = LocalExecutor(spec, scratch)
    executor._cpus = executor._cpus[-1:]
    rounds = {(o.round, o.cell): o.arms for o in Sweep(spec, executor)}
    assert set(rounds) == {(index, cell) for index in (PREPARING, WEIGHING, 0, 1) for cell in spec.cells}
    assert {arms["forward"].status for arms in rounds.values()} == {Status.MEASURED}
    found: dict[str, Found] = {name: {cell: {} for cell in spec.cells} for name in engines}
    for (index, cell), arms in rounds.items():
        for name in arms.keys() & found.keys():
            found[name][cell][index] = arms[name]
    return found


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Found]:
    """Engines that kill their worker, all in one sweep: each death belongs to one arm."""
    folder = tmp_path_factory.mktemp("failing")
    with pytest.MonkeyPatch.context() as patched:
        install_plugin(folder, patched)
        return _arms(folder, "killed", "sleeping", "late", outputs="2,6", timeout="6s")


@pytest.mark.parametrize(
    ("engine", "status", "reason"),
    [
        ("killed", Status.CRASHED, "the worker process ended with signal SIGSEGV"),
        ("sleeping", Status.TIMED_OUT, "no answer within 6 s"),
    ],
)
def test_an_engine_that_takes_its_worker_with_it(
    failing: dict[str, Found], engine: str, status: Status, reason: str
) -> None:
    """The engine fails from m = 6 on."""
    _expect_failure(failing[engine], status, reason)


@pytest.mark.long
def test_an_engine_that_allocates_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds in a worker."""
    install_plugin(tmp_path, monkeypatch)
    found = _arms(tmp_path, "greedy", outputs="2,6", memory_limit="200MB")
    _expect_failure(found["greedy"], Status.OUT_OF_MEMORY, "Unable to allocate")


def _expect_failure(found: Found, status: Status, reason: str) -> None:
    """Expects the failure at the smallest sizes, and a skip with their names at larger ones."""
    for cell, expected in {(4, 6): status, (8, 6): Status.SKIPPED}.items():
        ((index, only),) = found[Cell(*cell)].items()
        assert (index, only.status) == (PREPARING, expected)
        told = reason if only.status is status else f"larger than n = 4, m = 6, where it ended: {status.value}"
        assert told in str(only.reason)
    for n in (4, 8):
        assert found[Cell(n, 2)][1].status is Status.MEASURED
        assert len(found[Cell(n, 2)][1].values) == 2


def test_a_death_in_the_middle_of_a_round(failing: dict[str, Found]) -> None:
    """The ledger names the guilty arm, so the others are measured in that round too."""
    found = failing["late"]
    for arms in found.values():
        assert set(arms) == {PREPARING, WEIGHING, 0}
        assert arms[PREPARING].status is Status.MEASURED
    assert found[Cell(4, 2)][0].status is Status.CRASHED
    assert "SIGKILL" in str(found[Cell(4, 2)][0].reason)
    assert {arms[0].status for arms in found.values()} == {Status.CRASHED, Status.SKIPPED}


def test_engines_that_fail_and_let_their_worker_live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong Jacobian, one of NaN, an exception and missing counts are reported in each cell, before timing."""
    install_plugin(tmp_path, monkeypatch)
    with workers_here():
        found = _arms(tmp_path, "doubled", "nan", "raising", "uncounted", "null", memory_limit="1GB")
    for cell, at in found["doubled"].items():
        assert set(at) == set(found["nan"][cell]) == set(found["uncounted"][cell]) == {PREPARING}
        doubled, nan, uncounted = (found[name][cell][PREPARING] for name in ("doubled", "nan", "uncounted"))
        assert doubled.status is nan.status is Status.WRONG
        assert doubled.reason == "its Jacobian differs from jax.jvp and jax.vjp by 1.0e+00, relatively"
        assert str(nan.reason).startswith("its Jacobian is not finite (")
        assert (uncounted.status, uncounted.reason) == (Status.FAILED, "ZeroDivisionError: nobody counted")
        raising = found["raising"][cell]
        if cell.m == 2:
            assert [raising[index].status for index in (PREPARING, WEIGHING, 0, 1)] == [Status.MEASURED] * 4
        else:
            assert set(raising) == {PREPARING}
            assert raising[PREPARING].status is Status.FAILED
            assert str(raising[PREPARING].reason).startswith("RuntimeError: no room for it!")
            assert len(str(raising[PREPARING].reason)) == 500
        assert {arm.status for arm in found["null"][cell].values()} == {Status.MEASURED}


def test_skips_go_through_json() -> None:
    """A worker knows what its executor knows."""
    skips = Skips(["a", "b", "c"])
    skips.note(Cell(4, 4), {"a": ArmResult(status=Status.TIMED_OUT), "b": ArmResult(status=Status.WRONG)})
    again = Skips.from_json(["a", "b", "c"], skips.to_json())
    for each in (skips, again):
        assert each.open(Cell(4, 4)) == ["c"]
        assert each.open(Cell(8, 2)) == ["a", "b", "c"], "neither larger nor smaller"
        assert each.open(Cell(8, 4)) == ["b", "c"], "larger: without what timed out, with what was wrong"
        assert each.barred(Cell(8, 4))["a"].reason == "larger than n = 4, m = 4, where it ended: timed out"
        assert each.barred(Cell(4, 4)) == {}, "it has a record there already"


def test_a_ledger_outlives_its_process(tmp_path: Path) -> None:
    """Any reader of the file knows which arm is running, and which took the longest."""
    ledger = Ledger(tmp_path / "ledger", ["a", "b"])
    assert (ledger.running, ledger.longest) == (None, None)
    ledger.enter("a")
    ledger.enter("b")
    reader = Ledger(tmp_path / "ledger", ["a", "b"])
    assert (reader.running, reader.longest is None) == ("b", False)
    ledger.clear()
    assert (reader.running, reader.longest) == (None, None)
