"""Tensors of PyTorch go to torch.func, in the mode that is faster; a stand-in plays PyTorch, which need not be here."""

import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import numpy as np
import pytest

import fwdrev
from fwdrev.modes import InputError


class Tensor:
    """An array with what is asked of a tensor."""

    def __init__(self, values: Any) -> None:
        self.values = np.asarray(values)
        self.shape, self.dtype, self.device, self.is_cuda = self.values.shape, self.values.dtype, "cpu", False


class Torch:
    """torch.func by JAX, with notes of what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.Tensor = Tensor
        self.func = SimpleNamespace(jacfwd=self._jacfwd, jacrev=self._jacrev)

    def _jacfwd(self, f: Any, argnums: Any, *, has_aux: bool) -> Any:
        self.asked.append(("forward", argnums, has_aux))
        return _on_tensors(jax.jacfwd(f, argnums, has_aux=has_aux))

    def _jacrev(self, f: Any, argnums: Any, *, has_aux: bool, chunk_size: int | None) -> Any:
        self.asked.append(("reverse", argnums, has_aux, chunk_size))
        return _on_tensors(jax.jacrev(f, argnums, has_aux=has_aux))


def _on_tensors(jacobian: Any) -> Callable[..., Any]:
    return lambda *args: jacobian(*(arg.values if isinstance(arg, Tensor) else arg for arg in args))


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Torch:
    """As if the user had imported it; nothing is timed, forward mode is the slower one."""
    found = Torch()
    monkeypatch.setitem(sys.modules, "torch", found)
    monkeypatch.setattr(
        "fwdrev.results.torch_jacobians.median_seconds", lambda arms: dict(zip(arms, (2, 1), strict=True))
    )
    return found


def _sum(x: Any, k: float = 1.0) -> Any:
    """Of both kinds of arrays."""
    values = x.values if isinstance(x, Tensor) else x
    total = k * values.sum().reshape(1)
    return Tensor(total) if isinstance(x, Tensor) else total


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"mode": "forward"}, [("forward", 0, False)]),
        ({"mode": "reverse", "chunk": 2, "argnums": [0]}, [("reverse", (0,), False, 2)]),
        ({"decide": "count"}, [("reverse", 0, False, None)]),
        ({"chunk": 2}, [("reverse", 0, False, 2)]),
        ({}, [("forward", 0, False), ("reverse", 0, False, None), ("reverse", 0, False, None)]),
    ],
)
def test_tensors(torch: Torch, options: dict[str, Any], asked: list[Any]) -> None:
    """The Jacobian that torch.func makes, once for each shape."""
    jacobian = fwdrev.jacobian(_sum, **options)
    for _ in range(2):
        (row,) = np.atleast_2d(np.squeeze(jacobian(Tensor(np.ones(3)), 2.0)))
        np.testing.assert_array_equal(row, [2, 2, 2])
    assert torch.asked == asked
    jacobian(Tensor(np.ones(4)), 2.0)
    assert len(torch.asked) == 2 * len(asked)


def test_few_inputs_are_pushed(torch: Torch) -> None:
    """By sizes."""

    def spread(x: Any) -> Any:
        return Tensor(np.ones(7)) if isinstance(x, Tensor) else x * np.ones(7)

    fwdrev.jacobian(spread, decide="count")(Tensor(2.0))
    assert torch.asked == [("forward", 0, False)]


def test_sizes_decide_when_measuring_fails(torch: Torch, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a mode is not there for an operation."""

    def fail(_arms: Any) -> Any:
        raise RuntimeError

    monkeypatch.setattr("fwdrev.results.torch_jacobians.median_seconds", fail)
    fwdrev.jacobian(_sum)(Tensor(np.ones(3)))
    assert torch.asked[-1] == ("reverse", 0, False, None)


def test_arrays_of_jax_are_those_of_jax(torch: Torch) -> None:
    """Also where PyTorch is loaded."""
    np.testing.assert_array_equal(fwdrev.jacobian(_sum, decide="count")(np.ones(3)), [[1, 1, 1]])
    assert torch.asked == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"holomorphic": True}, "holomorphic=True with tensors of PyTorch"),
        ({"mode": "forward", "chunk": 2}, "torch.func.jacfwd has no chunks"),
    ],
)
@pytest.mark.usefixtures("torch")
def test_what_torch_cannot_do(options: dict[str, Any], message: str) -> None:
    """Is said."""
    with pytest.raises(InputError, match=message):
        fwdrev.jacobian(_sum, **options)(Tensor(np.ones(3)))
    with pytest.raises(InputError, match="only functions of JAX have it"):
        fwdrev.jacobian([_sum], mode="mixed")(Tensor(np.ones(3)))
