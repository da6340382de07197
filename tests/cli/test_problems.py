"""Every problem can be swept by default: the command finds its shapes and the variables to differentiate by."""

import json
import re
from pathlib import Path

import pytest

from fwdrev.bench import Cell, make_spec
from fwdrev.modes import InputError, Wrt, nearest_shape, problem_names, problem_shape
from fwdrev.results import Run, load
from fwdrev.results.runs.cells import engines_measured
from tests.command import fwdrev
from tests.doubles.workers_here import workers_here
from tests.scripted import scripted_sweeps

ENGINES = ("reverse", "jax-jvp")

PUBLISHED = [name for name in problem_names() if name not in {"driven", "mlp", "autoencoder"}]
"""Problems that no other test sweeps."""


GRID = ("--inputs", "20", "--outputs", "8", "--rounds", 1, "--blocks", 2, "--block-seconds", 1e-4)


def _swept(name: str, folder: Path) -> Run:
    done = fwdrev("sweep", "--problem", name, *GRID, "--engines", ",".join(ENGINES), "--out", folder)
    assert done.returncode == 0, done.stderr
    run = load(folder)
    assert run.spec.cells == [Cell(*nearest_shape(name, 20, 8))]
    told = f"{name} has {problem_shape(name)}: the shapes nearest to the grid are measured, 1 instead of 1\n"
    assert (told in done.stderr) == (nearest_shape(name, 20, 8) != (20, 8))
    return run


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_problem_is_swept(name: str, tmp_path: Path) -> None:
    """The sweep takes the shape nearest to the request and says so; it differentiates by what the problem has."""
    with scripted_sweeps():
        run = _swept(name, tmp_path / "run")
    assert run.spec.wrt is (Wrt.THETA if run.spec.problem_at(run.spec.cells[0]).theta.size else Wrt.X)


@pytest.mark.long
@pytest.mark.parametrize("name", PUBLISHED[::4])
def test_a_problem_is_measured(name: str, tmp_path: Path) -> None:
    """Both engines measure it, and agree with products of the Jacobian."""
    with workers_here():
        run = _swept(name, tmp_path / "run")
    assert engines_measured(run) == list(ENGINES)
    statuses = {arm.status for o in run.observations for arm in o.arms.values()}
    assert statuses == {"measured"}
    assert len(run.observations) == 2 + 1


def test_problems_say_their_shapes() -> None:
    """The text has a column of them, the JSON data."""
    lines = fwdrev("problems").stdout.splitlines()
    rows = json.loads(fwdrev("problems", "--json").stdout)["problems"]
    assert [row["name"] for row in rows] == problem_names()
    for line, row in zip(lines, rows, strict=True):
        assert row["shape"] == problem_shape(row["name"])
        assert f"  {row['shape']}  " in line
        assert line.startswith(row["name"])
    assert len({line.index(row["summary"]) for line, row in zip(lines, rows, strict=True)}) == 1


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"wrt": "theta"}, "problem 'mgh33' has no parameters; differentiate it with respect to x"),
        ({"precision": "5%"}, "problem 'mgh33' does not have all of them (any m ≥ n): leave them out"),
    ],
)
def test_what_a_problem_cannot_do_is_one_line(given: dict[str, str], part: str) -> None:
    """The message comes before measuring; by default the Jacobian is that of the variables that the problem has."""
    with pytest.raises(InputError, match=re.escape(part)):
        make_spec({"problem": "mgh33"} | given)
    assert make_spec({"problem": "mgh33"}).wrt is Wrt.X
    assert make_spec({"problem": "mlp"}).wrt is Wrt.THETA


def test_traced_layers_have_no_exact_count() -> None:
    """`explain` does not claim one."""
    told = fwdrev("explain", "--problem", "mgh33", "--inputs", 5, "--outputs", 9).stdout
    assert "half the operations of XLA's analysis" in told
    assert "are exact" not in told
    assert "J_x f is 9×5" in told
