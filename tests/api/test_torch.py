"""Advice on functions of real tensors. Skipped without PyTorch."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fwdrev
from fwdrev.bench.functions.in_process import FunctionTrials
from fwdrev.modes.errors import InputError
from fwdrev.modes.functions.torch_function import probe_torch, torch_arms
from tests.command import fwdrev as fwdrev_command
from tests.doubles.workers_here import functions_here
from tests.reports.torch_on_demand import torch

MODEL = """
import torch
W = torch.ones(40, 3)
def tall(x):
    return torch.tanh(W @ x)
def point():
    return torch.ones(3, dtype=torch.float64)
"""


_LONG = pytest.mark.long


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    pytest.importorskip("torch")
    torch.func.jacrev(torch.sin)(torch.ones(1))  # the first one imports much, which would use up a budget


@pytest.mark.parametrize(
    "dtype", ["bfloat16", "float32", pytest.param("float16", marks=_LONG), pytest.param("float64", marks=_LONG)]
)
def test_precisions(dtype: str) -> None:
    """J v of every arm is close to differences, even with half as many bits."""
    x = torch.linspace(-1, 1, 6, dtype=getattr(torch, dtype))
    advice = fwdrev.advise(lambda x: torch.sin(x) * x.sum(), x, budget=3.0)
    assert advice.facts.dtype == dtype
    assert {arm.name for arm in advice.arms if arm.seconds is not None} == {"forward", "reverse"}


@pytest.mark.parametrize("batch", [None, 5])
def test_arms_agree(batch: int | None) -> None:
    """Every arm gives the Jacobian that differences show; many rows make chunks worth a try."""
    scale = torch.linspace(0.5, 1.5, 24).reshape(8, 3)
    x = torch.linspace(-1, 1, 3) if batch is None else torch.linspace(-1, 1, 3 * batch).reshape(batch, 3)
    found = probe_torch(lambda x: torch.sin(scale @ x), (x,), vmap=batch is not None)
    assert (found.n, found.m, found.batch, found.device) == (3, 8, batch, "cpu")
    arms = torch_arms(found)
    trials = FunctionTrials(found)
    facts = trials.facts()
    products = [trials.prepare(name).products for name in arms]
    np.testing.assert_allclose(products[0], products[1], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(products[0][: facts.m], facts.quotient, rtol=1e-2, atol=1e-2)
    assert len(products[0]) == 8 + 3
    large = probe_torch(lambda x: x.repeat(2000), (torch.ones(500, dtype=torch.float64),))
    assert torch_arms(large)["reverse-chunked"].code == "torch.func.jacrev(f, chunk_size=1)"


def test_advice() -> None:
    """A function is measured, with the line to paste; without a compiler there are no counts, and a line says so."""

    def loss(x: Any) -> Any:
        return (x * x).sum()

    x = torch.ones(400)
    found = fwdrev.advise(loss, x, budget=2.0)
    assert (found.n, found.m, found.facts.dtype) == (400, 1, "float32")
    codes = {arm.name: arm.code for arm in found.arms}
    assert codes == {"forward": "torch.func.jacfwd(loss)", "reverse": "torch.func.jacrev(loss)"}
    assert codes[found.recommend] == found.code
    staged = fwdrev.advise(loss, x, budget=1.0, stages=[loss])
    assert {arm.name: arm.reason for arm in staged.arms}["mixed"] == "only functions of JAX have mixed mode"
    with pytest.raises(InputError, match="leave out --no-measure"):
        fwdrev.advise(loss, x, measure=False)


def test_arms_are_tried_by_entries() -> None:
    """For a network's parameters reverse mode comes first: forward mode needs more memory than there is."""
    layers = [torch.full(shape, 0.01) for shape in ((20, 180), (180, 180), (180, 10))]

    def network(layers: Any) -> Any:
        h = torch.ones(20)
        for w in layers:
            h = torch.tanh(h @ w)
        return h

    expected = FunctionTrials(probe_torch(network, (layers,))).expected()
    assert "forward" in expected.reasons or expected.seconds["forward"] > 10 * expected.seconds["reverse"]
    found = fwdrev.advise(network, layers, budget=6.0)
    assert found.recommend == "reverse"
    tall = FunctionTrials(probe_torch(lambda x: x.repeat(500), (torch.ones(2),))).expected()
    assert tall.seconds["forward"] < tall.seconds["reverse"]


def test_memory_is_counted_by_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds, their products and the result count; the memory of the machine is the limit."""
    monkeypatch.setattr("fwdrev.bench.functions.in_process.available_bytes", lambda: 30_000_000)
    expected = FunctionTrials(probe_torch(lambda x: x * 2, (torch.ones(2000),))).expected()
    assert set(expected.reasons) >= {"forward", "reverse"}
    assert "GB of memory" in expected.reasons["forward"]


def test_only_some_arguments_are_differentiated() -> None:
    """The others may be anything; auxiliary outputs are not differentiated."""

    def residual(p: Any, n: int, kind: str, y: Any) -> Any:
        return (p.sum() ** n * y if kind == "a" else y), {"p": p}

    args = (torch.ones(3, dtype=torch.float64), 2, "a", torch.arange(4.0, dtype=torch.float64))
    found = probe_torch(residual, args, argnums=0, has_aux=True, name="residual")
    assert (found.n, found.m, found.argnums) == (3, 4, 0)
    arms = torch_arms(found)
    assert arms["forward"].code == "torch.func.jacfwd(residual, has_aux=True)"
    v, u = np.arange(3.0), np.arange(4.0)
    expected = 6 * np.outer(np.arange(4.0), np.ones(3))
    for arm in arms.values():
        pasted = eval(arm.code, {"torch": torch, "residual": residual})  # noqa: S307 - our own code
        for program in (arm.program(), pasted):
            products = found.products(program(*args), v, u)
            np.testing.assert_allclose(products, np.concatenate([expected @ v, u @ expected]))
    some = fwdrev.advise(residual, *args, argnums=(3,), has_aux=True, budget=2.0)
    assert some.n == 4
    batch = (torch.ones(5, 3), 2, "a", torch.ones(5, 4))
    many = probe_torch(residual, batch, argnums=(0, 3), has_aux=True, vmap=True, name="residual")
    line = torch_arms(many)["reverse"].code
    assert (
        line == "torch.func.vmap(torch.func.jacrev(residual, argnums=(0, 3), has_aux=True), in_dims=(0, None, None, 0))"
    )
    J, _aux = torch_arms(many)["reverse"].program()(*batch)
    assert J[0].shape == (5, 4, 3)


@pytest.mark.parametrize(
    ("f", "arguments", "told"),
    [
        (lambda x: x.to(torch.float8_e4m3fn), lambda: (torch.ones(3),), "too coarse"),
        (lambda x: x, lambda: (torch.ones(3).to(torch.float8_e4m3fn),), "too coarse"),
        (lambda x: x, lambda: (torch.arange(3),), "argument 0 is torch.int64"),
        (lambda x, y: x * y, lambda: (torch.ones(3), 2.0), "argument 1 is of type float"),
        (lambda x: x, lambda: (torch.full((2,), torch.nan),), "NaN"),
        (lambda x: x, lambda: (torch.ones(0),), "no numbers"),
        (lambda x: x * torch.rand(3), lambda: (torch.ones(3),), "draw random numbers before"),
        (lambda x: x.numpy(force=True) > 0, lambda: (torch.ones(3),), "which has no derivative"),
        (lambda x: torch.log(-x), lambda: (torch.ones(3),), "is NaN"),
        (lambda x: x @ torch.ones(4), lambda: (torch.ones(3),), "fails at the given point"),
    ],
)
def test_bad_input(f: Callable[..., Any], arguments: Callable[[], tuple[Any, ...]], told: str) -> None:
    """Each is refused in one line."""
    with pytest.raises(InputError, match=told):
        fwdrev.advise(f, *arguments())


@pytest.mark.parametrize(
    "point",
    [
        pytest.param(["--torch", "--shape", "3"], id="shape"),
        pytest.param(["--point", "model.py:point", "--dtype", "float32"], id="point", marks=_LONG),
    ],
)
def test_the_command(tmp_path: Path, point: list[str]) -> None:
    """The command's tensors are random, or made by a function; here its budget pays for no import of PyTorch."""
    (tmp_path / "model.py").write_text(MODEL, encoding="utf-8")
    with functions_here():
        ended = fwdrev_command("advise", "model.py:tall", *point, "--budget", "20s", "--json", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert (answer["n"], answer["m"], answer["dtype"]) == (3, 40, "float32")
    assert {arm["name"] for arm in answer["arms"]} == {"forward", "reverse"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--shape", "3"], "tensors (--torch) for a function of PyTorch"),
        pytest.param(["--torch", "--shape", "3", "--no-measure"], "leave out --no-measure", marks=_LONG),
    ],
)
def test_what_the_command_refuses(tmp_path: Path, arguments: list[str], told: str) -> None:
    """One line says what to do."""
    ended = _advised(tmp_path, *arguments)
    assert ended.returncode == 2
    assert told in ended.stderr


def _advised(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "model.py").write_text(MODEL, encoding="utf-8")
    command = [sys.executable, "-P", "-m", "fwdrev", "advise", "model.py:tall", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
