"""Both sides of a comparison: the record of each arm, whose code it ran, and its end in any case."""

import math
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import psutil
import pytest

from fwdrev.bench import Cell, Status, SweepSpec
from fwdrev.bench.processes.side_process import SideProcess
from fwdrev.bench.records.sides import CONTROL, SideObservation, delay_of, share_of
from fwdrev.bench.revisions.git_worktree import revision
from fwdrev.bench.revisions.pair import Pair, paired_blocks
from fwdrev.bench.revisions.rounds import against
from fwdrev.bench.revisions.side import Side
from fwdrev.modes import InputError, UnavailableError
from tests.project import DIES, HANGS, MODEL, commit, make_project, other_worktree, worktrees

ROOT = Path(__file__).resolve().parents[3]
QUICK: dict[str, Any] = {"outputs": "2", "rounds": 2, "blocks": 3, "block_seconds": 1e-4}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's project with functions and an engine, in the current folder."""
    made = make_project(tmp_path / "project")
    monkeypatch.chdir(made)
    return made


def _observed(*engines: str, grid: str = "4,8", inputs: str | None = None, **fields: Any) -> list[SideObservation]:
    """Measures the last commit against the working tree."""
    spec = SweepSpec(**QUICK | {"engines": list(engines), "inputs": grid} | fields)
    with revision("HEAD") as sides, closing(against(spec, sides, inputs=inputs)) as observations:
        return list(observations)


def _ended(seen: list[SideObservation], arm: str) -> list[tuple[int, Cell, Status, Status]]:
    """How both sides of an arm ended, in whichever record."""
    return [(o.round, o.cell, o.base[arm].status, o.head[arm].status) for o in seen if arm in o.base]


def test_a_record_for_each_round_and_cell(project: Path) -> None:
    """Each round has every cell and a control; blocks are paired; calls stay the same; the first round has counts."""
    seen = _observed("mine", "model:step", inputs="model:point")
    assert sorted((o.round, o.cell) for o in seen) == [(r, Cell(n, 2)) for r in (0, 1) for n in (4, 8)]
    loops: dict[tuple[Cell, str], set[int]] = {}
    for o in seen:
        assert list(o.base) == list(o.head) == ["mine", "model:step", CONTROL]
        for name in o.base:
            for arm in (o.base[name], o.head[name]):
                assert (arm.status, arm.reason, len(arm.values)) == (Status.MEASURED, None, 3)
                loops.setdefault((o.cell, name), set()).add(arm.loops)
        assert [side["mine"].cost is None for side in (o.base, o.head)] == [o.round > 0] * 2
    assert all(len(found) == 1 and min(found) >= 1 for found in loops.values())
    assert worktrees(project) == 1


@pytest.mark.long
def test_each_side_counts_with_its_own_code(project: Path) -> None:
    """The edited engine counts 20 in head and 10 in base; counts are in the first round only."""
    (project / "mine.py").write_text((project / "mine.py").read_text().replace("COUNT = 10", "COUNT = 20"))
    seen = _observed("mine")
    assert sorted(o.round for o in seen) == [0, 0, 1, 1]
    for o in seen:
        base, head = (arms["mine"].cost for arms in (o.base, o.head))
        if o.round == 0:
            assert base is not None
            assert head is not None
            assert (base.multiply_adds, head.multiply_adds) == (10, 20)
        else:
            assert base is head is None


def test_jacobians_of_functions(project: Path) -> None:
    """jax.jacfwd and jax.jacrev take random inputs; a changed function is wrong in head, and not timed."""
    (project / "model.py").write_text(JAX_MODEL.format(factor=2))
    commit(project)
    (project / "model.py").write_text(JAX_MODEL.format(factor=3))
    (o,) = _observed("jacfwd:model:same", "jacrev:model:same", "jacrev:model:other", grid="4", rounds=1)
    for name in ("jacfwd:model:same", "jacrev:model:same"):
        assert len(o.base[name].values) == len(o.head[name].values) == 3
    base, head = (side["jacrev:model:other"] for side in (o.base, o.head))
    assert (base.status, head.status) == (Status.SKIPPED, Status.WRONG)
    assert str(head.reason).startswith("its results differ from base's by 5.0e-01, relatively; allowed are 1e-09 (")
    assert base.values == head.values == ()


JAX_MODEL = """
import jax.numpy as np
def same(x):
    return np.sin(x)[:3]
def other(x):
    return {factor} * np.sin(x)
"""


def test_a_wrong_side(project: Path) -> None:
    """A Jacobian that contradicts the function is wrong on its side; the other side is fine and not timed."""
    text = (project / "mine.py").read_text()
    wrong = 'jacobian = engine("forward").prepare(chain, wrt)\n        return lambda x, theta: 2 * jacobian(x, theta)'
    (project / "mine.py").write_text(text.replace('return engine("forward").prepare(chain, wrt)', wrong))
    seen = _observed("mine", "forward")
    assert {(r, *ended) for r, _, *ended in _ended(seen, "mine")} == {(0, Status.SKIPPED, Status.WRONG)}
    (reason,) = {str(o.head["mine"].reason) for o in seen if "mine" in o.head}
    assert reason == "its Jacobian differs from difference quotients by 1.0e+00, relatively"
    assert all(len(o.base["forward"].values) == 3 for o in seen)


FAILING = {
    "dying": (DIES, Status.CRASHED, "the worker process ended with signal SIGKILL"),
    "hanging": (HANGS, Status.TIMED_OUT, "no answer within 1.5 s"),
    "raising": ("def moody(x):\n    raise ValueError('no\\nluck')\n", Status.FAILED, "ValueError: no luck"),
    "missing": ("", Status.FAILED, "AttributeError: module 'model' has no attribute 'missing'"),
}
"""Functions of head, how they end, and the reason; base has all of them."""


def test_a_side_that_fails(project: Path) -> None:
    """Only that arm ends, once, with its reason; the others are measured in each round, even in the same cell."""
    (project / "model.py").write_text(MODEL + "dying = hanging = raising = missing = moody\n")
    commit(project)
    functions = (text.replace("moody", name) for name, (text, *_) in FAILING.items())
    (project / "model.py").write_text("".join([MODEL, *functions]))
    arms = {f"model:{name}": expected for name, expected in FAILING.items()}
    seen = _observed(*arms, "model:step", timeout=1.5)
    first = next(o for o in seen if o.round == 0)
    for arm, (_, status, reason) in arms.items():
        assert (first.base[arm].status, first.head[arm].status) == (Status.SKIPPED, status)
        assert str(first.head[arm].reason).startswith(reason)
        assert first.base[arm].reason == f"not timed, since head ended: {status.value}"
        assert all(arm not in o.base for o in seen if o.round == 1)
    assert [len(o.head["model:step"].values) for o in seen] == [3] * 4


def test_a_death_in_the_middle_of_a_block(project: Path) -> None:
    """After a good preparation in base, the cell is measured again without it."""
    late = f"calls = iter(range(6)){DIES.replace('os.kill', 'next(calls, None) is None and os.kill')}    return x\n"
    head = MODEL
    (project / "model.py").write_text(MODEL.replace("def moody(x):\n    return x\n", late))
    commit(project)
    (project / "model.py").write_text(head)
    seen = _observed("model:moody", "model:step", grid="4")
    assert _ended(seen, "model:moody") == [(0, Cell(4, 2), Status.CRASHED, Status.SKIPPED)]
    assert [(o.round, len(o.base["model:step"].values)) for o in seen] == [(0, 3), (1, 3)]


def test_no_side_finds_the_other(project: Path) -> None:
    """A base that imports from the working tree would be compared with itself, so it is refused."""
    sneaky = f"import sys\nsys.path.insert(0, {str(project)!r})\nimport elsewhere\n{MODEL}"
    (project / "model.py").write_text(sneaky)
    commit(project)
    (project / "elsewhere.py").write_text("")
    (o, *_) = _observed("model:step", rounds=1)
    assert o.base["model:step"].status is Status.FAILED
    assert str(o.base["model:step"].reason).startswith("ImportError: elsewhere comes from the other side")
    assert (o.head["model:step"].status, o.head["model:step"].values) == (Status.SKIPPED, ())


class _Noting(SideProcess):
    """Records when it is asked to run, and takes this many seconds."""

    def __init__(self, name: str, asked: list[tuple[str, str]]) -> None:
        self.name, self._asked = name, asked

    def ask(self, command: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        self._asked.append((command["arm"], self.name))
        return {"seconds": float(len(self._asked))}


def test_blocks_alternate() -> None:
    """Blocks of each arm in turn are ABBA, in random order, with one pair at an odd end; neighbours are paired."""
    asked: list[tuple[str, str]] = []
    pair = Pair(_Noting("base", asked), _Noting("head", asked), 1.0)
    values = paired_blocks(pair, {"one": 1, "other": 1}, 21, Random(0))
    quads = [asked[i : i + 4] for i in range(0, 80, 4)]
    orders = {tuple(name for _, name in quad) for quad in quads}
    assert orders == {("base", "head", "head", "base"), ("head", "base", "base", "head")}
    assert all(len({arm for arm, _ in quad}) == 1 for quad in quads)
    assert {quads[i][0][0] for i in range(0, 20, 2)} == {"one", "other"}
    assert [len({arm for arm, _ in asked[i : i + 2]}) for i in (80, 82)] == [1, 1]
    for base, head in values.values():
        assert len(base) == len(head) == 21
        assert all(abs(one - other) == 1.0 for one, other in zip(base, head, strict=True))


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This repository in a git project of its own, the current folder."""
    copy = tmp_path / "ours"
    for name in ("modes", "bench", "results", "plots", "fwdrev"):
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    make_project(copy, {"README": "a copy\n"})
    monkeypatch.chdir(copy)
    return copy


def test_fwdrev_itself(ours: Path) -> None:
    """An edited count of ours shows in head and not in base, though another fwdrev is installed."""
    null = ours / "modes" / "engines" / "noop.py"
    null.write_text(null.read_text().replace("multiply_adds=0", "multiply_adds=7"))
    (o, *_) = _observed("null", "forward", rounds=1)
    base, head = o.base["null"].cost, o.head["null"].cost
    assert base is not None
    assert head is not None
    assert (base.multiply_adds, head.multiply_adds) == (0, 7)
    assert o.base["forward"].cost == o.head["forward"].cost
    assert len(o.base["forward"].values) == 3


def test_an_old_fwdrev_without_a_harness(ours: Path) -> None:
    """A revision with only the promised parts of fwdrev can be measured."""
    shutil.move(ours / "bench", ours.parent / "kept")
    commit(ours)
    shutil.move(ours.parent / "kept", ours / "bench")
    (o, *_) = _observed("forward", rounds=1)
    assert o.base["forward"].status is o.head["forward"].status is Status.MEASURED


def test_a_revision_that_is_no_fwdrev(ours: Path) -> None:
    """If base has no package, the installed one must not replace it."""
    shutil.move(ours / "fwdrev", ours.parent / "kept")
    commit(ours)
    shutil.move(ours.parent / "kept", ours / "fwdrev")
    with pytest.raises(
        UnavailableError, match=r"the code at \w{12} cannot be measured: ImportError: fwdrev comes from"
    ):
        _observed("forward")
    assert worktrees(ours) == 1


def test_a_name_that_is_taken(project: Path) -> None:
    """An engine named like the control is refused before anything starts."""
    with pytest.raises(InputError, match="rename the engine"):
        _observed("control")
    assert worktrees(project) == 1


_SCRIPT = """
from contextlib import closing
from fwdrev.bench import SweepSpec
from fwdrev.bench.revisions.rounds import against
from fwdrev.bench.revisions.git_worktree import revision
spec = SweepSpec(engines=["model:step"], inputs="4,8", outputs="2", rounds=10000, block_seconds=1e-4)
with revision("HEAD") as sides, closing(against(spec, sides)) as observations:
    for observation in observations:
        print(sides.base, flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.long)])
def test_the_end(project: Path, number: signal.Signals) -> None:
    """Ctrl-C leaves no worktree or process; a kill leaves no process, and the next run removes its worktree."""
    command = [sys.executable, "-P", "-c", _SCRIPT]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    base = Path(process.stdout.readline().strip())
    sides = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    process.wait(60)
    process.stdout.close()
    assert sides
    assert psutil.wait_procs(sides, timeout=60)[1] == []
    assert base.exists() == (number is signal.SIGKILL)
    if base.exists():
        shutil.rmtree(base.parent)
        with revision("HEAD"):
            pass
    assert worktrees(project) == 1


def test_a_killed_coordinator_and_a_side_that_hangs(project: Path) -> None:
    """Even a busy side ends after its coordinator, and the next run removes the worktree."""
    asleep = project.parent / "asleep"
    (project / "model.py").write_text(HANGS.replace("moody(x):", f"step(x):\n    open({str(asleep)!r}, 'w').close()"))
    commit(project)
    process = subprocess.Popen([sys.executable, "-P", "-c", _SCRIPT], stderr=subprocess.DEVNULL)
    while not asleep.exists():
        assert process.poll() is None
        time.sleep(0.01)
    sides = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(60)
    assert len(sides) == 2
    assert psutil.wait_procs(sides, timeout=60)[1] == []
    shutil.rmtree(other_worktree(project).parent)
    with revision("HEAD"):
        pass
    assert worktrees(project) == 1


def test_delays() -> None:
    """A delay is for one arm in one cell, one everywhere, or all of a direction; shares add up."""
    delays = [delay_of("forward@64,16=0.05"), delay_of("mode:forward=0.25"), delay_of("jax-vjp=1")]
    assert math.isclose(share_of(delays, "forward", Cell(64, 16)), 0.3)
    assert math.isclose(share_of(delays, "forward", Cell(64, 4)), 0.25)
    assert math.isclose(share_of(delays, "jacfwd:model:step", Cell(1, 1)), 0.25)
    assert math.isclose(share_of(delays, "jax-vjp", Cell(1, 1)), 1.0)
    assert share_of(delays, "reverse", Cell(64, 16)) == 0.0


@pytest.mark.parametrize(
    "text", ["", "forward", "forward=-1", "forward=nan", "=0.1", "mode:sideways=0.1", "forward@4=1"]
)
def test_a_delay_that_cannot_be_read(text: str) -> None:
    """One line says what to write."""
    with pytest.raises(InputError, match=r"e\.g\. "):
        delay_of(text)


def test_a_delay_lengthens_every_block() -> None:
    """The delay is calibrated once, from the arm's own time; without a request there is none."""
    side = Side()
    side.prepare(CONTROL, delay=0.5, loops=1)
    assert side.waits[CONTROL] > 0
    side.waits[CONTROL] = 1.0 / 1024
    assert side.run(CONTROL, loops=64)["seconds"] >= 1.0 / 1024
    side.prepare(CONTROL, delay=0.0, loops=1)
    assert side.waits[CONTROL] == 0
