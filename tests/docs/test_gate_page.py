"""The page "Gate your own function": its project, commands, table and workflow do what it says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.doubles.scripted_rounds import scripted_rounds
from tests.github_runner import Runner
from tests.project import commit, make_project

PAGE = (Path(__file__).parents[2] / "docs" / "gate-your-function.md").read_text(encoding="utf-8")

SLOWER = "np.sum(np.diff(x) * np.diff(x))"
"""The page's own change."""


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


MODULE, SETTINGS = blocks("python")[0], blocks("toml")[0]

QUICK = ["--rounds", "3", "--threshold", "900%"]
"""The fewest rounds, and a threshold that leaves nothing inconclusive even on a busy machine."""

COMMANDS = [shlex.split(line) for block in blocks("sh") for line in block.splitlines() if line.startswith("fwdrev")]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The page's project with its settings, on a branch of its own, in the current folder."""
    made = make_project(tmp_path / "work", {"mymodule.py": MODULE, "pyproject.toml": SETTINGS})
    monkeypatch.chdir(made)
    git = ["git", "-C", str(made), "branch", "--move", "main"]
    subprocess.run(git, check=True)
    return made


@pytest.fixture
def jax_without_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that start here find NumPy under the name of JAX, and so start sooner."""
    jax = tmp_path / "no_compiler" / "jax"
    jax.mkdir(parents=True)
    leaves = "tree_util = types.SimpleNamespace(tree_leaves=lambda found: [found])"
    (jax / "__init__.py").write_text(f"import types\n{leaves}\njit = block_until_ready = lambda same: same\n")
    (jax / "numpy.py").write_text("from numpy import *\n")
    monkeypatch.setenv("PYTHONPATH", str(jax.parent))


def change(project: Path, old: str, new: str) -> None:
    """Changes the working tree."""
    file = project / "mymodule.py"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.usefixtures("jax_without_compiler")
def test_the_commands_run(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each runs unchanged, in order, but without the clock; only the requested baseline remains."""
    for module in ("fwdrev.bench.revisions.rounds", "fwdrev.cli.gate.measured_functions"):
        monkeypatch.setattr(f"{module}.against", scripted_rounds)
    assert [command[1] for command in COMMANDS] == ["check", "check", "check", "baseline", "check"]
    before = {path.name for path in project.iterdir()}
    for _, *command in COMMANDS:
        done = fwdrev(*command)
        assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("baseline baseline.json, measured anew; threshold 10 %\n")
    assert {path.name for path in project.iterdir()} - before - {"__pycache__"} == {"baseline.json"}


ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.partition("## What it says")[2].partition("\n## ")[0].splitlines()
    if line.startswith("| ")
][1:]

CHANGES = {
    "it returns other values": ("** 2)", "** 2) / 2", ("mymodule:energy",)),
    "only head has it": ("def start", "def mass(x):\n    return x.sum()\n\n\ndef start", ("mymodule:mass",)),
    "head no longer has it": ("def energy", "def energie", ("mymodule:energy",)),
    "its name is misspelt": ("def start", "def start", ("mymodule:step", "mymodule:enrgy")),
    "its point returns something else": ("0.0, 1.0", "0.0, 2.0", ("mymodule:energy",)),
}  # fmt: skip
"""For each row of the page's table, by its beginning: the change, and the functions to check."""

QUICK_ROWS = {"it returns other values", "only head has it", "its name is misspelt"}
"""A difference, an answer without one, and an error; the short suite has these."""

OWN_POINT = ("def start", "def middle(n):\n    return np.ones(n)\n\n\ndef start", ("mymodule:energy",))
"""A point that only head has."""


@pytest.mark.usefixtures("jax_without_compiler")
@pytest.mark.parametrize(
    "begins",
    [
        begins if begins in QUICK_ROWS else pytest.param(begins, marks=pytest.mark.long)
        for begins in [*CHANGES, "only head has it, or its point"]
    ],
)
def test_the_table_says_what_happens(begins: str, project: Path) -> None:
    """The text and the exit code fit each situation that needs no clock."""
    (row,) = [row for row in ROWS if row[0].startswith(begins)]
    old, new, functions = CHANGES.get(begins, OWN_POINT)
    change(project, old, new)
    asked = ["--functions", ",".join(functions), *(["--point", "mymodule:middle"] if begins not in CHANGES else [])]
    with lasting_pairs():
        done = fwdrev("check", "--against", "main", *asked, *QUICK)
    for said in re.findall(r"`([^`]+)`", row[1]):
        assert all(part in done.stdout + done.stderr for part in said.split("…")), done.stdout + done.stderr
    assert done.returncode in {int(code) for code in re.findall(r"\d", row[2])}, done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("jax", ["as NumPy", "itself"])
def test_the_workflow_runs(jax: str, project: Path, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """With the project's settings alone, the answer of the action's step has every function.

    The change that the page makes keeps the values, so both functions are timed.
    """
    if jax != "itself":
        request.getfixturevalue("jax_without_compiler")
    (tmp_path / "runner").mkdir()
    runner = Runner(tmp_path / "runner")
    runner.command(runner.bin / "fwdrev", f'exec {shlex.quote(sys.executable)} -m fwdrev "$@"\n')
    runner.work.rmdir()
    project.rename(runner.work)
    settings = SETTINGS.replace('find = "20%"', 'threshold = "900%"\nrounds = 3')
    assert settings != SETTINGS
    (runner.work / "pyproject.toml").write_text(settings, encoding="utf-8")
    commit(runner.work)
    assert SLOWER in PAGE
    change(runner.work, "np.sum(np.diff(x) ** 2)", SLOWER)
    runner.environment["PYTHONPATH"] = os.environ.get("PYTHONPATH", "")
    given = {"AGAINST": "main", "FUNCTIONS": "", "ENGINES": "", "ARGS": "", "INCONCLUSIVE": "warn"}
    done = runner.run("Measure both", **given)
    outputs = runner.outputs()
    assert (done.returncode, outputs["exit-code"]) in {(0, "0"), (0, "3")}, done.stdout + done.stderr
    assert outputs["outcome"] in {"unchanged", "improved", "inconclusive"}
    assert "results differ" not in done.stdout
    for name in ("markdown", "junit"):
        text = Path(outputs[name]).read_text(encoding="utf-8")
        assert [each for each in ("step", "energy") if not re.search(rf"mymodule(:|&#58;){each}", text)] == []
