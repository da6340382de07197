"""`fwdrev sweep --cluster`: what is measured, and what is said where it cannot be."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any, cast

import pytest

from fwdrev.bench.cluster import connection, scheduler
from fwdrev.results import load
from tests.clusters import DaskProcesses, dask_processes, lines_of, measured_once
from tests.command import TINY, expect_one_line, fwdrev
from tests.live import until

pytest.importorskip("distributed")

OUT = ("--out", "run")

ALONE = """
import fcntl, os
from fwdrev.modes import Direction, engine
from fwdrev.modes.core.engine import Engine

held = []

class Alone(Engine):
    "Fails where another process is calling it, too: from its tenth call on, since processes prepare side by side."
    __slots__ = ()
    name, summary, direction = "alone", "alone on its machine", Direction.FORWARD
    def prepare(self, chain, wrt):
        jacobian, calls = engine("forward").prepare(chain, wrt), iter(range(10))
        def call(x, theta):
            if next(calls, None) is None and not held:
                held.append(os.open(os.environ["TMPDIR"] + "/alone", os.O_CREAT | os.O_RDWR))
                try:
                    fcntl.flock(held[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    raise RuntimeError("two at once") from None
            return jacobian(x, theta)
        return call
    def cost(self, chain, wrt):
        return engine("forward").cost(chain, wrt)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskProcesses]:
    """Two machines with a worker each, and a second worker on the first of them."""
    with dask_processes(tmp_path_factory.mktemp("cluster")) as made:
        made.add("a1", machine="a")
        made.add("a2", machine="a")
        made.add("b")
        yield made


@pytest.mark.long
def test_one_measurement_at_a_time_on_a_machine(tmp_path: Path) -> None:
    """Of two clusters, too: an engine that finds itself called twice at a time would fail."""
    (tmp_path / "own.py").write_text(ALONE)
    arguments = ("--inputs=8", "--outputs=2,4", "--engines=own:Alone,reverse", "--rounds=4", "--blocks=20")
    with dask_processes(tmp_path) as one, dask_processes(tmp_path) as other:
        for name, cluster in (("a1", one), ("a2", one), ("a3", other)):
            cluster.add(name, machine="a")
        sweeps = [
            cluster.sweep(*arguments, "--block-seconds=0.005", "--out", tmp_path / name, cwd=tmp_path)
            for name, cluster in (("first", one), ("second", other))
        ]
        for sweep in sweeps:
            _, errors = sweep.communicate(timeout=200)
            assert sweep.returncode == 0, errors
    for name in ("first", "second"):
        found = lines_of(tmp_path / name)
        measured_once(found, rounds=4, cells=2)
        assert {(arm["status"], arm.get("reason")) for line in found for arm in line["arms"].values()} == {
            ("measured", None)
        }


@pytest.mark.long
def test_a_worker_that_comes_later_joins_in(tmp_path: Path) -> None:
    """It prepares all cells, measures its share of the rounds, and all of them when the first one is lost.

    The run can be read like any other.
    """
    options = ("--inputs=8", "--outputs=4", "--engines=forward,reverse", "--rounds=30", "--json")
    with dask_processes(tmp_path, ["a"]) as made:
        sweep = made.sweep(*options, cwd=tmp_path)
        until(lambda: any(line["round"] >= 0 for line in lines_of(tmp_path / "run")))
        made.add("b")
        until(lambda: any(line["machine"] == "b" and line["round"] >= 0 for line in lines_of(tmp_path / "run")))
        made.end("a")
        out, errors = sweep.communicate(timeout=200)
        assert sweep.returncode == 0, errors
    (told,) = json.loads(out)["runs"]
    assert told["machines"].keys() == {"a", "b"}
    assert load(tmp_path / "run").folder == tmp_path / told["run"]
    found = lines_of(tmp_path / "run")
    measured_once(found, rounds=30, cells=1)
    assert Counter((line["round"], line["machine"]) for line in found if line["round"] < 0) == dict.fromkeys(
        [(-1, "a"), (-1, "b"), (-2, "a"), (-2, "b")], 1
    )


@pytest.mark.long
def test_types_with_one_processor_have_a_run_each(tmp_path: Path) -> None:
    """What tells them apart may be a setting; --resume goes on with both, and only over a cluster."""
    with dask_processes(tmp_path, ["a"]) as made:
        made.add("b", XLA_FLAGS="--xla_cpu_enable_fast_math=false")
        until(lambda: "Registered" in (tmp_path / "b.log").read_text())
        sweep = made.sweep(*TINY[1:], "--json", cwd=tmp_path)
        out, errors = sweep.communicate(timeout=200)
        assert sweep.returncode == 0, errors
        told = json.loads(out)["runs"]
        assert sorted([*run["machines"]] for run in told) == [["a"], ["b"]]
        again = made.sweep("--resume", "run", "--rounds", "4", cwd=tmp_path)
        _, errors = again.communicate(timeout=200)
        assert again.returncode == 0, errors
    for run in told:
        assert len({o.round for o in load(tmp_path / run["run"]).observations if o.round >= 0}) == 4
        expect_one_line(fwdrev("sweep", "--resume", run["run"], cwd=tmp_path), 2, "--resume run --cluster WHERE")
    expect_one_line(fwdrev("sweep", "--resume", "run", cwd=tmp_path), 2, "--resume run --cluster WHERE")
    expect_one_line(fwdrev("crossover", "run", cwd=tmp_path), 2, "run has a run for each of 2 types of machine")


def test_a_worker_that_lacks_an_engine_is_named(cluster: DaskProcesses, tmp_path: Path) -> None:
    """Before anything is measured; nothing is left behind."""
    (tmp_path / "own.py").write_text(ALONE)
    given = ("sweep", "--inputs=8", "--outputs=4", "--engines=own:Alone,reverse")
    done = fwdrev(*given, *OUT, "--cluster", cluster.address, cwd=tmp_path)
    expect_one_line(done, 2, "cannot measure: ")
    assert "own" in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("where", "part"),
    [
        ("nonsense", "give the address of a scheduler such as tcp://10.0.0.1:8786, local:N, or a TOML file"),
        ("", "give the address of a scheduler"),
        ("local:0", "local:N with a number of workers from 1 to 1024"),
        ("local:x", "local:N with a number of workers from 1 to 1024"),
        ("none.toml", "No such file or directory"),
        ("127.0.0.1:1", "no scheduler of Dask answers there"),
        ("http://127.0.0.1:1", "no scheduler of Dask answers there"),
    ],
)
def test_a_wrong_place_gets_one_line(where: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left behind."""
    monkeypatch.setattr("fwdrev.bench.cluster.scheduler.CONNECT_SECONDS", 0.5)
    expect_one_line(fwdrev(*TINY, *OUT, "--cluster", where, cwd=tmp_path), 2, part)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("class = 3", "class = 3"),
        ("", "class"),
        ("class = 'nowhere.Cluster'", "cannot be imported"),
        ("class = 'Cluster'", "cannot be imported"),
        ("class = 'os.system'\n[arguments]\ncommand = 'touch gone'", "is no cluster of Dask"),
        ("class = 'pathlib.Path'", "is no cluster of Dask"),
        ("class = 'distributed.LocalCluster'\nworkers = 0", "workers = 0"),
        ("class = 'distributed.LocalCluster'\nhosts = 2", "unknown key 'hosts'"),
        ("class = 'distributed.SSHCluster'\n[arguments]\nhosts = []", "distributed.SSHCluster failed"),
        ("class = ", "is not TOML"),
    ],
)
def test_a_wrong_file_gets_one_line(text: str, part: str, tmp_path: Path) -> None:
    """It names the key; nothing is called that is no cluster."""
    (tmp_path / "cluster.toml").write_text(text)
    expect_one_line(fwdrev(*TINY, *OUT, "--cluster", "cluster.toml", cwd=tmp_path), 2, part)
    assert [path.name for path in tmp_path.iterdir()] == ["cluster.toml"]


@pytest.mark.parametrize(
    ("more", "part"),
    [
        (("--protocol", "pyperf"), "--protocol pyperf is for this machine"),
        (("--resume", "none"), "none is not a run"),
    ],
)
def test_what_does_not_go_with_it(more: tuple[str, ...], part: str, tmp_path: Path) -> None:
    """It is refused before anything is asked for."""
    given = TINY if "--resume" not in more else ("sweep",)
    expect_one_line(fwdrev(*given, *more, "--cluster", "127.0.0.1:1", cwd=tmp_path), 2, part)


def test_without_dask_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not there."""
    monkeypatch.setitem(sys.modules, "dask", None)
    done = fwdrev(*TINY, *OUT, "--cluster", "127.0.0.1:8786", cwd=tmp_path)
    expect_one_line(done, 2, "pip install 'fwdrev[cluster]'")


@pytest.mark.parametrize(
    ("package", "part"),
    [("distributed", "the scheduler has distributed"), ("fwdrev", "install the same version in both places")],
)
def test_other_versions_are_named(
    package: str, part: str, cluster: DaskProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the scheduler's Dask, and of a worker's fwdrev."""
    real = scheduler.version_here
    monkeypatch.setattr(scheduler, "version_here", lambda name: "0.0.9" if name == package else real(name))
    done = fwdrev(*TINY, *OUT, "--cluster", cluster.address, cwd=tmp_path)
    expect_one_line(done, 2, part)
    assert "0.0.9" in done.stderr


@pytest.mark.parametrize(
    ("answer", "part"),
    [(PackageNotFoundError("fwdrev"), "fwdrev is not installed there"), (OSError("gone"), "it does not answer (gone)")],
)
def test_a_worker_without_us_is_named(answer: Exception, part: str) -> None:
    """It is asked for its version first, which needs nothing of ours there."""

    class Client:
        def run(self, *_: object, **__: object) -> dict[str, Exception]:
            return {"tcp://worker": answer}

    problem = connection.Cluster(cast("Any", Client()), "here").enlist("tcp://worker")
    assert problem is not None
    assert part in problem
