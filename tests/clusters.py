"""A Dask cluster of separate processes: a scheduler, and workers that stand for machines of their own."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests.live import until

__all__ = ["DaskProcesses", "dask_processes", "lines_of", "measured_once"]

Command = Sequence[str]


class DaskProcesses:
    """A scheduler and its workers; `at` runs a command in the place of a machine, such as a network namespace."""

    def __init__(self, held: ExitStack, folder: Path, host: str, at: dict[str, Command]) -> None:
        """Starts the scheduler, which listens on `host`; all processes import from `folder`, too."""
        self._held = held
        self._folder = folder
        self._at = at
        self._env = os.environ | {"PYTHONPATH": str(folder), "TMPDIR": str(folder)}
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        file = folder / "scheduler.json"
        file.unlink(missing_ok=True)
        options = ("--host", host, "--port", "0", "--dashboard-address", f"{host}:0", "--scheduler-file", str(file))
        self.scheduler = self._start("scheduler", "dask_scheduler", *options)
        until(file.exists)
        until(lambda: '"address"' in file.read_text())
        self.address = file.read_text().partition('"address": "')[2].partition('"')[0]

    def add(self, name: str, *options: str, machine: str | None = None, **variables: str) -> None:
        """Starts a worker, which takes itself for `machine`, by default one of its own name."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--name", name, *options)
        variables = {"FWDREV_MACHINE": machine or name, **variables}
        self.workers[name] = self._start(name, "dask_worker", self.address, *options, **variables)

    def sweep(self, *arguments: object, cwd: Path) -> "subprocess.Popen[str]":
        """Starts `fwdrev sweep` on this cluster; the run is `run`, unless the arguments say otherwise."""
        words = [*map(str, arguments), "--cluster", self.address]
        words += [] if {"--out", "--resume"} & set(words) else ["--out", "run"]
        line = [sys.executable, "-m", "fwdrev", "sweep", *words]
        pipe = subprocess.PIPE
        process = subprocess.Popen(line, cwd=cwd, env=self._env, stdout=pipe, stderr=pipe, text=True)
        self._held.callback(_ended, process)
        return process

    def end(self, name: str) -> None:
        """Kills a worker with -9."""
        self.workers.pop(name).kill()

    def stop(self, name: str) -> None:
        """Stops a worker and all its processes, as a machine that hangs."""
        for process in self._processes(name):
            with suppress(psutil.NoSuchProcess):  # it has just ended
                process.suspend()

    def go_on(self, name: str) -> None:
        """Continues a stopped worker."""
        for process in self._processes(name):
            with suppress(psutil.NoSuchProcess):
                process.resume()

    def _processes(self, name: str) -> list[psutil.Process]:
        process = psutil.Process(self.workers[name].pid)
        return [process, *process.children(recursive=True)]

    def _start(self, name: str, program: str, *options: str, **variables: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            line = [*self._at.get(name, ()), sys.executable, "-m", f"distributed.cli.{program}", *options]
            env = self._env | variables
            process = subprocess.Popen(line, stdout=log, stderr=log, env=env, start_new_session=True)
        self._held.callback(_ended, process)
        return process


@contextmanager
def dask_processes(
    folder: Path, names: Sequence[str] = (), *, host: str = "127.0.0.1", at: dict[str, Command] | None = None
) -> Iterator[DaskProcesses]:
    """A cluster with these workers, gone after the block."""
    with ExitStack() as held:
        made = DaskProcesses(held, folder, host, at or {})
        for name in names:
            made.add(name)
        yield made


def lines_of(folder: Path) -> list[dict[str, Any]]:
    """The whole lines of the journal of the only run in a folder."""
    journals = list(folder.glob("*/journal.jsonl"))
    assert len(journals) <= 1
    data = "".join(journal.read_text() for journal in journals)
    return [json.loads(line) for line in data[: data.rfind("\n") + 1].splitlines()]


def measured_once(lines: Sequence[Mapping[str, Any]], *, rounds: int, cells: int) -> None:
    """Expects each cell once in each round, and once in each pass on each machine."""
    timed = Counter((line["round"], line["n"], line["m"]) for line in lines if line["round"] >= 0)
    assert len(timed) == rounds * cells
    passes = Counter((line["machine"], line["round"], line["n"], line["m"]) for line in lines if line["round"] < 0)
    assert {*timed.values(), *passes.values()} == {1}


def _ended(process: "subprocess.Popen[Any]") -> None:
    """Ends a process and all that it started, stopped or not."""
    with suppress(psutil.NoSuchProcess):
        found = psutil.Process(process.pid)
        for each in (*found.children(recursive=True), found):
            with suppress(psutil.NoSuchProcess):
                each.kill()
    process.wait(10)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
