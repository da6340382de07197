"""Sweeps, the paired rounds, the workers and executors; it knows no statistics and no figure.

    spec = make_spec({"inputs": "16,64", "outputs": "4,16", "rounds": 3})
    for observation in sweep(spec, LocalExecutor(spec, folder)):
        ...                                        # one cell in one round, every arm's values paired by position

The command is in `fwdrev.bench.cli`, the only module here that sees every package.
"""

from fwdrev.bench.cell import PREPARING, ArmResult, Cell, Observation, Status
from fwdrev.bench.executor import Executor
from fwdrev.bench.fingerprint import fingerprint
from fwdrev.bench.grid import parse_grid
from fwdrev.bench.local import LocalExecutor
from fwdrev.bench.scripted import ScriptedExecutor
from fwdrev.bench.spec import QUICK, SweepSpec, make_spec, read_spec
from fwdrev.bench.sweep import sweep, visits

__all__ = [
    "PREPARING",
    "QUICK",
    "ArmResult",
    "Cell",
    "Executor",
    "LocalExecutor",
    "Observation",
    "ScriptedExecutor",
    "Status",
    "SweepSpec",
    "fingerprint",
    "make_spec",
    "parse_grid",
    "read_spec",
    "sweep",
    "visits",
]
