"""Names, options and sizes: known ones are found, unknown ones get one helpful line, third parties may add theirs."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fwdrev.modes import (
    Chain,
    Dense,
    InputError,
    UnavailableError,
    Wrt,
    engine,
    engine_names,
    problem,
    problem_names,
    problem_options,
)
from tests.plugin import install_plugin


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed third-party package with engines and a problem."""
    return install_plugin(tmp_path, monkeypatch)


@pytest.mark.usefixtures("plugin")
def test_entry_points_add_engines_and_problems() -> None:
    """Third-party ones are listed after ours and found by name; ours cannot be replaced."""
    assert {"doubled", "nan", "raising"} < set(engine_names())
    assert "pair" in problem_names()
    p = problem("pair", n=3, m=2, depth=2)
    assert engine("doubled").prepare(p.chain, "theta")(p.x, p.theta).shape == (2, 3)
    assert type(engine("forward")).__module__ == "fwdrev.modes.engines.forward"


@pytest.mark.usefixtures("plugin")
def test_an_engine_that_cannot_be_loaded_says_why() -> None:
    """The message names the missing module."""
    with pytest.raises(UnavailableError, match="fwdrev_needs_what_is_not_there"):
        engine("absent")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: engine("foward"), "unknown engine 'foward': known are .*forward.*did you mean 'forward'?"),
        (lambda: problem("mpl", n=1, m=1), "unknown problem 'mpl': .*did you mean 'mlp'?"),
        (lambda: problem("driven", n=1, m=1, dept=3), "unknown option of problem 'driven' 'dept': .*'depth'?"),
        (lambda: problem("driven", n=0, m=1), "n = 0: give a whole number from 1"),
        (lambda: problem("driven", n=True, m=1), "n = True: give a whole number"),
        (lambda: problem("driven", n=10**9, m=1), "n = 1000000000: give a whole number from 1 to 1000000"),
        (lambda: problem("driven", n=1, m=1, seed=-1), "seed = -1"),
        (lambda: problem("driven", n=1, m=1, depth=0), "depth = 0: give a whole number from 1 to 10000"),
        (lambda: problem("mlp", n=1, m=1, sigma="relu"), "unknown activation 'relu'"),
        (lambda: problem("driven", n=1, m=1, dtype="int32"), "unknown dtype 'int32': known are float32, float64"),
        (lambda: problem("driven", n=1, m=1, dtype="x"), "unknown dtype 'x'"),
        (lambda: Wrt("y"), "unknown wrt 'y': known are both, theta, x"),
        (lambda: Chain(()), "a chain of 0 layers"),
        (lambda: Chain((Dense(2, 3), Dense(2, 3))), "layer 1 gives 3 numbers, layer 2 takes 2"),
    ],
)
def test_what_is_unknown_gets_one_helpful_line(call: Any, message: str) -> None:
    """The line has the given and the allowed values."""
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_the_same_seed_gives_the_same_problem() -> None:
    """Another seed gives another problem."""
    one, same, other = (problem("driven", n=5, m=3, seed=seed) for seed in (7, 7, 8))
    assert (one.theta == same.theta).all()
    assert (one.theta != other.theta).any()


def test_options_have_defaults() -> None:
    """The defaults are those that `fwdrev problems` shows."""
    assert problem_options("driven") == {"depth": 4, "width": 64, "n_of": "theta"}


def test_importing_fwdrev_is_light() -> None:
    """No heavy library is loaded before it is needed."""
    code = "import fwdrev, sys; print(sorted({m.split('.')[0] for m in sys.modules}))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for heavy in ("jax", "numpy", "pandas", "matplotlib", "scipy", "pydantic"):
        assert f"'{heavy}'" not in loaded
