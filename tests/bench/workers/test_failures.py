"""Engines that fail in every way: each ends as the right record, and everything else is measured."""

from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench import PREPARING, ArmResult, Cell, LocalExecutor, Skips, Status, Sweep, make_spec
from fwdrev.bench.workers.ledger import Ledger
from tests.plugin import install_plugin

PLANE = {"inputs": "4,8", "outputs": "2,6,9", "rounds": 2, "blocks": 2, "block_seconds": 1e-4}


def _arms(folder: Path, engine: str, **fields: Any) -> dict[Cell, dict[int, ArmResult]]:
    """What was recorded of an engine that was measured beside `forward`; `forward` was measured everywhere."""
    scratch = folder / "scratch"
    scratch.mkdir()
    spec = make_spec(PLANE | {"engines": ["forward", engine]} | fields)
    seen = list(Sweep(spec, LocalExecutor(spec, scratch)))
    rounds = {(o.round, o.cell): o.arms for o in seen}
    for cell in spec.cells:
        for index in (PREPARING, 0, 1):
            assert rounds[index, cell]["forward"].status is Status.MEASURED
    found: dict[Cell, dict[int, ArmResult]] = {cell: {} for cell in spec.cells}
    for (index, cell), arms in rounds.items():
        if engine in arms:
            found[cell][index] = arms[engine]
    return found


@pytest.fixture(autouse=True)
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin(tmp_path, monkeypatch)


def _expect_barred(found: dict[Cell, dict[int, ArmResult]], status: Status, reason: str) -> None:
    """It failed from m = 6 on: recorded so at the smallest sizes, skipped with their name at larger ones."""
    assert found[Cell(4, 6)][PREPARING].status is status
    assert reason in str(found[Cell(4, 6)][PREPARING].reason)
    for cell in (Cell(4, 9), Cell(8, 6), Cell(8, 9)):
        (only,) = found[cell].values()
        assert only.status in {status, Status.SKIPPED}, "two workers may run into it at the same time"
        if only.status is Status.SKIPPED:
            assert f"where it ended: {status.value}" in str(only.reason)
    assert Status.SKIPPED in {arm.status for arms in found.values() for arm in arms.values()}
    for n in (4, 8):
        assert found[Cell(n, 2)][1].status is Status.MEASURED
        assert len(found[Cell(n, 2)][1].values) == 2


def test_a_segfault(tmp_path: Path) -> None:
    """Crashed, with the signal."""
    reason = "the worker process ended with signal SIGSEGV"
    _expect_barred(_arms(tmp_path, "killed"), Status.CRASHED, reason)


def test_memory_without_end(tmp_path: Path) -> None:
    """Out of memory, at the limit and not at the machine's."""
    _expect_barred(_arms(tmp_path, "greedy", memory_limit="200MB"), Status.OUT_OF_MEMORY, "Unable to allocate")


def test_sleep_for_ever(tmp_path: Path) -> None:
    """Timed out."""
    _expect_barred(_arms(tmp_path, "sleeping", timeout="1500ms"), Status.TIMED_OUT, "no answer within 1.5 s")


@pytest.mark.parametrize("engine", ["doubled", "nan"])
def test_a_wrong_jacobian(tmp_path: Path, engine: str) -> None:
    """Wrong in each cell, found before anything is timed, and by how much; NaN is as wrong as can be."""
    found = _arms(tmp_path, engine)
    for arms in found.values():
        (only,) = arms.values()
        assert only.status is Status.WRONG
        if engine == "nan":
            assert str(only.reason).startswith("its Jacobian is not finite (")
        else:
            assert only.reason == "its Jacobian differs from jax.jvp and jax.vjp by 1.0e+00, relatively"


def test_a_death_in_the_middle_of_a_round(tmp_path: Path) -> None:
    """The ledger says whose fault it was, so the other arm is measured in that round too."""
    found = _arms(tmp_path, "late")
    for arms in found.values():
        assert arms[PREPARING].status is Status.MEASURED
        assert arms[0].status in {Status.CRASHED, Status.SKIPPED}
        assert 1 not in arms
    assert "SIGKILL" in str(found[Cell(4, 2)][0].reason)


def test_an_engine_that_cannot_count(tmp_path: Path) -> None:
    """Failed, with what it raised."""
    for arms in _arms(tmp_path, "uncounted").values():
        assert {arm.reason for arm in arms.values()} == {"ZeroDivisionError: nobody counted"}


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
    """Whoever opens the file knows which arm was running, and which has used most."""
    ledger = Ledger(tmp_path / "ledger", ["a", "b"])
    assert (ledger.running, ledger.longest) == (None, None)
    ledger.enter("a")
    ledger.enter("b")
    reader = Ledger(tmp_path / "ledger", ["a", "b"])
    assert (reader.running, reader.longest is None) == ("b", False)
    ledger.clear()
    assert (reader.running, reader.longest) == (None, None)
