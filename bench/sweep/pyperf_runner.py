"""The protocol of pyperf: each cell and arm by `pyperf.Runner`, as by hand, with the arms taking turns.

It serves to compare the paired protocol with: the same cells, checks and journal. A round is one
worker process, as in pyperf; values of different arms at one position were not measured side by side.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import count
from pathlib import Path

import pyperf

from fwdrev.bench.machine.environment import PASSED_ON, memory_share, worker_environment
from fwdrev.bench.machine.processors import pinned_cpus
from fwdrev.bench.processes.ended import Ended
from fwdrev.bench.processes.process import Team
from fwdrev.bench.processes.surroundings import check_end
from fwdrev.bench.records.observation import ArmResult, Cell, Observation, Status
from fwdrev.bench.records.reasons import needed
from fwdrev.bench.records.skips import Skips
from fwdrev.bench.records.spec import Effort, SweepSpec
from fwdrev.bench.sweep.local import LocalExecutor
from fwdrev.bench.workers.pyperf_worker import PyperfRequest

_VALUES = {Effort.FAST: 2, Effort.NORMAL: 3, Effort.RIGOROUS: 3}
"""The values of each process, pyperf's default."""

_TURN = 5
"""The processes in a turn of one arm, so that changes within minutes affect all arms, and show in their
spread; in a single turn, all processes of an arm could meet a good or a bad quarter of a minute."""

_LATE = 124
"""pyperf's exit code for a worker that exceeded `--timeout`."""


class PyperfExecutor:
    """Prepares and measures memory like the local executor, and leaves the timing to pyperf."""

    def __init__(self, spec: SweepSpec, folder: Path) -> None:
        """Starts nothing yet; raises InputError like the local executor."""
        self._spec = spec
        self._folder = folder
        self._local = LocalExecutor(spec, folder)
        self._numbers = count()

    def prepare(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Does the same as the local executor."""
        return self._local.prepare(cells, skips)

    def measure_memory(self, cells: Sequence[Cell], skips: Skips) -> Iterator[Observation]:
        """Does the same as the local executor."""
        return self._local.measure_memory(cells, skips)

    def rounds(
        self, indices: Sequence[int], cells: Sequence[Cell], loops: Mapping[Cell, Mapping[str, int]], skips: Skips
    ) -> Iterator[Observation]:
        """Measures all rounds of a cell, then of the next; pyperf chooses unknown calls per value."""
        with needed(f"run pyperf with its files in {self._folder}"):
            for cell in cells:
                known = dict(loops.get(cell, {}))
                for begin in range(0, len(indices), _TURN):
                    for observation in self._turn(indices[begin : begin + _TURN], cell, known, skips):
                        skips.note(cell, observation.arms)
                        yield observation

    def _turn(self, indices: Sequence[int], cell: Cell, known: dict[str, int], skips: Skips) -> Iterator[Observation]:
        """Measures these rounds of every arm; the order of the arms alternates between turns."""
        start = pyperf.perf_counter()
        barred, names = skips.barred(cell), skips.open(cell)
        order = names if (indices[0] // _TURN) % 2 == 0 else names[::-1]
        arms = {name: self._measured(cell, name, len(indices), known.get(name)) for name in order}
        known |= {name: runs[0].loops for name, runs in arms.items() if runs[0].loops}
        seconds = (pyperf.perf_counter() - start) / len(indices)
        for position, index in enumerate(indices):
            found = {name: arms[name][position] for name in names if position < len(arms[name])}
            found |= barred if position == 0 else {}
            yield Observation(round=index, cell=cell, arms=found, seconds=seconds)

    def _measured(self, cell: Cell, name: str, processes: int, loops: int | None) -> list[ArmResult]:
        """One result for each process; a single one with the reason if there are none."""
        place = self._folder / f"pyperf-{next(self._numbers)}"
        answer = place.with_suffix(".json")
        request = PyperfRequest(
            spec=self._spec.model_dump(mode="json"),
            n=cell.n,
            m=cell.m,
            engine=name,
            folder=str(self._folder),
            memory=memory_share(self._spec, 1),
        )
        place.with_suffix(".request").write_text(json.dumps(asdict(request)), encoding="utf-8")
        ended = self._run(place.with_suffix(".request"), answer, place.with_suffix(".log"), processes, loops)
        if ended.code == 0:
            return _results(answer)
        check_end(ended, self._folder, name)
        ended = replace(ended, late=ended.code == _LATE)
        return [ArmResult(status=ended.status, reason=ended.told_after(self._spec.timeout))]

    def _run(self, request: Path, answer: Path, log: Path, processes: int, loops: int | None) -> Ended:
        """Runs pyperf's manager, which starts the workers; all end if the sweep is given up."""
        environment = worker_environment(self._spec, self._folder)
        passed_on = [name for name in environment if name.startswith(PASSED_ON)]
        options = [
            *("--request", str(request), "--output", str(answer), "--processes", str(processes), "--quiet"),
            *("--values", str(_VALUES[self._spec.effort]), "--inherit-environ", ",".join(passed_on)),
            *("--timeout", str(max(1, round(self._spec.timeout)))),
        ]
        options += ["--loops", str(loops)] if loops else []
        cpus = pinned_cpus(self._spec.threads)
        options += ["--affinity", ",".join(map(str, cpus))] if cpus else []
        with Team().started(["-m", "fwdrev.bench.workers.pyperf_worker", *options], environment, log=log) as manager:
            manager.text(math.inf)
            return manager.ended


def _results(answer: Path) -> list[ArmResult]:
    """The processes that timed something; the first ones only calibrate the number of calls."""
    runs = [run for run in pyperf.Benchmark.load(str(answer)).get_runs() if run.values]
    return [
        ArmResult(
            status=Status.MEASURED, loops=int(run.get_metadata().get("loops", 1)), values=tuple(map(float, run.values))
        )
        for run in runs
    ]
