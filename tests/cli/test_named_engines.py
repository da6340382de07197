"""Engines and problems that a user names by their place, MODULE:CLASS, without an entry point."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fwdrev.modes.registry import engine, find_engine, problem
from fwdrev.results.runs.cells import engines_measured
from fwdrev.results.runs.run import load
from tests.command import fwdrev

CENTRAL = """
from fwdrev.modes import Direction, engine
from fwdrev.modes.core.engine import Engine

class Central(Engine):
    "By its place."
    __slots__ = ()
    name, summary, direction = "central", "", Direction.FORWARD
    def prepare(self, chain, wrt):
        return engine("forward").prepare(chain, wrt)
    def cost(self, chain, wrt):
        return engine("forward").cost(chain, wrt)

def chain(n, m, rng, dtype):
    "A chain of its own."
    return __import__("fwdrev").problem("driven", n=n, m=m)

class Other:
    pass
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working folder with a module that is not on Python's path."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    (tmp_path / "own_central.py").write_text(CENTRAL)
    yield tmp_path
    sys.modules.pop("own_central", None)


def test_an_engine_and_a_problem_are_named_by_their_place(folder: Path) -> None:
    """Processes of a sweep find MODULE:CLASS and FILE.py:CLASS too, and the answer names them."""
    engines = ["own_central:Central", "own_central.py:Central", "reverse"]
    asked = ("--engines", ",".join(engines), "--problem", "own_central.py:chain", "--rounds", "1", "--blocks", "1")
    done = fwdrev("sweep", *asked, "--inputs", "4", "--outputs", "2", cwd=folder)
    assert done.returncode == 0, done.stderr
    (made,) = (folder / "runs").iterdir()
    assert made.name.endswith("-own_central.py-chain")
    assert engines_measured(load(made)) == engines
    assert "own_central:Central and reverse break even" in done.stdout
    assert problem("own_central:chain", n=4, m=2).chain.n_out == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("own_centrl:Central", "No module named 'own_centrl'; run it in the folder that has this module"),
        ("own_central:Centrl", "does own_central define Centrl?"),
        ("own_central:Other", "something that is the class Other, and not a class derived from Engine"),
        ("own central:Central", "write it as MODULE:NAME or FILE.py:NAME"),
        ("", "engines: give at least one"),
    ],
)
def test_what_is_no_engine_is_refused_with_what_to_do(folder: Path, name: str, told: str) -> None:
    """One line refuses it and names the remedy; nothing is measured."""
    done = fwdrev("sweep", "--engines", name, cwd=folder)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert not (folder / "runs").exists()


def test_a_function_is_no_problem(folder: Path) -> None:
    """The line says what a problem is, and which command takes a plain function."""
    (folder / "own_central.py").write_text("def residuals(p):\n    return p * p\n")
    done = fwdrev("sweep", "--problem", "own_central:residuals", "--inputs", "4", "--outputs", "2", cwd=folder)
    assert done.returncode == 2
    assert "a problem is called with n, m, rng and dtype, and returns a Problem" in done.stderr
    assert done.stderr.endswith("fwdrev advise own_central:residuals --shape N\n")


def test_reading_a_run_does_not_import_what_lies_beside_it(folder: Path) -> None:
    """A name in a run may come from anywhere: it is imported only on the user's request."""
    assert folder.name
    assert find_engine("own_central:Central") is None
    assert "own_central" not in sys.modules
    assert engine("own_central:Central").name == "central"
    assert find_engine("own_central:Central") is not None
