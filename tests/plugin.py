"""A third party's package, installed for a test: a problem, and engines that fail in every possible way."""

import os
from pathlib import Path

import pytest

__all__ = ["install_plugin"]

PLUGIN = """
import numpy as np
from fwdrev.modes import Direction, engine, problem, shaped
from fwdrev.modes.core.engine import Engine

class Doubled(Engine):
    "Twice the Jacobian: wrong."
    __slots__ = ()
    name, summary, direction = "doubled", "twice too much", Direction.FORWARD
    def prepare(self, chain, wrt):
        jacobian = engine("forward").prepare(chain, wrt)
        return lambda x, theta: 2 * jacobian(x, theta)
    def cost(self, chain, wrt):
        return engine("forward").cost(chain, wrt)

class NotANumber(Doubled):
    __slots__ = ()
    name = "nan"
    def prepare(self, chain, wrt):
        jacobian = engine("forward").prepare(chain, wrt)
        return lambda x, theta: jacobian(x, theta) * np.nan

class Raising(Doubled):
    __slots__ = ()
    name = "raising"
    def prepare(self, chain, wrt):
        if chain.n_out > 4:
            raise RuntimeError("no room\\nfor it" + 9000 * "!")
        return engine("reverse").prepare(chain, wrt)

class Killed(Doubled):
    __slots__ = ()
    name = "killed"
    def prepare(self, chain, wrt):
        import os, signal
        if chain.n_out > 4:
            os.kill(os.getpid(), signal.SIGSEGV)
        return engine("reverse").prepare(chain, wrt)

class Late(Doubled):
    "Dies in a round: a process that prepares calls it fewer times."
    __slots__ = ()
    name = "late"
    def prepare(self, chain, wrt):
        import os, signal
        jacobian, calls = engine("reverse").prepare(chain, wrt), iter(range(3))
        def call(x, theta):
            if next(calls, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)
            return jacobian(x, theta)
        return call

class Greedy(Doubled):
    "Allocates without end."
    __slots__ = ()
    name = "greedy"
    def prepare(self, chain, wrt):
        if chain.n_out > 4:
            kept = []
            while True:
                kept.append(np.ones(10**6))
        return engine("reverse").prepare(chain, wrt)

class Sleeping(Doubled):
    "Sleeps for ever."
    __slots__ = ()
    name = "sleeping"
    def prepare(self, chain, wrt):
        if chain.n_out > 4:
            import time
            time.sleep(3600)
        return engine("reverse").prepare(chain, wrt)

class Uncounted(Doubled):
    "Cannot say what it costs."
    __slots__ = ()
    name = "uncounted"
    def cost(self, chain, wrt):
        raise ZeroDivisionError("nobody counted")
    def prepare(self, chain, wrt):
        return engine("reverse").prepare(chain, wrt)

def pair(n, m, rng, dtype, *, depth=1):
    "A third party's problem."
    return problem("driven", n=n, m=m, depth=depth)

@shaped("m = step, n = step, 2 step, …", nearest=lambda n, m, *, step: (max(1, n // step) * step, step))
def stepped(n, m, rng, dtype, *, step=4):
    "A third party's problem that has few shapes."
    return problem("driven", n=n, m=m)
"""

ENTRY_POINTS = """
[fwdrev.engines]
doubled = {module}:Doubled
nan = {module}:NotANumber
raising = {module}:Raising
killed = {module}:Killed
late = {module}:Late
greedy = {module}:Greedy
sleeping = {module}:Sleeping
uncounted = {module}:Uncounted
absent = fwdrev_needs_what_is_not_there:Engine
forward = {module}:Doubled
[fwdrev.problems]
pair = {module}:pair
stepped = {module}:stepped
"""


def install_plugin(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Writes the package into a folder on the path of this process and of its children."""
    module = f"fwdrev_plugin_{abs(hash(str(folder)))}"
    (folder / f"{module}.py").write_text(PLUGIN)
    info = folder / "fwdrev_plugin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fwdrev-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS.format(module=module))
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    return folder
