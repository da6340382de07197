"""`fwdrev.jacobian` gives what torch.func.jacrev gives, draws the same random numbers, and changes nothing else."""

import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import jax
import pytest

import fwdrev
from tests.reports.situation import OURS, Arguments
from tests.reports.torch_functions import SITUATIONS, TorchCall
from tests.reports.torch_on_demand import torch


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch, and an empty cache, as on a new machine."""
    pytest.importorskip("torch")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


class Side:
    """One of the two sides: its Jacobian, and the effects of a call."""

    def __init__(self, call: TorchCall, jacobian: Any) -> None:
        self.call, self.jacobian = call, call.around(jacobian)
        self.value: Any = None
        self.error: type[Exception] | None = None

    def run(self, arguments: Arguments) -> None:
        """Runs it with the generator in the same state on both sides."""
        args, kwargs = arguments
        torch.manual_seed(5)
        self.value = self.error = None
        try:
            self.value = self.jacobian(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - the other side should raise the same
            self.error = type(error)
        self.generator = torch.get_rng_state()
        self.left = [leaf for leaf in jax.tree.leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        self.state = {} if self.call.module is None else dict(self.call.module.state_dict(keep_vars=True))


def sides(make: Any) -> tuple[Side, Side]:
    """Our side, and that of torch.func.jacrev."""
    torch.manual_seed(1)
    ours = make()
    torch.manual_seed(1)
    theirs = make()
    known = {name: value for name, value in ours.options.items() if name != "chunk_size"}
    found = fwdrev.jacobian(ours.f, **known, chunk=ours.options.get("chunk_size"))
    return Side(ours, found), Side(theirs, torch.func.jacrev(theirs.f, **theirs.options))


def assert_same(found: Any, expected: Any) -> None:
    """Expects the same tree of tensors: shapes, dtypes, graphs, values up to rounding; other leaves are equal."""
    assert jax.tree.structure(found) == jax.tree.structure(expected)  # type: ignore[operator]
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        if not isinstance(other, torch.Tensor):
            assert one == other
            continue
        assert type(one) is type(other)
        assert (one.requires_grad, one.grad_fn is None) == (other.requires_grad, other.grad_fn is None)
        few = other.dtype in {torch.float16, torch.bfloat16}
        tolerance = {"rtol": 2e-2, "atol": 2e-2} if few else {"rtol": 1e-5, "atol": 1e-6}
        torch.testing.assert_close(one, other, equal_nan=True, **tolerance)


def calls(call: TorchCall) -> list[Arguments]:
    """The calls of the situation, with the first ones twice."""
    first: Arguments = (call.args, dict(call.kwargs))
    return [first, *(call.again or [first])]


@pytest.mark.parametrize("name", SITUATIONS)
def test_called(name: str) -> None:
    """Value or exception, the generator, the arguments and the module are as with torch.func.jacrev."""
    found, expected = sides(SITUATIONS[name][1])
    for one, other in zip(calls(found.call), calls(expected.call), strict=True):
        with warnings.catch_warnings():
            if found.call.doubt:
                warnings.filterwarnings("ignore", "(?is).*mode", UserWarning)
            found.run(one)
        expected.run(other)
        assert found.error == expected.error
        assert_same(found.value, expected.value)
        assert torch.equal(found.generator, expected.generator)
        assert_same(found.left, expected.left)
        assert_same(found.state, expected.state)


_COMPILED = """
import torch, fwdrev
for f, n in ((lambda x: torch.outer(torch.sin(x), torch.arange(20.0)).ravel(), 2), (lambda x: (x * x).sum(), 30)):
    x = torch.linspace(0.1, 0.9, n)
    found = torch.compile(fwdrev.jacobian(f), backend="eager")(x)
    torch.testing.assert_close(found, torch.func.jacrev(f)(x))
"""


@pytest.mark.long
def test_compiled() -> None:
    """torch.compile works (pytorch/pytorch#104536), in a process without type checks, which it cannot follow."""
    done = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_situation_has_its_report() -> None:
    """A situation's report is a repository and a number, or says that there is none."""
    for name, (report, _) in SITUATIONS.items():
        assert report == OURS or re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", report), name
