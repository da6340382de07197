"""The examples run unchanged, on sizes that take seconds, and show what they claim."""

import contextlib
import importlib.util
import io
import re
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, *arguments: str) -> list[str]:
    """Runs an example and returns its lines."""
    spec = importlib.util.spec_from_file_location("example", EXAMPLES / name)
    assert spec is not None
    assert spec.loader is not None
    example, out = importlib.util.module_from_spec(spec), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out), contextlib.suppress(SystemExit):
        patch.syspath_prepend(EXAMPLES)
        spec.loader.exec_module(example)
        example.main(arguments)
    return out.getvalue().splitlines()


def test_three_ways_to_the_same_minimum() -> None:
    """Both recursions and JAX take the same path, and the error falls."""
    lines = run("gradient_descent.py", "--steps", "50", "--widths", "4")
    before, after = map(float, re.findall(r"\d\.\d{4}", lines[0]))
    assert after < before / 2
    apart = [float(line.split()[-1]) for line in lines if "farthest" in line]
    assert len(apart) == 3
    assert max(apart) < 1e-9
    assert lines[-1].split()[:2] == ["4", "37"]


def test_a_fit_finds_the_peaks() -> None:
    """Gauss–Newton ends at the noise, by either mode."""
    lines = run("least_squares.py", "--points", "60,90")
    before, after = map(float, re.findall(r"\d\.\d{4}", lines[0]))
    assert after < 0.015 < before
    assert float(lines[1].split()[-1]) < 0.05
    assert float(lines[2].split()[-1]) < 1e-9
    assert [line.split()[0] for line in lines[-2:]] == ["60", "90"]


def test_a_waist_needs_both_modes() -> None:
    """The mixed mode takes fewer operations than either, exactly."""
    lines = run("autoencoder.py", "--sizes", "64,128")
    for line in lines[1:3]:
        forward, reverse, mixed = map(float, re.findall(r"([\d.]+) M", line))
        assert mixed < min(forward, reverse) / 2


@pytest.mark.parametrize("name", ["gradient_descent.py", "least_squares.py", "autoencoder.py"])
def test_help_says_what_there_is(name: str) -> None:
    """Every example lists its options."""
    assert "usage: " in run(name, "--help")[0]
