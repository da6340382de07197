"""Sweeps of problems without every shape: the grid becomes the existing shapes, and every reader accepts it."""

import json
from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench import Cell, make_spec
from fwdrev.bench.records.spec import read_spec
from fwdrev.modes import InputError
from fwdrev.results import Run, create, load
from fwdrev.results.runs.export import spec_toml
from tests.command import fwdrev
from tests.plugin import install_plugin
from tests.scripted import scripted_run


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The problem `stepped` has m = step and n a multiple of it."""
    folder = tmp_path / "plugin"
    folder.mkdir()
    return install_plugin(folder, monkeypatch)


STEPPED: dict[str, Any] = {"problem": "stepped", "inputs": "3:200:*2", "outputs": "1:8:*2"}


@pytest.mark.usefixtures("plugin")
def test_the_grid_becomes_the_nearest_shapes() -> None:
    """Each appears once, in order; other shapes could not have been measured."""
    spec = make_spec(STEPPED)
    assert spec.cells == [Cell(n, 4) for n in (4, 12, 24, 48, 96, 192)]
    assert (spec.sizes_n, spec.sizes_m) == ([4, 12, 24, 48, 96, 192], [4])
    assert spec.may_hold(Cell(12, 4))
    assert not spec.may_hold(Cell(6, 4))
    assert spec.problem_at(spec.cells[1]).n == 12
    assert make_spec(STEPPED | {"options": {"step": 100}}).cells == [Cell(100, 100)]


def test_a_problem_that_has_every_shape_keeps_its_grid() -> None:
    """No shapes are stored for it."""
    spec = make_spec({"inputs": "8,16", "outputs": "2,4"})
    assert spec.shapes is None
    assert (spec.sizes_n, spec.sizes_m, len(spec.cells)) == ([8, 16], [2, 4], 4)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("refining", [{"precision": "5%"}, {"budget": "60s"}])
def test_a_plane_with_gaps_is_not_refined(refining: dict[str, str]) -> None:
    """One line refuses it, with the rule."""
    with pytest.raises(
        InputError, match=r"problem 'stepped' does not have all of them \(m = step, .*\): leave them out$"
    ):
        make_spec(STEPPED | refining)


@pytest.mark.usefixtures("plugin")
def test_the_shapes_are_found_not_given(tmp_path: Path) -> None:
    """A file that requests shapes is refused; a report's file has none, and measures the same."""
    spec, path = make_spec(STEPPED), tmp_path / "spec.toml"
    path.write_text(spec_toml(spec))
    assert make_spec(read_spec(path)) == spec
    assert make_spec(spec.model_dump(mode="json") | {"inputs": "8"}).cells == [Cell(8, 4)]
    path.write_text("shapes = [[1, 1]]")
    with pytest.raises(InputError, match=r"unknown key in .* 'shapes'"):
        read_spec(path)


def _written(run: Run, folder: Path) -> Path:
    with create(folder, run.spec, {**run.machine, "versions": {"numpy": "2", "jax": "0"}}) as journal:
        for observation in run.observations:
            journal.append(observation)
    return folder


def test_a_run_is_read_where_the_problem_is_not_installed(tmp_path: Path) -> None:
    """The run stores its cells."""
    with pytest.MonkeyPatch.context() as patched:
        plugin = tmp_path / "plugin"
        plugin.mkdir()
        install_plugin(plugin, patched)
        folder = _written(scripted_run(**STEPPED), tmp_path / "run")
    run = load(folder)
    assert not run.warnings
    assert len(run.spec.cells) == 6
    assert {o.cell for o in run.observations} == set(run.spec.cells)


@pytest.mark.usefixtures("plugin")
@pytest.mark.parametrize("inputs", ["3:20:*2", pytest.param("4", marks=pytest.mark.long)])
def test_a_plane_of_one_row_is_shown(inputs: str, tmp_path: Path) -> None:
    """Every reader handles one row and one cell: no command ends with a traceback."""
    folder = _written(scripted_run(**STEPPED | {"inputs": inputs, "outputs": "7"}, noise=0.02), tmp_path / "run")
    for command in (
        ("crossover", folder, "--json"),
        ("plot", folder, "--format", "svg", "--out", tmp_path / "plots"),
        ("report", folder, "--out", tmp_path / "report.html"),
    ):
        done = fwdrev(*command)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        if command[0] == "crossover":
            found = json.loads(done.stdout)
            assert [point["m"] for point in found["points_in_n"]] == [4]
    assert list((tmp_path / "plots").glob("*.svg"))
    assert (tmp_path / "report.html").exists()


@pytest.mark.usefixtures("plugin")
def test_what_is_explained_exists() -> None:
    """`explain` takes the shape nearest to the request, and says so."""
    done = fwdrev("explain", "--problem", "stepped", "--inputs", "30", "--outputs", "30", "--json")
    told = json.loads(done.stdout)["problem"]
    assert (told["n"], told["m"]) == (28, 4)
