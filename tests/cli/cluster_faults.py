"""What happens to clusters: workers are killed, hang, or lose their scheduler in the middle of a sweep."""

import time
from pathlib import Path

from tests.clusters import Command, dask_processes, lines_of, measured_once
from tests.live import until

__all__ = ["faults"]

_SWEEP = ("--inputs=8", "--outputs=2,16", "--engines=waits:Waiting", "--blocks=50", "--block-seconds=0.02")

_WAITS = """
import time
from pathlib import Path
from fwdrev.modes import Direction, engine
from fwdrev.modes.core.engine import Engine

class Waiting(Engine):
    "Leaves the processor to the tests beside it."
    __slots__ = ()
    name, summary, direction = "waiting", "waits", Direction.FORWARD
    def prepare(self, chain, wrt):
        jacobian = engine("forward").prepare(chain, wrt)
        def call(x, theta):
            if Path(__file__).with_name("slow").exists():
                time.sleep(0.02)
            return jacobian(x, theta)
        return call
    def cost(self, chain, wrt):
        return engine("forward").cost(chain, wrt)
"""

_ROUNDS = 30
"""Each waits for two seconds until the scheduler is killed: too long for one machine while another one hangs."""

_PATIENCE = 150.0
"""The seconds to wait for three machines that share two processors, beside other tests."""

_HANGS = 20.0
"""The seconds for which a machine hangs."""


def faults(folder: Path, host: str = "127.0.0.1", at: dict[str, Command] | None = None) -> None:
    """Expects no cell lost but those under way, and none twice, whatever happens; then the rest by `--resume`."""
    names, run = ("a", "b", "c"), folder / "run"
    (folder / "waits.py").write_text(_WAITS, encoding="utf-8")
    (folder / "slow").touch()

    def rounds() -> int:
        return sum(line["round"] >= 0 for line in lines_of(run))

    with dask_processes(folder, names, host=host, at=at) as cluster:
        sweep = cluster.sweep(*_SWEEP, f"--rounds={_ROUNDS}", cwd=folder)
        until(lambda: {line["machine"] for line in lines_of(run) if line["round"] >= 0} == set(names), _PATIENCE)
        cluster.end("b")
        before = rounds()
        until(lambda: rounds() > before, _PATIENCE)
        cluster.stop("c")
        before = rounds()
        time.sleep(_HANGS)
        assert rounds() > before, "the others go on"
        cluster.go_on("c")
        kept = lines_of(run)
        cluster.scheduler.kill()
        _, errors = sweep.communicate(timeout=_PATIENCE)
        assert sweep.returncode == 2, errors
        assert "b was lost: others of its type measure what it has not" in errors
        assert "the scheduler of" in errors.splitlines()[-1]
        assert f"go on with: fwdrev sweep --resume run --cluster {cluster.address}" in errors.splitlines()[-1]
    left = lines_of(run)
    assert left[: len(kept)] == kept, "what was measured stays"
    assert 0 < rounds() < 2 * _ROUNDS
    (folder / "slow").unlink()
    with dask_processes(folder, names[:1], host=host, at=at) as cluster:
        sweep = cluster.sweep("--resume", "run", cwd=folder)
        _, errors = sweep.communicate(timeout=_PATIENCE)
        assert sweep.returncode == 0, errors
    found = lines_of(run)
    assert found[: len(left)] == left
    measured_once(found, rounds=_ROUNDS, cells=2)
    assert {line["machine"] for line in found} == set(names)
