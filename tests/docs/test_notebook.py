"""The example notebook: every cell runs, shows what it should, and it is stored without outputs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "plane.ipynb"


def _code(notebook: Path) -> list[dict[str, Any]]:
    """Its cells of code."""
    return [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def _files() -> set[Path]:
    """Of the repository, as far as a notebook would write there, and no other test that runs beside this one."""
    found = {*ROOT.glob("[!.]*"), *(ROOT / "examples").rglob("*")}
    return {path for path in found if "__pycache__" not in path.parts}


def _run(notebook: Path, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Into `executed.ipynb` in that folder."""
    command = [sys.executable, str(ROOT / "tests" / "run_notebook.py"), str(notebook), "executed.ipynb"]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=400
    )


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Run the notebook in an empty folder, in which everything that Jupyter keeps is too."""
    folder, before = tmp_path_factory.mktemp("notebook"), _files()
    environment = dict(os.environ) | {"JUPYTER_PLATFORM_DIRS": "1"}
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "TMPDIR"):
        (folder / name).mkdir()
        environment[name] = str(folder / name)
    done = _run(NOTEBOOK, folder, environment)
    assert done.returncode == 0, done.stderr
    assert _files() == before
    return _code(folder / "executed.ipynb")


def test_the_notebook_is_stored_without_outputs() -> None:
    """So that a change of it reads as a change of its source."""
    nbformat.validate(json.loads(NOTEBOOK.read_text("utf-8")))
    for cell in _code(NOTEBOOK):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


def test_every_cell_runs_in_silence(cells: list[dict[str, Any]]) -> None:
    """In order; no error, no warning."""
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert {output["output_type"] for output in cell["outputs"]} <= {"execute_result", "display_data"}


def test_every_cell_shows_what_it_should(cells: list[dict[str, Any]]) -> None:
    """The run with its map, tables of crossovers, winners and rules, a figure, a Jacobian, a frame."""
    shown = [{k: "".join(v) for output in cell["outputs"] for k, v in output["data"].items()} for cell in cells]
    imports, run, crossover, winners, rules, figure, jacobian, frame = shown
    assert imports == {}
    assert "<svg" in run["text/html"]
    assert "5 of 5" in run["text/html"]
    assert run["text/plain"].startswith("<Run ")
    assert "forward and reverse break even at m* outputs" in crossover["text/html"]
    assert "<th>next</th>" in winners["text/html"]
    assert "always reverse" in rules["text/html"]
    assert "image/png" in figure
    assert jacobian["text/plain"].startswith("array([[")
    assert "dataframe" in frame["text/html"]


def test_the_kernel_is_this_interpreter(tmp_path: Path) -> None:
    """Whatever kernels are installed."""
    cell: dict[str, Any] = {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [cell | {"source": "import sys; sys.executable"}]
    notebook = tmp_path / "notebook.ipynb"
    notebook.write_text(json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    kernel = tmp_path / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "no", "language": "python"}))
    done = _run(notebook, tmp_path, dict(os.environ) | {"JUPYTER_PATH": str(tmp_path), "IPYTHONDIR": str(tmp_path)})
    assert done.returncode == 0, done.stderr
    (ran,) = _code(tmp_path / "executed.ipynb")
    assert "".join(ran["outputs"][0]["data"]["text/plain"]) == repr(sys.executable)
