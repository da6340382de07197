"""Every arm of every cell is accounted for: losses through threads, workers and engines are reported."""

import errno
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fwdrev.bench import PREPARING, WEIGHING, Cell, LocalExecutor, Skips, Status, Sweep, make_spec
from fwdrev.bench.records.observation import ArmResult
from fwdrev.bench.sweep.pyperf_runner import PyperfExecutor
from tests.wild.reports import OURS, report
from tests.wild.scripted_workers import Fate, fine, script

ENGINES = ["forward", "reverse", "jax-jvp", "null"]
PLANE = {"inputs": "4,8,16", "outputs": "2,6,9", "rounds": 3, "engines": ENGINES}
SMALL = {"inputs": "4,8", "outputs": "2,6", "rounds": 2, "engines": ["forward", "reverse"]}


@pytest.fixture(autouse=True)
def _four_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the passes use four threads on every machine."""
    monkeypatch.setattr("fwdrev.bench.sweep.local.available_cpus", lambda: [0, 1, 2, 3])


def _random_fates(seed: int) -> Fate:
    """Everything that can happen to an arm, now and then; the same for every worker that reaches it."""
    fates = ("-11", "late", "ValueError: no", "MemoryError", "failed", "wrong")

    def fate(index: int, cell: Cell, arm: str | None) -> str:
        rng = Random(f"{seed} {index} {cell} {arm}")
        return rng.choice(fates[:4] if arm is None else fates) if rng.random() < 0.06 else "fine"

    return fate


@report("airspeed-velocity/asv#742")
@pytest.mark.parametrize("seed", range(12))
def test_every_arm_of_every_cell_is_accounted_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """After each pass and round, an arm was measured in it, or has one record with the reason why it was not."""
    script(monkeypatch, _random_fates(seed))
    spec = make_spec(PLANE)
    seen = list(Sweep(spec, LocalExecutor(spec, tmp_path)))
    settled: set[tuple[Cell, str]] = set()
    for index in (PREPARING, WEIGHING, 0, 1, 2):
        told = Counter((o.cell, name) for o in seen if o.round == index for name in o.arms)
        assert set(told.values()) <= {1}
        assert told.keys() | settled == {(cell, name) for cell in spec.cells for name in ENGINES}
        assert not told.keys() & settled, "what has a reason is not run again"
        ended = {
            (o.cell, name): arm
            for o in seen
            if o.round == index
            for name, arm in o.arms.items()
            if arm.status is not Status.MEASURED
        }
        assert all(arm.reason for arm in ended.values())
        settled |= ended.keys()


@report("airspeed-velocity/asv#742")
def test_what_another_thread_bars_is_recorded_where_a_worker_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One arm dies at the larger size, while another thread finds the other arm too slow at the smaller one."""
    barred = threading.Event()

    def fate(index: int, cell: Cell, arm: str | None) -> str:
        if index != PREPARING or arm is None:
            return "fine"
        if cell == Cell(8, 6) and arm == "forward":
            return "-11" if barred.wait(30) else "fine"
        return "-11" if cell == Cell(4, 2) and arm == "reverse" else "fine"

    note = Skips.note

    def noted(self: Skips, cell: Cell, arms: Mapping[str, ArmResult]) -> None:
        note(self, cell, arms)
        if cell == Cell(4, 2):
            barred.set()

    monkeypatch.setattr(Skips, "note", noted)
    script(monkeypatch, fate)
    spec = make_spec(SMALL)
    skips = Skips(spec.engines)
    seen = {o.cell: o.arms for o in LocalExecutor(spec, tmp_path).prepare(spec.cells, skips)}
    assert {name: arm.status for name, arm in seen[Cell(8, 6)].items()} == {
        "forward": Status.CRASHED,
        "reverse": Status.SKIPPED,
    }


@report(OURS)
@pytest.mark.parametrize("error", [RuntimeError("changed size"), OSError(errno.EIO, "no"), SystemExit(3)])
def test_a_thread_that_fails_is_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Any error of a thread is raised, after the observations that other threads have finished."""
    script(monkeypatch, fine)
    request, spec = LocalExecutor._request, make_spec(SMALL)

    def failing(self: LocalExecutor, one: Any, cells: list[Cell], *rest: Any) -> Any:
        if Cell(4, 6) in cells:
            raise error
        return request(self, one, cells, *rest)

    monkeypatch.setattr(LocalExecutor, "_request", failing)
    observations = LocalExecutor(spec, tmp_path).prepare(spec.cells, Skips(spec.engines))
    seen: list[Cell] = []
    with pytest.raises(type(error)):
        seen.extend(o.cell for o in observations)
    assert Cell(4, 6) not in seen
    assert not [thread for thread in threading.enumerate() if thread.name == "fwdrev-worker"]


@report(OURS)
def test_skips_are_told_to_a_worker_while_they_grow() -> None:
    """A dictionary cannot be iterated while another thread changes it: this loses no cell."""
    skips, stop = Skips(["a"]), threading.Event()

    def grow() -> None:
        for n in range(1, 2000):
            if stop.is_set():
                return
            skips.note(Cell(n, 1), {"a": ArmResult(status=Status.CRASHED)})

    interval, thread = sys.getswitchinterval(), threading.Thread(target=grow)
    sys.setswitchinterval(1e-6)
    thread.start()
    try:
        for _ in range(200):
            skips.to_json()
            skips.open(Cell(1, 1))
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)


@report(OURS)
def test_pyperf_records_what_is_skipped_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The skip is reported in the round that found it; every arm has its end in every cell."""
    spec = make_spec(SMALL | {"protocol": "pyperf"})

    def measured(_: Any, cell: Cell, name: str, processes: int, loops: int | None) -> list[ArmResult]:
        if cell == Cell(4, 2) and name == "forward":
            return [ArmResult(status=Status.TIMED_OUT, reason="late")]
        return [ArmResult(status=Status.MEASURED, loops=loops or 1, values=(1e-3,))] * processes

    monkeypatch.setattr(PyperfExecutor, "_measured", measured)
    last = {
        (o.cell, name): arm.status
        for o in PyperfExecutor(spec, tmp_path).rounds([0, 1], spec.cells, {}, Skips(spec.engines))
        for name, arm in o.arms.items()
    }
    assert {cell: last[cell, "forward"] for cell in spec.cells} == {
        Cell(4, 2): Status.TIMED_OUT,
        Cell(4, 6): Status.SKIPPED,
        Cell(8, 2): Status.SKIPPED,
        Cell(8, 6): Status.SKIPPED,
    }
    assert {last[cell, "reverse"] for cell in spec.cells} == {Status.MEASURED}
