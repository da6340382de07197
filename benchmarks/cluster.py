"""What a cluster costs and brings: a machine of it beside the local executor, and sixteen machines beside one.

    python benchmarks/cluster.py

Both parts run on this machine: a scheduler and workers as processes of their own. The first measures the same plane
locally and over one worker, in turn. In the second each round only waits, so that one machine can stand for sixteen.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import sleep

import numpy as np
from pyperf import perf_counter

from fwdrev.bench import Cell, FixedPlan, LocalExecutor, Observation, Sweep, SweepSpec, fingerprint, make_spec
from fwdrev.bench.cluster.connection import connected
from fwdrev.bench.cluster.sweep import ClusterSweep, Part, machine_types
from fwdrev.results import Run, log_ratios
from fwdrev.results.stats.estimate import log_mean

PAIR = ("forward", "reverse")
PLANE = {"inputs": "8:128:*4", "outputs": "4,64", "engines": list(PAIR), "rounds": 10}
TURNS = 3

MACHINES = 16
WAITING = """
import time
from fwdrev.modes import Direction, engine
from fwdrev.modes.core.engine import Engine

class Waiting(Engine):
    "Waits a quarter of a second for each Jacobian."
    __slots__ = ()
    name, summary, direction = "waiting", "waits", Direction.FORWARD
    def prepare(self, chain, wrt):
        jacobian = engine("forward").prepare(chain, wrt)
        def call(x, theta):
            time.sleep(0.25)
            return jacobian(x, theta)
        return call
    def cost(self, chain, wrt):
        return engine("forward").cost(chain, wrt)
"""
WAITS = {"inputs": "4", "outputs": "2", "engines": ["waiting_engine:Waiting"], "blocks": 40, "block_seconds": 0.25}


def main() -> None:
    """Measures, then prints two tables."""
    machine = fingerprint(1)
    print(f"{machine['cpu_model_name']}, {machine['cpus']} processors, 1 thread")
    with tempfile.TemporaryDirectory() as folder:
        _beside_local(Path(folder))
        _beside_one(Path(folder))


def _beside_local(folder: Path) -> None:
    """Prints the overhead per cell and round, and in how many cells the ratios agree."""
    spec = make_spec(PLANE)
    extra, agree = [], 0
    with _workers(folder, 1) as address:
        for turn in range(TURNS):
            place = folder / f"local-{turn}"
            place.mkdir()
            sweep = Sweep(spec, LocalExecutor(spec, place))
            here = _ratios(spec, tuple(sweep))
            observations, there = _over(address, spec)
            extra.append((there - sweep.measuring_seconds) / (spec.rounds * len(spec.cells)))
            remote = _ratios(spec, observations)
            agree += sum(_overlap(here[cell], remote[cell]) for cell in spec.cells)
    half = 4.303 * np.std(extra, ddof=1) / np.sqrt(TURNS)  # Student's t with two degrees of freedom
    print(f"\n{spec.rounds} rounds of {len(spec.cells)} cells, locally and over one worker, {TURNS} times in turn")
    print(f"more time per cell and round: {1e3 * np.mean(extra):.1f} ms (95 % interval ± {1e3 * half:.1f} ms)")
    print(f"ratios agree within their 95 % intervals in {agree} of {TURNS * len(spec.cells)} cells")


def _beside_one(folder: Path) -> None:
    """Prints the rounds per minute of one machine and of sixteen, while all of them measure."""
    (folder / "waiting_engine.py").write_text(WAITING)
    sys.path.insert(0, str(folder))
    print("\nrounds that wait for 10 s")
    rates = []
    for count in (1, MACHINES):
        with _workers(folder, count) as address:
            spec = make_spec(WAITS | {"rounds": 5 * count})
            rates.append(_rate(address, spec, count))
        print(f"{count:>3} machines: {60 * rates[-1]:.1f} rounds per minute")
    print(f"{MACHINES} machines do {rates[1] / rates[0]:.1f} times the work of one")


def _over(address: str, spec: SweepSpec) -> tuple[tuple[Observation, ...], float]:
    """The observations over a cluster, and the seconds of the rounds."""
    with connected(address) as cluster:
        (machines,) = machine_types(cluster, spec, print)
        part = Part(spec, machines, FixedPlan(spec))
        found = tuple(observation for _, observation in ClusterSweep(cluster, [part], print))
        return found, part.measuring_seconds


def _rate(address: str, spec: SweepSpec, count: int) -> float:
    """Rounds per second from the moment when all machines measure until the first has nothing left to do."""
    ended, prepared = [], 0.0
    with connected(address) as cluster:
        (machines,) = machine_types(cluster, spec, print)
        for _, observation in ClusterSweep(cluster, [Part(spec, machines, FixedPlan(spec))], print):
            if observation.round < 0:
                prepared = perf_counter()
            else:
                ended.append(perf_counter())
    steady = [at for at in ended[: len(ended) - count + 1] if at > prepared]
    return (len(steady) - 1) / (steady[-1] - steady[0])


@contextmanager
def _workers(folder: Path, count: int) -> Iterator[str]:
    """A scheduler and workers, each of which takes itself for a machine of its own; the scheduler's address."""
    with ExitStack() as held:
        file = Path(held.enter_context(tempfile.TemporaryDirectory())) / "scheduler.json"
        _started(held, folder, "dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
        for number in range(count):
            options = ("--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--no-dashboard")
            _started(held, folder, "dask_worker", *options, machine=f"machine{number}")
        yield _address(file, count)


def _address(file: Path, count: int) -> str:
    """The address of the scheduler, once it has all its workers."""
    from distributed import Client

    while not file.exists():
        sleep(0.1)
    with Client(scheduler_file=str(file), set_as_default=False) as client:
        client.wait_for_workers(count, timeout=120)
        return str(client.scheduler_info()["address"])


def _started(held: ExitStack, folder: Path, program: str, *options: str, machine: str = "") -> None:
    env = os.environ | {"FWDREV_MACHINE": machine, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    line = [sys.executable, "-m", f"distributed.cli.{program}", *options]
    process = subprocess.Popen(  # noqa: S603 - our own Python
        line, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    held.callback(process.wait)
    held.callback(process.terminate)


def _ratios(spec: SweepSpec, observations: Sequence[Observation]) -> dict[Cell, tuple[float, float, float]]:
    run = Run(folder=Path(), spec=spec, machine={}, created="", observations=tuple(observations), warnings=())
    table = log_ratios(run, PAIR).table
    found = {Cell(int(n), int(m)): log_mean(table[n, m].to_numpy()) for n, m in table.columns}
    return {cell: (e.point, e.low or 0.0, e.high or np.inf) for cell, e in found.items()}


def _overlap(one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    return one[1] <= other[2] and other[1] <= one[2]


if __name__ == "__main__":
    main()
