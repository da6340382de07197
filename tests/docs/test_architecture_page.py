"""The page on the architecture is true: its files exist, and the code of its recipes works as written."""

import pkgutil
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwdrev.modes import Wrt, engine, problem
from fwdrev.modes.core.engine import Engine
from tests.docs.blocks import ROOT
from tests.docs.recipes import NEW, TEXT, made_module


def test_every_file_is_there() -> None:
    """Files that a recipe makes are exempt."""
    found = set(re.findall(r"`((?:[\w.]+/)+[\w.]+\.\w+)`", TEXT)) - {"runs/work/figures/work.svg"}
    assert len(found) > 35
    assert {path for path in found if not (ROOT / path).is_file()} == set(NEW)


def test_every_module_is_there() -> None:
    """Dotted paths on any page lead to a module, with or without a name in it."""
    made = {f"fwdrev.{path.removesuffix('.py').replace('/', '.')}" for path in NEW}
    for page in (ROOT / "docs").rglob("*.md"):
        for name in re.findall(r"fwdrev\.(?:modes|bench|results|plots|cli|api)(?:\.\w+)+", page.read_text("utf-8")):
            assert name in made or pkgutil.resolve_name(name), f"{page.name}: {name}"


@pytest.mark.parametrize("wrt", Wrt)
def test_the_engine_agrees(wrt: Wrt, monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's Jacobian equals ours, and it has counts."""
    made: Engine = made_module("modes/engines/textbook.py", monkeypatch).Textbook()
    for name in ("driven", "mlp"):
        p = problem(name, n=7, m=3)
        expected = engine("reverse").prepare(p.chain, wrt)(p.x, p.theta)
        np.testing.assert_allclose(made.prepare(p.chain, wrt)(p.x, p.theta), expected, rtol=1e-10, atol=1e-12)
        assert made.cost(p.chain, wrt).multiply_adds >= engine("forward").cost(p.chain, wrt).multiply_adds


def test_the_problem_has_its_jacobian(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Jacobian is that of the recipe's own test."""
    made = made_module("modes/problems/broyden.py", monkeypatch)
    p = made.broyden(7, 7, np.random.default_rng(0), np.dtype(float))
    (code,) = re.findall(r"```python\n(def tridiagonal.*?)```", TEXT, re.DOTALL)
    given: dict[str, Any] = {"np": np, "Problem": Any, "Array": Any}
    exec(code, given)  # noqa: S102
    J = engine("jax-vjp").prepare(p.chain, "x")(p.x, p.theta)
    np.testing.assert_allclose(J, given["tridiagonal"](p), rtol=1e-12)


def test_the_figure_passes_its_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe's tests pass, and the figure can be drawn."""
    from tests.scripted import scripted_run, with_counts

    made = made_module("plots/figures/work.py", monkeypatch)
    tests = vars(made_module("tests/plots/figures/test_work.py", monkeypatch))
    ran = [test() for name, test in tests.items() if name.startswith("test_")]
    assert len(ran) == 2
    assert made.work_figure(scripted_run()) is None
    assert len(made.work_figure(with_counts(scripted_run())).axes[0].lines) == 2


def test_the_command_answers(whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints a line for each engine that wins somewhere."""
    made_module("fwdrev/cli/winners.py", monkeypatch).winners(whole)
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} <= {"forward", "reverse"}
