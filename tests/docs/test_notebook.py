"""The example notebook: every cell runs and shows what it should, and the file has no outputs."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.legend import Legend

from tests.command import fwdrev
from tests.doubles.instant import instant

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "examples" / "plane.ipynb"


def _code(notebook: Path) -> list[dict[str, Any]]:
    """Its cells of code."""
    return [cell for cell in json.loads(notebook.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def _files() -> set[Path]:
    """The files of the repository where a notebook, but no other test running beside this one, might write."""
    found = {*ROOT.glob("[!.]*"), *(ROOT / "examples").rglob("*")}
    return {path for path in found if "__pycache__" not in path.parts}


def _run(notebook: Path, folder: Path, environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Runs it into `executed.ipynb` in that folder."""
    command = [sys.executable, str(ROOT / "tests" / "run_notebook.py"), str(notebook), "executed.ipynb"]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=400
    )


SWEEP = "--inputs 16:256:*4 --outputs 4:256:*4 --engines forward,reverse,bracketed --rounds 5 --blocks 3"
QUICKER = "--inputs 16,256 --outputs 4,256 --engines forward,reverse --rounds 1 --blocks 1"
"""The options in the notebook, and quicker ones for its test."""

LAST = "sys.executable"
"""An extra cell that names the interpreter."""


def _quicker(folder: Path) -> Path:
    """The notebook with a smaller sweep and an extra cell."""
    notebook: dict[str, Any] = json.loads(NOTEBOOK.read_text("utf-8").replace(SWEEP, QUICKER))
    assert QUICKER in str(notebook)
    notebook["cells"].append(
        {"cell_type": "code", "id": "a", "metadata": {}, "outputs": [], "execution_count": None, "source": LAST}
    )
    path = folder / "quicker.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    return path


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """Runs the notebook in an empty folder, which also holds Jupyter's files and another kernel."""
    folder, before = tmp_path_factory.mktemp("notebook"), _files()
    environment = dict(os.environ) | {"JUPYTER_PLATFORM_DIRS": "1"}
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR", "TMPDIR"):
        (folder / name).mkdir()
        environment[name] = str(folder / name)
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(json.dumps({"argv": ["false"], "display_name": "no", "language": "python"}))
    done = _run(_quicker(folder), folder, environment | {"JUPYTER_PATH": str(folder)})
    assert done.returncode == 0, done.stderr
    assert _files() == before
    return _code(folder / "executed.ipynb")


def test_the_cells_run_without_a_kernel() -> None:
    """One program of all cells ends without an error; where a cell shows a value, it has a picture or a text."""
    plt.switch_backend("agg")
    names: dict[str, Any] = {}
    here = SimpleNamespace(run=lambda command, **_: fwdrev(*command[3:]))
    with instant():
        for cell in _code(NOTEBOOK):
            tree = ast.parse("".join(cell["source"]))
            shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, "cell", "exec"), names)  # noqa: S102 - ours
            names["subprocess"] = here
            if shown is not None:
                value = eval(ast.unparse(shown), names)  # noqa: S307 - ours
                assert hasattr(value, "_repr_html_") or isinstance(value, np.ndarray | Legend)
    plt.close("all")
    assert len(names["run"].spec.cells) == 12


def test_the_notebook_is_stored_without_outputs() -> None:
    """A diff of the notebook shows changes of its source only."""
    nbformat.validate(json.loads(NOTEBOOK.read_text("utf-8")))
    for cell in _code(NOTEBOOK):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.long
def test_every_cell_runs_in_silence(cells: list[dict[str, Any]]) -> None:
    """All run in order, without an error or a warning."""
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        assert {output["output_type"] for output in cell["outputs"]} <= {"execute_result", "display_data"}


@pytest.mark.long
def test_every_cell_shows_what_it_should(cells: list[dict[str, Any]]) -> None:
    """The cells show the run with its map, tables of crossovers, winners and rules, a figure, a Jacobian, a frame."""
    shown = [{k: "".join(v) for output in cell["outputs"] for k, v in output["data"].items()} for cell in cells]
    imports, run, crossover, winners, rules, figure, jacobian, frame, _ = shown
    assert imports == {}
    assert "<svg" in run["text/html"]
    assert "1 of 1" in run["text/html"]
    assert run["text/plain"].startswith("<Run ")
    assert "forward and reverse break even at m* outputs" in crossover["text/html"]
    assert "<th>next</th>" in winners["text/html"]
    assert "always reverse" in rules["text/html"]
    assert "image/png" in figure
    assert jacobian["text/plain"].startswith("array([[")
    assert "dataframe" in frame["text/html"]


@pytest.mark.long
def test_the_kernel_is_this_interpreter(cells: list[dict[str, Any]]) -> None:
    """Other installed kernels do not matter."""
    (shown,) = cells[-1]["outputs"]
    assert "".join(shown["data"]["text/plain"]) == repr(sys.executable)
