"""Measurements survive: after any damage to a journal, every whole line can be read."""

import json
from pathlib import Path

import pytest

from fwdrev.bench import make_spec
from fwdrev.modes import InputError, NothingMeasuredError
from fwdrev.results import Run, arms, create, failures, load, log_ratios, times, values
from tests.scripted import on_disk, scripted_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A scripted run on disk."""
    made = scripted_run(noise=0.05, inputs="8,64", outputs="4,256")
    on_disk(tmp_path / "run", made)
    return load(tmp_path / "run")


def test_a_run_comes_back_as_it_was(run: Run) -> None:
    """The loaded run has the same specification, machine and raw values."""
    made = scripted_run(noise=0.05, inputs="8,64", outputs="4,256")
    assert run.spec == made.spec
    assert run.machine == made.machine
    assert run.observations == made.observations
    assert run.warnings == ()


def test_tables(run: Run) -> None:
    """The tables have a row per value, per arm and cell, per estimate."""
    assert len(values(run)) == 5 * 4 * 2 * 5
    assert len(arms(run)) == 4 * 2
    assert len(times(run)) == 4 * 2
    assert (times(run)["low"] < times(run)["high"]).all()
    assert failures(run).empty


def test_every_tear_costs_one_line_only(run: Run) -> None:
    """Wherever the journal is cut, all whole lines are read, and a warning names the torn one."""
    path = run.folder / "journal.jsonl"
    data = path.read_bytes()
    for size in range(0, len(data), 997):
        path.write_bytes(data[:size])
        torn = load(run.folder)
        whole = data[:size].count(b"\n")
        assert torn.observations == run.observations[:whole] or torn.observations == run.observations[: whole + 1]
        assert len(torn.warnings) == (
            0 if len(torn.observations) > whole or data[:size].endswith(b"\n") or not size else 1
        )


@pytest.mark.parametrize(
    "damage",
    [
        "{",
        "[]",
        "1",
        '{"round": 0}',
        '{"round":0,"n":"x","m":1,"arms":{}}',
        '{"round":0,"n":1,"m":1,"arms":[]}',
        '{"round":0,"n":1e999,"m":1,"arms":{}}',
        '{"round":0,"n":1,"m":1,"arms":{"forward":{"status":"measured","loops":1,"values":[0.0]}}}',
        '{"round":0,"n":1,"m":1,"arms":{"forward":{"status":"measured","loops":-1,"values":[1.0]}}}',
        '{"round":0,"n":1,"m":1,"arms":{"forward":{"status":"measured","loops":1,"values":[NaN]}}}',
        '{"round":0,"n":1,"m":1,"arms":{"forward":{"status":"good"}}}',
        "\x00\x00",
    ],
)
def test_a_damaged_line_in_the_middle(run: Run, damage: str) -> None:
    """The line is left out and named; the lines around it are used."""
    path = run.folder / "journal.jsonl"
    lines = path.read_text().splitlines()
    lines[7] = damage
    path.write_text("\n".join(lines) + "\n")
    damaged = load(run.folder)
    assert len(damaged.observations) == len(run.observations) - 1
    assert len(damaged.warnings) == 1
    assert "line 8" in damaged.warnings[0]
    log_ratios(damaged, ("forward", "reverse"))


def test_a_folder_that_exists_is_not_touched(run: Run) -> None:
    """A second sweep into it is refused."""
    before = (run.folder / "journal.jsonl").read_bytes()
    with pytest.raises(InputError, match="exists already"), create(run.folder, run.spec, {}):
        pass
    assert (run.folder / "journal.jsonl").read_bytes() == before


def test_nothing_observed_leaves_no_folder(tmp_path: Path) -> None:
    """An interrupted start can simply be repeated."""
    with pytest.raises(KeyboardInterrupt), create(tmp_path / "new", make_spec({}), {}):
        raise KeyboardInterrupt
    assert not (tmp_path / "new").exists()


def test_a_folder_that_cannot_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No temporary files remain either."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fwdrev.results.runs.journal._write_manifest", full)
    message = "cannot write to .*: No space left on device"
    with pytest.raises(InputError, match=message), create(tmp_path / "new", make_spec({}), {}):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "is not a run: cannot read manifest.json"),
        ("{", "is damaged"),
        ("[" * 100_000, "is damaged"),
        ("[]", "is damaged"),
        ('{"format": 1, "spec": {}, "machine": null, "created": "2026-01-01T00:00:00"}', "is damaged: machine"),
        (
            '{"format": 1, "spec": {}, "machine": {"Hz": [NaN]}, "created": "2026-01-01T00:00:00"}',
            "is damaged: machine",
        ),
        (
            '{"format": 1, "spec": {"options": {"a": NaN}}, "machine": {}, "created": "2026-01-01T00:00:00"}',
            "options.a",
        ),
        ('{"format": 1, "spec": {}, "machine": {}, "created": 5}', "is damaged: created"),
        ('{"format": 1, "spec": [], "machine": {}, "created": "2026-01-01T00:00:00"}', "is damaged: spec"),
        ('{"format": 99, "spec": {}, "machine": {}, "created": "2026-01-01T00:00:00"}', "has format 99: this version"),
        ('{"format": 1, "spec": {"x": 1}, "machine": {}, "created": "2026-01-01T00:00:00"}', "option of a sweep 'x'"),
    ],
)
def test_a_folder_that_is_no_run(run: Run, manifest: str | None, message: str) -> None:
    """One line refuses it, and the journal stays."""
    path = run.folder / "manifest.json"
    path.unlink()
    if manifest is not None:
        path.write_text(manifest)
    with pytest.raises(InputError, match=message):
        load(run.folder)
    assert (run.folder / "journal.jsonl").exists()


def test_an_engine_that_was_not_measured(run: Run) -> None:
    """The error names the measured ones."""
    with pytest.raises(NothingMeasuredError, match="no time of jax-jvp: it measured forward, reverse"):
        log_ratios(run, ("forward", "jax-jvp"))


def test_values_are_strict_json(run: Run) -> None:
    """Any JSON reader can read a journal."""
    lines = (run.folder / "journal.jsonl").read_text().splitlines()
    assert len(lines) == len(run.observations)
    for line in lines:
        assert set(json.loads(line, parse_constant=pytest.fail)) == {"round", "n", "m", "arms"}


def test_a_run_from_another_machine(run: Run) -> None:
    """The run's engines and its problem need not be installed to read and draw it."""
    from fwdrev.bench.records.parsing import engine_pair
    from fwdrev.plots import save_figures

    for name in ("manifest.json", "journal.jsonl"):
        path = run.folder / name
        path.write_text(path.read_text().replace('"reverse"', '"their $engine$"').replace('"driven"', '"theirs"'))
    theirs = load(run.folder)
    pair = engine_pair("forward,their $engine$", theirs.spec.engines)
    assert log_ratios(theirs, pair).n == [8, 64]
    assert save_figures(theirs, run.folder / "figures", [("forward", "their $engine$")], formats=["svg"])
