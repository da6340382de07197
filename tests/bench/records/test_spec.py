"""Specifications: every option, and one helpful line for every mistake."""

from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench import QUICK, make_spec, read_spec
from fwdrev.modes import InputError


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"engines": ["forwrd"]}, "unknown engine 'forwrd'"),
        ({"engines": []}, "engines: give at least one"),
        ({"engines": ["forward", "forward"]}, "name each one once"),
        ({"problem": "drivn"}, "unknown problem 'drivn'"),
        ({"options": {"dept": 2}}, "unknown option of problem 'driven' 'dept'"),
        ({"options": {"depth": 0}}, "depth = 0"),
        ({"wrt": "y"}, "wrt = 'y': input should be 'theta', 'x' or 'both'"),
        ({"rounds": 0}, "rounds = 0: input should be greater than or equal to 1"),
        ({"rounds": "many"}, "rounds = 'many'"),
        ({"block_seconds": float("nan")}, "block_seconds = nan"),
        ({"dtype": "float16"}, "unknown dtype 'float16'"),
        ({"inputs": [0]}, "grid [0] has 0"),
        ({"inputs": 4}, "grid 4: give text"),
        ({"inputs": "1000000", "outputs": "1000000"}, "8e+03 GB, too large for this machine"),
        ({"roundz": 3}, "unknown option of a sweep 'roundz'"),
        ({"precision": "5 percent"}, "'5 percent': give a share such as 5% or 0.05, more than 0"),
        ({"precision": "0%"}, "'0%': give a share"),
        ({"precision": 2.0}, "precision = 2.0"),
        ({"budget": "soon"}, "'soon': give seconds such as 120s, or 2min, or 1h"),
        ({"budget": "-5s"}, "'-5s': give seconds"),
        ({"timeout": float("inf")}, "inf: give seconds"),
        ({"memory_limit": "4 apples"}, "'4 apples': give bytes such as 4GB"),
        ({"memory_limit": "1kB"}, "memory_limit = '1kB'"),
        ({"device": "tpu"}, "device = 'tpu': input should be 'cpu' or 'gpu'"),
        ({"protocol": "stock"}, "protocol = 'stock': input should be 'paired' or 'pyperf'"),
        ({"protocol": "pyperf", "precision": "5%"}, "precision and budget go with protocol paired"),
    ],
)
def test_bad_specifications(fields: dict[str, Any], message: str) -> None:
    """One line reports the first mistake."""
    with pytest.raises(InputError) as caught:
        make_spec(fields)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_spec_file_holds_every_option(tmp_path: Path) -> None:
    """All options but derived ones are written, and read back unchanged."""
    path = tmp_path / "sweep.toml"
    path.write_text(
        'problem = "mlp"\nwrt = "x"\ninputs = "4:16:*2"\noutputs = [1, 8]\nengines = ["forward", "null"]\nrounds = 3\n'
        'transfers = false\nblocks = 2\nblock_seconds = 0.001\ndtype = "float32"\nthreads = 1\nseed = 5\n'
        'device = "cpu"\nprotocol = "paired"\neffort = "rigorous"\nprecision = "5%"\nbudget = "2min"\ntimeout = 60\n'
        'memory_limit = "4GB"\nprices = "operations"\n'
        '[options]\ndepth = 2\nsigma = "sin"\n'
    )
    fields = read_spec(path)
    spec = make_spec(fields)
    assert set(fields) == set(type(spec).model_fields) - {"shapes"}
    assert make_spec(spec.model_dump(mode="json")) == spec
    assert spec.inputs == [4, 8, 16]
    assert (spec.precision, spec.budget, spec.timeout, spec.memory_limit) == (0.05, 120, 60, 4 * 10**9)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('outptus = "4"', "unknown key in .*sweep.toml: 'outptus': .*did you mean 'outputs'?"),
        ("inputs = = 4", "is not TOML"),
        ("\xff", "is not TOML"),
    ],
)
def test_bad_spec_files(tmp_path: Path, text: str, message: str) -> None:
    """The line has the file's name."""
    path = tmp_path / "sweep.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match=message):
        read_spec(path)


def test_a_missing_spec_file(tmp_path: Path) -> None:
    """The message names the path."""
    with pytest.raises(InputError, match="No such file"):
        read_spec(tmp_path / "none.toml")


def test_quick_is_at_least_seven_by_seven() -> None:
    """A quick sweep has at least five rounds of both recursions and both JAX engines."""
    spec = make_spec(QUICK)
    assert len(spec.inputs) >= 7
    assert len(spec.outputs) >= 7
    assert spec.rounds >= 5
    assert spec.engines == ["forward", "reverse", "jax-jvp", "jax-vjp"]


def test_a_sweep_wrt_x_varies_x() -> None:
    """The default problem puts n on x on request."""
    spec = make_spec({"wrt": "x", "inputs": "5,9", "outputs": "2"})
    assert [spec.problem_at(cell).chain.n_columns(spec.wrt) for cell in spec.cells] == [5, 9]
