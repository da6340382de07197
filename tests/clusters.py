"""A Dask cluster of separate processes: a scheduler, and workers that stand for machines of their own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.live import until

__all__ = ["DaskProcesses", "dask_processes"]

Command = Sequence[str]


class DaskProcesses:
    """A scheduler and its workers; `at` runs a command in the place of a machine, such as a network namespace."""

    def __init__(self, held: ExitStack, folder: Path, host: str, at: dict[str, Command]) -> None:
        """Starts the scheduler; it listens on `host`."""
        self._held = held
        self._folder = folder
        self._at = at
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
        variables = {"FWDREV_MACHINE": machine or name, "TMPDIR": str(self._folder), **variables}
        self.workers[name] = self._start(name, "dask_worker", self.address, *options, **variables)

    def end(self, name: str) -> None:
        """Kills a worker with -9."""
        self.workers.pop(name).kill()

    def stop(self, name: str) -> None:
        """Stops a worker and all its processes, as a machine that hangs."""
        process = psutil.Process(self.workers[name].pid)
        for each in (process, *process.children(recursive=True)):
            each.suspend()

    def go_on(self, name: str) -> None:
        """Continues a stopped worker."""
        process = psutil.Process(self.workers[name].pid)
        for each in (process, *process.children(recursive=True)):
            each.resume()

    def _start(self, name: str, program: str, *options: str, **variables: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{name}.log").open("ab") as log:
            line = [*self._at.get(name, ()), sys.executable, "-m", f"distributed.cli.{program}", *options]
            env = os.environ | variables
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


def _ended(process: "subprocess.Popen[bytes]") -> None:
    """Ends a process and all that it started, stopped or not."""
    with ExitStack() as held:
        try:
            found = psutil.Process(process.pid)
            held.callback(psutil.wait_procs, [*found.children(recursive=True)], 5)
            for each in (*found.children(recursive=True), found):
                each.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            pass
    process.wait(10)
