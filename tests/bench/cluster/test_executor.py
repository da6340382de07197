"""The executor of one machine: what it asks for, and what it makes of the answers."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from fwdrev.bench import Cell, Observation, make_spec
from fwdrev.bench.cluster import host
from fwdrev.bench.cluster.connection import Cluster
from fwdrev.bench.cluster.executor import Machine, RemoteExecutor
from fwdrev.bench.records.skips import Skips
from fwdrev.modes.errors import SurroundingsError

SPEC = make_spec({"inputs": "1:12:+1", "outputs": "1:12:+1", "rounds": 3, "engines": ["forward"]})
MACHINE = Machine(name="a", identity="1", worker="tcp://a", cpus=2, fingerprint={})


class Answering(Cluster):
    """A cluster whose only worker answers at once; `asked`: the round and the cells of each task."""

    def __init__(self, answers: Callable[[Any], dict[str, Any]]) -> None:
        """`answers`: from a request."""
        self.sweep = "sweep"
        self._answers = answers
        self.tasks: list[tuple[int, list[Cell]]] = []

    def asked(self, function: object, worker: str, *given: Any) -> dict[str, Any]:
        """Answers a task."""
        sweep, request = given
        assert (function, worker, sweep) == (host.measured, "tcp://a", "sweep")
        self.tasks.append((request["round"], [Cell(n, m) for n, m in request["cells"]]))
        return {"observations": [], "busy": False, "problem": None} | self._answers(request)


def _observed(request: Any, seconds: float) -> dict[str, Any]:
    arms = {"forward": {"status": "measured", "loops": 1, "values": [1e-3]}}
    return {
        "observations": [
            {"round": request["round"], "n": n, "m": m, "seconds": seconds, "arms": arms} for n, m in request["cells"]
        ]
    }


def _executor(cluster: Answering) -> RemoteExecutor:
    return RemoteExecutor(SPEC, cluster, MACHINE, threading.Event())


def _round(executor: RemoteExecutor, index: int, cells: Sequence[Cell]) -> list[Observation]:
    return list(executor.rounds([index], cells, {}, Skips(SPEC.engines)))


@pytest.mark.parametrize(("seconds", "tasks"), [(0.1, 1), (1.0, 3), (20.0, 48), (500.0, 144)])
def test_a_task_takes_a_minute(seconds: float, tasks: int) -> None:
    """A round of 144 cells is one task if it is short; unknown cells count for a second, then for what they took."""
    cluster = Answering(lambda request: _observed(request, seconds))
    executor = _executor(cluster)
    for index in (0, 1):
        found = _round(executor, index, SPEC.cells)
        assert [o.cell for o in found] == SPEC.cells
        assert {o.machine for o in found} == {"a"}
    assert [number for number, _ in cluster.tasks] == [0] * 3 + [1] * tasks


def test_passes_begin_with_the_smallest_cells() -> None:
    """In tasks of eight cells for each processor."""
    cluster = Answering(lambda request: _observed(request, 0.1))
    found = list(_executor(cluster).prepare(SPEC.cells, Skips(SPEC.engines)))
    assert [len(cells) for _, cells in cluster.tasks] == [16] * 9
    sizes = [o.cell.n * o.cell.m for o in found]
    assert sizes == sorted(sizes)


def test_it_waits_while_another_sweep_measures_there() -> None:
    """And asks again until it is answered."""
    answers = iter([{"busy": True}, {}])
    cluster = Answering(lambda request: {**_observed(request, 0.1), **next(answers)})
    assert len(_round(_executor(cluster), 0, SPEC.cells[:2])) == 2
    assert len(cluster.tasks) == 2


def test_what_was_measured_before_a_problem_is_kept() -> None:
    """The problem follows as an error with its words."""
    executor = _executor(Answering(lambda request: _observed(request, 0.1) | {"problem": "the disk is full"}))
    observations = executor.rounds([0], SPEC.cells[:1], {}, Skips(SPEC.engines))
    assert next(observations).cell == SPEC.cells[0]
    with pytest.raises(SurroundingsError, match="the disk is full"):
        next(observations)


def test_failures_are_passed_on_to_the_next_task() -> None:
    """An arm that took too long is not tried at larger sizes."""
    given: list[Any] = []

    def answers(request: Any) -> dict[str, Any]:
        given.append(request["skips"])
        arms = {"forward": {"status": "timed out"}}
        return {"observations": [{"round": -1, "n": n, "m": m, "arms": arms} for n, m in request["cells"]]}

    list(_executor(Answering(answers)).prepare(SPEC.cells[:20], Skips(SPEC.engines)))
    assert given[0] == {"settled": [], "barriers": []}
    assert len(given[1]["barriers"]) == 16
