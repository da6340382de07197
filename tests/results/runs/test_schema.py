"""The published schemas: our files follow them, valid files can be read, and old runs stay readable."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pydantic
import pytest
from packaging.version import Version

from fwdrev.bench import Cell, LocalExecutor, Observation, Sweep, fingerprint, make_spec
from fwdrev.modes import InputError
from fwdrev.results import arms, create, load, log_ratios, reopen, times
from fwdrev.results.gate.baseline.record import BASELINE_FORMAT
from fwdrev.results.published import published, schemas
from fwdrev.results.runs.schema import FORMAT, parse_line
from tests.plugin import install_plugin

OLD = Path(__file__).parents[2] / "data" / "format-1"


def _schema(name: str) -> Any:
    return json.loads(published(name).read_text(encoding="utf-8"))


@pytest.mark.skipif(Version(pydantic.VERSION) < Version("2.14"), reason="an older pydantic words them otherwise")
def test_the_published_files_are_up_to_date() -> None:
    """`make schema` writes them."""
    for name, schema in schemas().items():
        assert _schema(name) == schema
        jsonschema.Draft202012Validator.check_schema(schema)
        if name != "pyproject":  # which has no format: all its keys stay
            assert f"format {BASELINE_FORMAT if name == 'baseline' else FORMAT}" in schema["title"]


def test_a_real_run_follows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of line does: measured, wrong, crashed, skipped; its manifest too."""
    install_plugin(tmp_path, monkeypatch)
    engines = ["forward", "jax-vjp", "doubled", "killed"]
    spec = make_spec({"inputs": "4", "outputs": "2,6", "rounds": 1, "blocks": 2, "engines": engines})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with create(tmp_path / "run", spec, fingerprint(1)) as journal:
        for observation in Sweep(spec, LocalExecutor(spec, scratch)):
            journal.append(observation)
    jsonschema.validate(json.loads((tmp_path / "run" / "manifest.json").read_text()), _schema("manifest"))
    lines = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    for line in lines:
        jsonschema.validate(line, _schema("journal"))
    assert {arm["status"] for line in lines for arm in line["arms"].values()} >= {"measured", "wrong", "crashed"}
    assert load(tmp_path / "run").warnings == ()
    table = arms(load(tmp_path / "run"))
    known = ["multiply_adds", "flops", "bytes_accessed", "program_bytes", "resident_bytes", "prepare_seconds"]
    assert table.loc[table["engine"] == "jax-vjp", known].notna().all(axis=None)
    assert table.loc[table["engine"] == "forward", "allocated_bytes"].notna().all()


_ARM = {"status": "measured", "loops": 1, "values": [1.0]}


@pytest.mark.parametrize(
    "change",
    [
        {"round": -3},
        {"n": 0},
        {"n": "8"},
        {"extra": 1},
        {"arms": []},
        {"arms": {"a": ["measured"]}},
        {"arms": {"a": {}}},
        {"arms": {"a": {"status": "fine"}}},
        {"arms": {"a": _ARM | {"extra": 1}}},
        {"arms": {"a": _ARM | {"loops": "1"}}},
        {"arms": {"a": _ARM | {"values": ["1.0"]}}},
        {"arms": {"a": _ARM | {"error": -1}}},
        {"arms": {"a": _ARM | {"memory": {"allocated": -1}}}},
        {"arms": {"a": _ARM | {"program": {"flops": 2**63}}}},
        {"arms": {"a": _ARM | {"program": {"watts": 1}}}},
        {"arms": {"a": _ARM | {"cost": {"multiply_adds": 1, "passes": 1, "bytes_moved": 1}}}},
    ],
)
def test_what_they_forbid_is_not_read(change: dict[str, Any]) -> None:
    """The schema and the reader agree."""
    line = {"round": 0, "n": 8, "m": 2, "arms": {"forward": _ARM}}
    jsonschema.validate(line, _schema("journal"))
    assert json.loads(json.dumps(parse_line(json.dumps(line)).to_json())) == line
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line | change, _schema("journal"))
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse_line(json.dumps(line | change))


@pytest.mark.parametrize("change", [{"status": "skipped"}, {"loops": 0}])
def test_values_of_what_was_not_measured_are_not_read(change: dict[str, Any]) -> None:
    """A schema cannot express this."""
    with pytest.raises(ValueError, match="values of an arm that was not measured"):
        parse_line(json.dumps({"round": 0, "n": 8, "m": 2, "arms": {"forward": _ARM | change}}))


def test_a_run_of_format_1_is_read() -> None:
    """The run is as the version before wrote it, on its machine."""
    run = load(OLD)
    assert run.warnings == ()
    assert len(run.observations) == 4 * 3
    assert log_ratios(run, ("forward", "reverse")).n == [8, 64]
    assert len(times(run)) == 4 * 3
    assert arms(run)["multiply_adds"].notna().all()
    assert arms(run)["allocated_bytes"].isna().all()


def test_a_run_of_format_1_can_be_continued(tmp_path: Path) -> None:
    """The run then has the present format, and all its old content."""
    folder = tmp_path / "run"
    folder.mkdir()
    for name in ("manifest.json", "journal.jsonl"):
        (folder / name).write_bytes((OLD / name).read_bytes())
    before = load(folder)
    with reopen(folder, {"rounds": 3}, before.machine) as (journal, run):
        assert run.spec.rounds == 3
        journal.append(Observation(round=2, cell=Cell(8, 4), arms={}))
    manifest = json.loads((folder / "manifest.json").read_text())
    jsonschema.validate(manifest, _schema("manifest"))
    assert manifest["format"] == FORMAT
    assert load(folder).observations[:-1] == before.observations


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    """The message has a remedy."""
    manifest = json.loads((OLD / "manifest.json").read_text()) | {"format": FORMAT + 1}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=f"reads 1 to {FORMAT}; update fwdrev"):
        load(tmp_path)
