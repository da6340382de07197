"""The executor of one machine of a cluster: rounds and passes become tasks, each of a minute at most."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fwdrev.bench.cluster import host
from fwdrev.bench.cluster.connection import Cluster
from fwdrev.bench.records.observation import PREPARING, WEIGHING, Cell, Observation
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import SweepSpec
from fwdrev.modes.core.data import Json
from fwdrev.modes.errors import SurroundingsError

_TASK_SECONDS = 60.0
"""The expected seconds of a task: what is lost with a machine, at most. A shorter round is one task."""

_UNKNOWN_SECONDS = 1.0
"""The seconds of a cell that this machine has not timed yet."""

_CELLS = 8
"""The cells for each processor in a task that prepares or measures memory."""

_BUSY_SECONDS = 1.0
"""The seconds between attempts on a host where another sweep measures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One machine of a cluster, and the worker that serves us there."""

    name: str
    identity: str
    worker: str
    cpus: int
    fingerprint: Mapping[str, Any]


class RemoteExecutor:
    """Measures on one machine; raises WorkerLostError when it is lost, SurroundingsError for what it lacks."""

    def __init__(self, spec: SweepSpec, cluster: Cluster, machine: Machine, stop: threading.Event) -> None:
        """`stop`: set when nothing more is to be measured."""
        self._spec = spec
        self._cluster = cluster
        self._machine = machine
        self._stop = stop
        self._seconds: dict[Cell, float] = {}

    def prepare(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Compiles and checks on that machine, whose processors share the cells."""
        return self._together(PREPARING, cells, skips)

    def measure_memory(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Like `prepare`, in separate processes."""
        return self._together(WEIGHING, cells, skips)

    def rounds(
        self, indices: Sequence[int], cells: Sequence[Cell], loops: Mapping[Cell, Mapping[str, int]], skips: Skips
    ) -> Iterator[Observation]:
        """Each round in one process, or in several where it takes minutes."""
        for index in indices:
            for share in self._shares(cells):
                for observation in self._task(index, share, loops, skips):
                    self._seconds[observation.cell] = observation.seconds or 0.0
                    yield observation

    def _together(self, index: int, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Smaller cells first, so that arms which are too slow or too large are found cheaply."""
        ordered = sorted(cells, key=lambda cell: cell.n * cell.m)
        step = _CELLS * max(1, self._machine.cpus)
        for begin in range(0, len(ordered), step):
            yield from self._task(index, ordered[begin : begin + step], {}, skips)

    def _shares(self, cells: Sequence[Cell]) -> Iterator[Sequence[Cell]]:
        share, seconds = list[Cell](), 0.0
        for cell in cells:
            expected = self._seconds.get(cell, _UNKNOWN_SECONDS)
            if share and seconds + expected > _TASK_SECONDS:
                yield share
                share, seconds = [], 0.0
            share, seconds = [*share, cell], seconds + expected
        if share:
            yield share

    def _task(
        self, index: int, cells: Sequence[Cell], loops: Mapping[Cell, Mapping[str, int]], skips: Skips
    ) -> Iterator[Observation]:
        request: dict[str, Json] = {
            "spec": self._spec.model_dump(mode="json"),
            "round": index,
            "cells": [[cell.n, cell.m] for cell in cells],
            "loops": [[cell.n, cell.m, dict(loops[cell])] for cell in cells if cell in loops],
            "skips": skips.to_json(),
        }
        answer = self._answer(request)
        for data in answer["observations"]:
            found = Observation.from_json(data | {"machine": self._machine.name})
            skips.note(found.cell, found.arms)
            yield found
        if answer["problem"] is not None:
            raise SurroundingsError(str(answer["problem"]))

    def _answer(self, request: dict[str, Json]) -> dict[str, Any]:
        while True:
            answer = self._cluster.asked(host.measured, self._machine.worker, self._cluster.sweep, request)
            if not answer["busy"]:
                return answer
            if self._stop.wait(_BUSY_SECONDS):
                raise SurroundingsError("it was stopped")
