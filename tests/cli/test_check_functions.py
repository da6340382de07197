"""`fwdrev check` on functions of a project: each situation on its documentation page, with exit code and words."""

import json
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from fwdrev.cli.commands import run as command
from fwdrev.cli.common.options import spelled_out
from fwdrev.modes.errors import InputError
from tests.command import expect_one_line, fwdrev
from tests.doubles.lasting_pairs import lasting_pairs
from tests.project import DIES, make_project

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

def held(x):
    return x

def fragile(x):
    return x

def nearly(x):
    return x

def moving(n):
    return np.linspace(0.0, 1.0, n)

def moved(x):
    return x

NUMBER = 1
"""

SMALL = ("--rounds", "3", "--threshold", "900%")
"""The fewest rounds, and a threshold that leaves nothing inconclusive even on a busy machine."""

START = ("--point", "model:start")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small library in its only commit, in the current folder."""
    monkeypatch.chdir(made := make_project(tmp_path / "project", {"model.py": MODEL}))
    return made


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same project, for tests that change nothing."""
    return make_project(tmp_path_factory.mktemp("untouched"), {"model.py": MODEL})


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it here against the last commit, in few processes."""
    with lasting_pairs():
        return fwdrev("check", "--against", "HEAD", *arguments, env={"GITHUB_STEP_SUMMARY": ""})


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, object]]:
    """The findings on single functions in its JSON, by name."""
    found = json.loads(done.stdout)["findings"]
    return {f["subject"]["name"]: f for f in found if f["subject"]["kind"] == "cell" or not f["rounds"]}


def change(old: str, new: str, path: str = "model.py") -> None:
    """Changes the working tree."""
    text = Path(path).read_text(encoding="utf-8")
    assert old in text
    Path(path).write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.usefixtures("project")
def test_inputs_of_every_kind() -> None:
    """Points with or without a size, for several, one or no arguments, one per function; dotted names.

    A point that names no module belongs to that of its function.
    """
    arms = ["model:step", "model:add", "model:of_state", "model:alone", "model.py:Inner.step"]
    points = ["start", "model:two", "model:named", "model:two", "model:start"]
    done = check("--functions", ",".join(arms), "--point", ",".join(points), "--json", *SMALL)
    found = findings(done)
    assert list(found) == [*arms[:4], "model:Inner.step"], done.stderr
    assert [f["reason"] for f in found.values()] == [None] * 5
    assert done.returncode != 1
    assert all(f["seconds"] for f in found.values())


SITUATIONS = {
    "model:step": ("inconclusive", "head wrong: its results differ from base's by 5.0e-01, relatively"),
    "model:newer": ("new", "base does not have it"),
    "model:older": ("missing", "head does not have it"),
    "model:add": ("new", "its point model:begin, model has no function 'begin'"),
    "model:held": ("inconclusive", "in base its point makes other inputs from call to call"),
    "model:shaken": ("inconclusive", "in base it returns other results from call to call"),
    "model:moved": ("inconclusive", "its inputs are not base's: the point has changed"),
    "model:fragile": ("inconclusive", "head crashed"),
}
"""The changes to each function, with its verdict and the grounds."""


@pytest.mark.usefixtures("project")
def test_what_is_not_timed_is_told() -> None:
    """Other values, a new or removed function or point, random values, a crash: each form of the answer says so.

    A function that only head has is new, even if only its point is; one that only base has is missing.
    """
    change("2 * np.tanh(x)", "3 * np.tanh(x)")
    change("def older(x):", "def newer(x):")
    change("def start(n):", "def begin(n):\n    return np.ones(n)\n\ndef start(n):")
    change("def moving(n):\n    return np.linspace(0.0, 1.0, n)", "def moving(n):\n    return np.linspace(0.0, 2.0, n)")
    change("def fragile(x):\n    return x\n", DIES.replace("moody", "fragile"))
    points = {"model:add": "model:begin", "model:held": "model:drawn", "model:moved": "model:moving"}
    asked = ("--functions", ",".join(SITUATIONS), "--point", ",".join(points.get(f, START[1]) for f in SITUATIONS))
    done = check(*asked, "--json", "--junit", "../junit.xml", "--markdown", "../check.md", *SMALL)
    assert done.returncode == 4, done.stderr
    found = findings(done)
    assert {name: f["verdict"] for name, f in found.items()} == {name: each for name, (each, _) in SITUATIONS.items()}
    assert [name for name, (_, why) in SITUATIONS.items() if why not in str(found[name]["reason"])] == []
    skipped = {
        str(case.get("name")).split()[0]
        for case in ET.parse("../junit.xml").iter("testcase")  # noqa: S314 - our own file
        if case.find("skipped") is not None
    }
    assert skipped >= {"model:step", "model:held", "model:shaken", "model:moved", "model:fragile"}
    told = Path("../check.md").read_text(encoding="utf-8").replace("&#58;", ":")
    assert [name for name in SITUATIONS if name not in told] == []
    assert "to see it locally: fwdrev check --against" in told


@pytest.mark.usefixtures("project")
def test_other_values_may_be_allowed() -> None:
    """Any values may be allowed, even those of another point; their difference is reported."""
    change("2 * np.tanh(x)", "3 * np.tanh(x)")
    change("def moving(n):\n    return np.linspace(0.0, 1.0, n)", "def moving(n):\n    return np.linspace(0.0, 2.0, n)")
    asked = ("--functions", "model:step,model:moved", "--point", "model:start,model:moving")
    done = check(*asked, "--allow-different-results", "--json", *SMALL)
    assert [(f["reason"], bool(f["seconds"])) for f in findings(done).values()] == [(None, True)] * 2
    step, moved = json.loads(done.stdout)["differing"]
    assert step == "model:step: its results differ from base's by 5.0e-01, relatively; allowed"
    assert moved.startswith("model:moved: its results differ from base's by ")


@pytest.mark.usefixtures("project")
def test_other_values_may_be_allowed_within_bounds() -> None:
    """Values may differ as far as allowed, and no farther."""
    change("2 * np.tanh(x)", "3 * np.tanh(x)")
    change("def nearly(x):\n    return x\n", "def nearly(x):\n    return x * (1 + 1e-5)\n")
    allowed = ("--allow-different-results", "1e-3")
    done = check("--functions", "model:step,model:nearly", *START, *allowed, "--json", *SMALL)
    found = findings(done)
    assert "allowed are 1e-03" in str(found["model:step"]["reason"])
    assert (found["model:nearly"]["reason"], bool(found["model:nearly"]["seconds"])) == (None, True)
    assert json.loads(done.stdout)["differing"] == [
        "model:nearly: its results differ from base's by 1.0e-05, relatively; allowed"
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--functions", "model:stp", *START), "State, add, alone, drawn", marks=pytest.mark.long),
        (("--functions", "model:stp", *START), "did you mean 'step'?"),
        (("--functions", "model:Inner.stp", *START), "model.Inner has no function 'stp': it has step"),
        pytest.param(
            ("--functions", "model:NUMBER", *START),
            "model:NUMBER is of type int, and no function",
            marks=pytest.mark.long,
        ),
        pytest.param(("--functions", "modle:step", *START), "there is no module 'modle'", marks=pytest.mark.long),
        (("--functions", "modle.py:step", *START), "there is no file modle.py; there are model.py"),
        (("--functions", "../other.py:step", *START), "is not in the project"),
        (("--functions", "model:step"), "model:step: no input to call it with: give --point MODULE:FUNCTION"),
        pytest.param(
            ("--functions", "model:step", "--point", "model:strat"), "did you mean 'start'?", marks=pytest.mark.long
        ),
        (("--functions", "model:step", "--point", "model:"), "--point 'model:': name the function that returns"),
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
def test_bad_input_is_one_line(
    arguments: tuple[str, ...], said: str, untouched: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The code means wrong usage, and nothing is measured."""
    monkeypatch.chdir(untouched)
    with pytest.raises(InputError) as caught:
        command(["check", "--against", "HEAD", *arguments])
    assert len(str(caught.value).splitlines()) == 1
    assert said in str(caught.value)


def test_the_project_says_what_to_measure(project: Path) -> None:
    """The project's functions and sizes apply in all its folders; options override them. No folder appears."""
    (project / "pyproject.toml").write_text(
        '[tool.fwdrev]\nfunctions = ["model:step", "model.py:add"]\npoints = ["model:start", "model:two"]\n'
        'threshold = "900%"\nrounds = 3\n',
        encoding="utf-8",
    )
    (project / "inner").mkdir()
    before = sorted(path.name for path in project.iterdir())
    os.chdir("inner")
    assert list(findings(check("--json"))) == ["model:step", "model:add"]
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == before
    assert list((project / "inner").iterdir()) == []
    expect_one_line(check("--functions", "model:stp", *START), 2, "did you mean 'step'?")
    (project / "pyproject.toml").write_text("[tool.fwdrev]\nfunctons = []\n", encoding="utf-8")
    expect_one_line(check(), 2, "did you mean 'functions'?")


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
    """The next word is the option's value only if it is a number."""
    assert spelled_out(["check", *given]) == ["check", *meant]
