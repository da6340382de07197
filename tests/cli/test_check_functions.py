"""`fwdrev check` on functions of a project: each situation that its page tells of, with its exit code and its words."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fwdrev.cli.commands import run as command
from fwdrev.cli.common.options import spelled_out
from fwdrev.modes.errors import InputError
from tests.project import DIES, commit, make_project

MODEL = """
import numpy as np
from typing import NamedTuple

class State(NamedTuple):
    x: object

def step(x):
    return 2 * np.tanh(x)

def older(x):
    return x

def start(n):
    return np.linspace(0.0, 1.0, n)

def two():
    return np.ones(3), 2.0

def add(x, factor):
    return factor * x

def named():
    return State(np.ones(3))

def of_state(state):
    return state.x

def alone():
    return np.arange(3)

class Inner:
    @staticmethod
    def step(x):
        return x

noise = np.random.default_rng()

def drawn(n):
    return noise.standard_normal(n)

def shaken(x):
    return x + noise.standard_normal()

NUMBER = 1
"""

SMALL = ("--rounds", "3", "--threshold", "80%")
START = ("--point", "model:start")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small library in its only commit; we are in it."""
    monkeypatch.chdir(made := make_project(tmp_path / "project", {"model.py": MODEL}))
    return made


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it here against the last commit, with few rounds."""
    command = [sys.executable, "-m", "fwdrev", "check", "--against", "HEAD", *arguments]
    environment = {key: value for key, value in os.environ.items() if key != "GITHUB_STEP_SUMMARY"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environment)


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    """Of its JSON, the findings of single functions by name."""
    found = json.loads(done.stdout)["findings"]
    return {f["subject"]["name"]: f for f in found if f["subject"]["kind"] == "cell" or not f["rounds"]}


def change(old: str, new: str, path: str = "model.py") -> None:
    """In the working tree."""
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.usefixtures("project")
def test_inputs_of_every_kind() -> None:
    """Of the size or of nothing, one argument or several, none at all, a point for each function; names with dots."""
    arms = ["model:step", "model:add", "model:of_state", "model:alone", "model.py:Inner.step", "jacfwd:model:older"]
    points = ["model:start", "model:two", "model:named", "model:two", "model:start", "model:start"]
    done = check("--functions", ",".join(arms), "--point", ",".join(points), "--json", *SMALL)
    found = findings(done)
    assert list(found) == [*arms[:4], "model:Inner.step", arms[5]], done.stderr
    assert [f["reason"] for f in found.values()] == [None] * 6
    assert done.returncode != 1
    assert all(f["seconds"] for f in found.values())


@pytest.mark.usefixtures("project")
def test_slower_with_other_values_is_no_pass() -> None:
    """It is not timed, wrong in head, and the first thing that a reader of the comment sees."""
    change("2 * np.tanh(x)", "3 * np.tanh(x)")
    files = ("--junit", "../junit.xml", "--markdown", "../check.md")
    done = check("--functions", "model:step,model:older", *START, *files, *SMALL)
    assert done.returncode == 3, done.stderr
    assert "head wrong: its results differ from base's by 5.0e-01, relatively" in done.stdout
    (skipped,) = [
        case.get("name")
        for case in ET.parse("../junit.xml").iter("testcase")  # noqa: S314 - our own
        if case.find("skipped") is not None and "wrong" in str(case.find("skipped").get("message"))  # type: ignore[union-attr]
    ]
    assert str(skipped).startswith("model:step")
    assert "model:step" in Path("../check.md").read_text(encoding="utf-8").splitlines()[1].replace("&#58;", ":")
    assert "to see it locally: fwdrev check --against" in done.stdout


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(("allowed", "reason"), [((), None), (("0.6",), None), (("1e-3",), "allowed are 1e-03")])
def test_other_values_may_be_allowed(allowed: tuple[str, ...], reason: str | None) -> None:
    """Any, or as far apart as is said; by how much they differ is told."""
    change("2 * np.tanh(x)", "3 * np.tanh(x)")
    done = check("--functions", "model:step", *START, "--allow-different-results", *allowed, "--json", *SMALL)
    found = findings(done)["model:step"]
    assert reason in str(found["reason"]) if reason else found["reason"] is None
    assert bool(found["seconds"]) is (reason is None)
    differing = json.loads(done.stdout)["differing"]
    assert differing == (
        [] if reason else ["model:step: its results differ from base's by 5.0e-01, relatively; allowed"]
    )


@pytest.mark.usefixtures("project")
def test_what_changes_from_call_to_call() -> None:
    """Neither random inputs nor random results can be compared: whose they are is told."""
    done = check("--functions", "model:older,model:shaken", "--point", "model:drawn,model:start", "--json", *SMALL)
    found = findings(done)
    assert "in base its point makes other inputs from call to call" in str(found["model:older"]["reason"])
    assert "in base it returns other results from call to call" in str(found["model:shaken"]["reason"])
    assert done.returncode == 4


@pytest.mark.usefixtures("project")
def test_a_changed_point() -> None:
    """Each side has its own, so that they do not do the same work."""
    change("np.linspace(0.0, 1.0, n)", "np.linspace(0.0, 1.0, 2 * n)")
    done = check("--functions", "model:step", *START, *SMALL)
    assert done.returncode == 4
    assert "its inputs are not base's: the point has changed" in done.stdout
    done = check("--functions", "model:step", *START, "--allow-different-results", "--json", *SMALL)
    assert findings(done)["model:step"]["seconds"]


def test_new_and_removed_functions_and_points(project: Path) -> None:
    """What only head has is new, also what only its point makes new; what only base has is missing."""
    change("def older(x):", "def newer(x):")
    change("def start(n):", "def begin(n):\n    return np.ones(n)\n\ndef start(n):")
    arms, points = "model:step,model:newer,model:older,model:add", "model:start,model:start,model:start,model:begin"
    done = check("--functions", arms, "--point", points, "--json", *SMALL)
    assert {name: f["verdict"] for name, f in findings(done).items() if name != "model:step"} == {
        "model:newer": "new",
        "model:older": "missing",
        "model:add": "new",
    }
    assert "its point model:begin, model has no function 'begin'" in str(findings(done)["model:add"]["reason"])
    assert done.returncode == 4
    assert check("--functions", "model:newer", *START, *SMALL).returncode == 3
    commit(project)
    assert check("--functions", "model:newer", *START, *SMALL).returncode not in {1, 4}


@pytest.mark.usefixtures("project")
def test_a_function_that_died_is_told() -> None:
    """Whether it is slower is open: neither 0 nor 1."""
    change("def older(x):\n    return x\n", DIES.replace("moody", "older"))
    done = check("--functions", "model:older,model:step", *START, *SMALL)
    assert done.returncode == 3, done.stderr
    assert "head crashed" in done.stdout


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--functions", "model:stp", *START), "State, add, alone, drawn"),
        (("--functions", "model:stp", *START), "did you mean 'step'?"),
        (("--functions", "model:Inner.stp", *START), "model.Inner has no function 'stp': it has step"),
        (("--functions", "model:NUMBER", *START), "model:NUMBER is of type int, and no function"),
        (("--functions", "modle:step", *START), "there is no module 'modle'"),
        (("--functions", "modle.py:step", *START), "there is no file modle.py; there are model.py"),
        (("--functions", "../other.py:step", *START), "is not in the project"),
        (("--functions", "model:step"), "model:step: no input to call it with: give --point MODULE:FUNCTION"),
        (("--functions", "model:step", "--point", "model:strat"), "did you mean 'start'?"),
        (("--functions", "model:step", "--point", "start"), "--point 'start': write MODULE:FUNCTION"),
        (("--functions", "model:step", "--point", "model:start,model:two"), "2 points for 1 functions"),
        (("--functions", "model:step,model.py:step", *START), "name each one once"),
        (("--functions", "model:step,forward", *START), "check them apart"),
        (("--functions", "model:step", *START, "--outputs", "2"), "leave --outputs out"),
        (("--functions", "model:step", *START, "--problem", "mlp"), "leave --problem out"),
        (("--engines", "forward", *START), "engines have the inputs of their problem"),
        (("--functions", "model:add", "--point", "model:two", "--sizes", "5"), "its point takes no size"),
        (("--functions", "model:step", *START, "--sizes", "0"), "sizes go from 1"),
        (("--functions", "model:step", *START, "--threshold", "1.2"), "did you mean 20%?"),
        (("--functions", "model:step", *START, "--threshold", "5"), "did you mean 5%?"),
        (("--functions", "model:step", *START, "--find", "1.2"), "did you mean 20%?"),
        (("--functions", "model:step", *START, "--find", "20%", "--threshold", "5%"), "give one of them"),
        (("--functions", "model:step", *START, "--allow-different-results", "-1"), "the relative difference"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    """Wrong usage, before anything is measured."""
    with pytest.raises(InputError) as caught:
        command(["check", "--against", "HEAD", *arguments])
    assert len(str(caught.value).splitlines()) == 1
    assert said in str(caught.value)


def test_the_project_says_what_to_measure(project: Path) -> None:
    """Its functions at their sizes, from any of its folders; an option comes before what it says. No folder appears."""
    (project / "pyproject.toml").write_text(
        '[tool.fwdrev]\nfunctions = ["model:step", "model.py:add"]\npoints = ["model:start", "model:two"]\n'
        'threshold = "80%"\nrounds = 3\n',
        encoding="utf-8",
    )
    before = sorted(path.name for path in project.iterdir())
    found = findings(check("--json"))
    assert list(found) == ["model:step", "model:add"]
    assert list(findings(check("--functions", "model.py:add", "--json"))) == ["model:add"]
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == before
    (project / "inner").mkdir()
    os.chdir("inner")
    assert list(findings(check("--json"))) == ["model:step", "model:add"]
    (project / "pyproject.toml").write_text("[tool.fwdrev]\nfunctons = []\n", encoding="utf-8")
    done = check()
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "did you mean 'functions'?" in done.stderr


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (["--allow-different-results"], ["--allow-different-results=any"]),
        (["--allow-different-results", "--json"], ["--allow-different-results=any", "--json"]),
        (["--allow-different-results", "1e-6"], ["--allow-different-results", "1e-6"]),
        (["--allow-different-results", ".5", "--json"], ["--allow-different-results", ".5", "--json"]),
        (["--allow-different-results=0.1"], ["--allow-different-results=0.1"]),
    ],
)
def test_a_value_that_may_be_left_out(given: list[str], meant: list[str]) -> None:
    """The next word is the option's value only where it is a number."""
    assert spelled_out(["check", *given]) == ["check", *meant]
