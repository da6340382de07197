"""A self-test's record and its summary: rates with a known truth, and damaged files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.records.gate_spec import gate_spec
from fwdrev.bench.records.sides import delay_of, share_of
from fwdrev.modes.errors import InputError
from fwdrev.results.gate.aa_test.record import Measured, Record, RecordedRun, create, load_record
from fwdrev.results.gate.aa_test.summary import Share, delays_for, summarised, summary_lines
from fwdrev.results.gate.sides import Sides

SPEC = gate_spec({"inputs": [4, 8], "outputs": [2, 4], "rounds": 8})


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A record without runs."""
    return made(tmp_path / "record.jsonl")


def made(path: Path, **fields: Any) -> Record:
    """Makes a new record with no machine."""
    given: dict[str, Any] = {"created": "2026-01-02T03:04:05+00:00", "machine": {"cpus": 2}, "spec": SPEC}
    return create(path, **{**given, "point": None, "commit": "1a2b3c", "threshold": 0.05, **fields})


def look(rng: np.random.Generator, delays: list[str], spread: float, rounds: int = 8) -> Sides:
    """The observations of a gate with these delays."""
    cells, arms = tuple(SPEC.cells), tuple(SPEC.engines)
    shares = [[share_of([delay_of(text) for text in delays], arm, cell) for arm in arms] for cell in cells]
    shape = (rounds, len(cells), len(arms))
    return Sides(
        cells=cells,
        arms=arms,
        logs=np.log1p(shares) + rng.normal(0, spread, shape),
        control=rng.normal(0, spread / 10, shape[:2]),
    )


def run(rng: np.random.Generator, delays: list[str], spread: float = 0.003, **fields: Any) -> RecordedRun:
    """A run of two looks."""
    first, again = (Measured.of(look(rng, delays, spread)) for _ in range(2))
    return RecordedRun(**{"delays": delays, "seconds": 10.0, "first": first, "again": again, **fields})


def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    """Values are exact to a millionth; unmeasured ones stay so; the spec may have functions as arms."""
    sides = look(np.random.default_rng(0), [], 0.01)
    sides.logs[2, 1, 0] = np.nan
    record.append(RecordedRun(seconds=1.5, first=Measured.of(sides)))
    read = load_record(record.path)
    assert (read.spec, read.threshold, read.commit, read.machine["cpus"]) == (SPEC, 0.05, "1a2b3c", 2)
    np.testing.assert_allclose(read.runs[0].first.sides().logs, sides.logs, atol=1e-6)
    assert read.runs[0].again is None
    functions = gate_spec({"inputs": [4], "outputs": [2]}, ["mine:f", "forward"])
    other = made(record.path.with_name("other.jsonl"), spec=functions, point="mine:at")
    assert (other.spec.engines, other.point) == (["mine:f", "forward"], "mine:at")


def test_a_run_that_was_cut_off_is_left_out(record: Record) -> None:
    """A message has its line number, and runs appended later are whole."""
    rng = np.random.default_rng(0)
    record.append(run(rng, []))
    with record.path.open("a", encoding="utf-8") as file:
        file.write('{"delays":[],"seco')
    record.append(run(rng, []))
    read = load_record(record.path)
    assert len(read.runs) == 2
    assert [warning.split(": ")[0][-6:] for warning in read.warnings] == ["line 3"]


@pytest.mark.parametrize(
    "line",
    [
        '{"delays":["nonsense"],"seconds":1,"first":FIRST}',
        '{"delays":[],"seconds":-1,"first":FIRST}',
        '{"delays":[],"seconds":1,"first":{"cells":[[4,2]],"arms":["forward"],"logs":[[[0,0]]],"control":[[0]]}}',
        '{"delays":[],"seconds":1,"first":{"cells":[[4,2]],"arms":["forward"],"logs":[[[0]],[[0,1]]],"control":[[0]]}}',
        '{"delays":[],"seconds":1,"first":FIRST,"more":1}',
        "[]",
    ],
)
def test_lines_that_no_selftest_wrote_are_left_out(record: Record, line: str) -> None:
    """Each gives a warning and is ignored."""
    first = '{"cells":[[4,2]],"arms":["forward"],"logs":[[[0]]],"control":[[0]]}'
    with record.path.open("a", encoding="utf-8") as file:
        file.write(line.replace("FIRST", first) + "\n")
    read = load_record(record.path)
    assert (read.runs, len(read.warnings)) == ((), 1)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format":2}', "\x00\xff", '{"format":1,"created":"x"}'])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    """One line refuses it; an existing file is never overwritten."""
    path = tmp_path / "some.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is no record of a selftest"):
        load_record(path)
    with pytest.raises(InputError, match="exists: go on with --resume"):
        made(path)
    assert path.read_text(encoding="utf-8") == text


def test_missing_files_and_folders(tmp_path: Path) -> None:
    """Each message has a remedy."""
    with pytest.raises(InputError, match="cannot read"):
        load_record(tmp_path / "none")
    with pytest.raises(InputError, match="cannot write"):
        made(tmp_path / "none" / "record.jsonl")


def test_rates_are_counted_over_runs(record: Record) -> None:
    """Identical code is not called slower, inserted delays are found, and each delay counts once."""
    rng = np.random.default_rng(1)
    for _ in range(6):
        record.append(run(rng, []))
    for index in range(4):
        record.append(run(rng, delays_for(SPEC, 0.05, index)))
    summary = summarised(load_record(record.path))
    counted = {name: (share["count"], share["among"]) for name, share in summary.to_json().items() if name in SHARES}
    assert counted == {"alarms": (0, 6), "open": (0, 6), "improved": (0, 6), "whole": (4, 4), "cell": (4, 4)}
    assert summary.seconds == (10.0, 10.0)
    assert json.loads(json.dumps(summary.to_json(), allow_nan=False))


SHARES = ("alarms", "open", "improved", "whole", "cell")


def test_an_alarm_is_an_alarm(record: Record) -> None:
    """Without a delay, slower code is a false alarm, which the self-test counts."""
    rng = np.random.default_rng(2)
    for _ in range(3):
        record.append(run(rng, ["forward=0.2"]).model_copy(update={"delays": []}))
    summary = summarised(load_record(record.path))
    assert (summary.alarms.count, summary.alarms.among) == (3, 3)
    assert any("identical code called slower: 3 of 3" in line for line in summary_lines(record, summary))


def test_what_was_not_delayed_does_not_count_as_found(record: Record) -> None:
    """Another slower arm or cell is no detection."""
    rng = np.random.default_rng(3)
    slower = run(rng, ["reverse=0.2"])
    record.append(slower.model_copy(update={"delays": ["mode:forward=0.05", "forward@4,2=0.1"]}))
    summary = summarised(load_record(record.path))
    assert (summary.whole.count, summary.cell.count) == (0, 0)


@pytest.mark.parametrize(("spread", "rounds", "threshold"), [(0.003, 4, 0.02), (0.06, None, 0.15)])
def test_the_advice_follows_the_noise(record: Record, spread: float, rounds: int | None, threshold: float) -> None:
    """A quiet machine needs few rounds; on a very noisy one no tried number suffices for the threshold."""
    rng = np.random.default_rng(4)
    for _ in range(8):
        record.append(run(rng, [], spread))
    advice = summarised(load_record(record.path)).advice
    assert (advice.rounds, advice.threshold) == (rounds, threshold)
    assert all(share.among == 64 // r for (r, _), share in advice.decided.items())


def test_delays_are_of_a_mode_and_of_a_cell_of_the_other() -> None:
    """Every arm gets its turn, and the same seed draws the same delays."""
    drawn = [delays_for(SPEC, 0.05, index) for index in range(20)]
    assert drawn == [delays_for(SPEC, 0.05, index) for index in range(20)]
    assert {whole for whole, _ in drawn} == {"mode:forward=0.05", "mode:reverse=0.05"}
    for whole, cell in drawn:
        assert delay_of(cell).arm != whole.split(":")[1].split("=")[0]
        assert delay_of(cell).share == 0.1
    alone = gate_spec({"inputs": [4], "outputs": [2]}, ["mine:f"])
    assert [delays_for(alone, 0.05, index) for index in range(2)] == [["mine:f=0.05"], ["mine:f@4,2=0.1"]]


def test_shares_have_wilsons_interval() -> None:
    """0 of 120 leaves 3.1 %; without counts there is nothing."""
    assert Share(count=0, among=120).interval == pytest.approx((0.0, 0.0310), abs=1e-4)
    assert Share(count=0, among=0).interval == (0.0, 1.0)
