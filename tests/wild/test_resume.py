"""A sweep's measurements survive damage to its folder, and resuming repeats no harm."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fwdrev.api.sweep import measure, old_run
from fwdrev.bench import PREPARING, Cell, LocalExecutor, Observation, Status, Sweep, make_spec
from fwdrev.bench.records.observation import ArmResult
from fwdrev.modes import InputError
from fwdrev.modes.errors import SurroundingsError
from fwdrev.results import create, load, reopen
from fwdrev.results.runs.journal import Journal
from tests.command import largest_file
from tests.doubles.scripted_executor import ScriptedExecutor
from tests.scripted import seconds
from tests.wild.reports import OURS, report
from tests.wild.scripted_workers import fine, script

SPEC = make_spec({"inputs": "4,8", "outputs": "2,6", "rounds": 2, "engines": ["forward", "reverse"]})
SEEN = list(Sweep(SPEC, ScriptedExecutor(SPEC.engines, seconds)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a run without its last two observations."""
    path = tmp_path / "run"
    with create(path, SPEC, {}) as journal:
        for observation in SEEN[:-2]:
            journal.append(observation)
    return path


@contextmanager
def again(folder: Path) -> Iterator[Journal]:
    """Resumes the run."""
    with reopen(folder, {}, {}) as (journal, _):
        yield journal


@pytest.mark.parametrize("status", [Status.TIMED_OUT, Status.OUT_OF_MEMORY, Status.CRASHED, Status.WRONG])
@pytest.mark.parametrize("index", [PREPARING, 0])
@report("joshuaswarren/remnic#659")
def test_what_hung_or_took_all_memory_is_not_run_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Status, index: int
) -> None:
    """That engine is neither compiled there again nor tried at larger sizes; everything else is measured."""
    past = [o for o in SEEN if o.round < 0 or o.cell != Cell(8, 6)]
    hung = {"reverse": ArmResult(status=status, reason="then")}
    past = [
        Observation(round=o.round, cell=o.cell, arms=dict(o.arms) | hung)
        if (o.round, o.cell) == (index, Cell(4, 6))
        else o
        for o in past
        if o.round <= index or o.cell != Cell(4, 6)
    ]
    ran = script(monkeypatch, fine)
    seen = list(Sweep(SPEC, LocalExecutor(SPEC, tmp_path), past=past))
    assert not [each for each in ran if each[1:] == (Cell(4, 6), "reverse")]
    assert (PREPARING, Cell(4, 6), "forward") in ran
    grows = status is not Status.WRONG
    assert ((PREPARING, Cell(8, 6), "reverse") in ran) != grows
    (last,) = [o.arms["reverse"].status for o in seen if o.cell == Cell(8, 6) and "reverse" in o.arms][-1:]
    assert last is (Status.SKIPPED if grows else Status.MEASURED)


@report(OURS)
def test_larger_limits_do_not_reopen_what_has_ended(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has one record per engine and cell; another limit needs another run."""
    arms = {"reverse": ArmResult(status=Status.TIMED_OUT, reason="no answer within 300 s")}
    with reopen(folder, {}, {}) as (journal, _):
        journal.append(Observation(round=1, cell=Cell(8, 6), arms=dict(SEEN[-1].arms) | arms))
    ran = script(monkeypatch, fine)
    monkeypatch.setattr("fwdrev.api.sweep.fingerprint", lambda *_: {})
    measure(folder, old_run(folder, {"timeout": 3600.0, "rounds": 3}))
    assert not [each for each in ran if each[1:] == (Cell(8, 6), "reverse")]
    assert load(folder).spec.timeout == 3600


@report(OURS)
def test_an_empty_run_is_removed_under_its_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process can resume the run in between, and lose its measurements."""
    told: list[str] = []
    remove = shutil.rmtree

    def meanwhile(path: Path, **options: Any) -> None:
        with pytest.raises(InputError) as caught, again(tmp_path / "run"):
            pass
        told.append(str(caught.value))
        remove(path, **options)

    monkeypatch.setattr(shutil, "rmtree", meanwhile)
    with pytest.raises(KeyboardInterrupt), create(tmp_path / "run", SPEC, {}):
        raise KeyboardInterrupt
    assert told == [f"another sweep is measuring {tmp_path / 'run'}: wait until it has ended, or stop it first"]
    assert list(tmp_path.iterdir()) == []


@report(OURS)
@pytest.mark.parametrize("then", ["nothing", "another"])
def test_a_run_that_goes_while_it_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> None:
    """The lock of a removed journal is worthless; the journal is not made anew."""

    def gone(*_: Any) -> None:
        shutil.rmtree(folder)
        if then == "another":
            folder.mkdir()
            (folder / "journal.jsonl").touch()

    monkeypatch.setattr("fcntl.flock", gone)
    with pytest.raises(InputError, match="was removed or replaced just now"), again(folder):
        pass
    assert not (folder / "manifest.json").exists()


@report(OURS)
def test_a_run_that_goes_before_it_is_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal is not made anew."""
    (folder / "journal.jsonl").unlink()
    monkeypatch.setattr("fwdrev.results.runs.journal.load", lambda _: None)
    with pytest.raises(InputError, match=r"cannot write to .*: No such file"), again(folder):
        pass
    assert not (folder / "journal.jsonl").exists()


@report(OURS)
def test_two_at_once(folder: Path) -> None:
    """The second is refused, even before the first has appended anything; afterwards it may run."""
    with again(folder), pytest.raises(InputError, match="another sweep is measuring"), again(folder):
        pass
    with again(folder) as journal:
        journal.append(SEEN[-2])
    assert load(folder).observations == tuple(SEEN[:-1])


def _moved(folder: Path) -> Path:
    return Path(folder.rename(folder.with_name("elsewhere")))


def _removed(folder: Path) -> Path:
    shutil.rmtree(folder)
    return folder


def _saved_by_an_editor(folder: Path) -> Path:
    new = folder / "journal.jsonl.new"
    new.write_bytes((folder / "journal.jsonl").read_bytes())
    new.rename(folder / "journal.jsonl")
    return folder


def _truncated(folder: Path) -> Path:
    os.truncate(folder / "journal.jsonl", 40)
    return folder


@report(OURS)
@pytest.mark.parametrize("change", [_moved, _removed, _saved_by_an_editor, _truncated])
def test_a_journal_that_is_changed_while_it_is_measured(folder: Path, change: Any) -> None:
    """The sweep ends instead of measuring in vain; what is there can be resumed."""
    with again(folder) as journal:
        now = change(folder)
        with pytest.raises(SurroundingsError, match=r"journal.jsonl was moved, removed or changed"):
            journal.append(SEEN[-2])
    if now.exists():
        with reopen(now, {}, {}) as (journal, run):
            seen = {(o.round, o.cell) for o in run.observations}
            for observation in SEEN:
                if (observation.round, observation.cell) not in seen:
                    journal.append(observation)
        assert sorted(load(now).observations, key=str) == sorted(SEEN, key=str)


@report(OURS)
def test_a_manifest_that_is_removed_while_it_is_measured(folder: Path) -> None:
    """Observations still go to the journal; then the folder is no run until the file is restored."""
    with again(folder) as journal:
        kept = (folder / "manifest.json").read_bytes()
        (folder / "manifest.json").unlink()
        journal.append(SEEN[-2])
    with pytest.raises(InputError, match=r"is not a run: cannot read manifest.json"):
        load(folder)
    (folder / "manifest.json").write_bytes(kept)
    assert load(folder).observations == tuple(SEEN[:-1])


@report("golang/go#58765")
def test_a_full_disk_tears_one_line(folder: Path) -> None:
    """A message names the line, which is removed when there is room again; the observation is measured anew."""
    message = f"cannot write to {folder}/journal.jsonl: File too large; allow larger files"
    size = (folder / "journal.jsonl").stat().st_size + 30
    with largest_file(size), again(folder) as journal, pytest.raises(SurroundingsError, match=message):
        journal.append(SEEN[-2])
    assert load(folder).warnings
    assert load(folder).observations == tuple(SEEN[:-2])
    with again(folder) as journal:
        assert load(folder).warnings == ()
        journal.append(SEEN[-2])
    assert load(folder).observations == tuple(SEEN[:-1])


@report(OURS)
def test_a_disk_that_cannot_sync(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line may be there or not, but never twice."""
    with again(folder) as journal, monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _refused)
        with pytest.raises(SurroundingsError, match=r"cannot write to .*journal.jsonl: .*; look at that disk"):
            journal.append(SEEN[-2])
    with reopen(folder, {}, {}) as (_, run):
        assert run.observations == tuple(SEEN[:-1])


@report(OURS)
def test_no_room_for_the_manifest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run stays unchanged, and its lock is free."""
    before = (folder / "manifest.json").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("fwdrev.results.runs.journal.write_whole", _refused)
        with pytest.raises(SurroundingsError, match=r"cannot write to .*manifest.json"), again(folder):
            pass
    assert (folder / "manifest.json").read_bytes() == before
    with again(folder):
        pass


@report("sosy-lab/benchexec#874")
def test_ctrl_c_while_a_run_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing remains, not even temporary files."""

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("fwdrev.results.runs.journal._write_manifest", interrupted)
    with pytest.raises(KeyboardInterrupt), create(tmp_path / "run", SPEC, {}):
        pass
    assert list(tmp_path.iterdir()) == []


def _refused(*_: Any, **__: Any) -> None:
    raise OSError(errno.EIO, "Input/output error")
