"""PyTorch tensors go to torch.func, in the cheaper mode that gives the same. Skipped without PyTorch."""

import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

import fwdrev
from fwdrev.api.torch_jacobian import TorchJacobian
from fwdrev.modes import InputError
from tests.reports.torch_on_demand import torch


@pytest.fixture(autouse=True, scope="module")
def _loaded() -> None:
    pytest.importorskip("torch")
    weights()  # made outside of transformations, which would wrap it


@cache
def weights() -> Any:
    """A matrix with three columns."""
    return torch.linspace(-1, 1, 120, dtype=torch.float64).reshape(40, 3)


def ones() -> Any:
    """Three inputs."""
    return torch.ones(3, dtype=torch.float64)


def tall(x: Any) -> Any:
    """Three to forty."""
    return torch.tanh(weights() @ x)


def wide(x: Any) -> Any:
    """Many to one."""
    return torch.tanh(x).sum().reshape(1)


def square(x: Any) -> Any:
    """As many outputs as inputs."""
    return torch.sin(x)


def orbit(p: Any, x: Any) -> Any:
    """From a pytree to a pytree."""
    return {"y": p["a"] * x, "z": (p["b"] @ x).sum()}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modes that were called, in order."""
    modes: list[str] = []
    by = TorchJacobian._by

    def noted(self: TorchJacobian, mode: str) -> Any:
        jacobian = by(self, mode)

        def called(*args: Any, **kwargs: Any) -> Any:
            modes.append(mode)
            return jacobian(*args, **kwargs)

        return called

    monkeypatch.setattr(TorchJacobian, "_by", noted)
    return modes


@pytest.fixture
def raced(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Replaces the clock, finds reverse mode faster, and records the modes in question."""
    modes: list[list[str]] = []

    def race(arms: Mapping[str, Callable[[], Callable[[], object]]], _expected: Any) -> dict[str, float]:
        modes.append(sorted(arms))
        for arm in arms.values():
            arm()()
        return {mode: 1.0 if mode == "reverse" else 2.0 for mode in arms}

    monkeypatch.setattr("fwdrev.api.fastest.raced", race)
    return modes


@pytest.mark.parametrize(
    ("f", "point", "options", "mode"),
    [
        (tall, ones, {}, "forward"),
        (wide, ones, {}, "reverse"),
        (square, ones, {}, "reverse"),
        (tall, ones, {"mode": "reverse"}, "reverse"),
        (tall, ones, {"mode": "reverse", "chunk": 7}, "reverse"),
        (tall, ones, {"mode": "forward", "chunk": 4}, "forward"),
        (tall, ones, {"chunk": 3}, "forward"),
        (tall, ones, {"chunk": 2}, "reverse"),
        (lambda x: x.double().repeat(9), lambda: ones().float(), {}, "reverse"),
        (lambda x: torch.complex(x, x).repeat(9).abs(), ones, {}, "forward"),
        (lambda x: (tall(x), 2 * weights()), ones, {"has_aux": True}, "forward"),
    ],
)
def test_the_mode_follows_from_entries_and_dtypes(
    asked: list[str], f: Any, point: Callable[[], Any], options: dict[str, Any], mode: str
) -> None:
    """The mode is called once, and gives the result of torch.func.jacrev, dtype for dtype."""
    found, x = fwdrev.jacobian(f, **options), point()
    J, expected = found(x), torch.func.jacrev(f, has_aux=options.get("has_aux", False))(x)
    if "has_aux" in options:
        (J, aux), (expected, other) = J, expected
        torch.testing.assert_close(aux, other)
    torch.testing.assert_close(J, expected)
    assert asked == [mode]
    assert found.explain(x).mode == mode
    assert asked == [mode]


def test_trees_and_argnums(asked: list[str]) -> None:
    """Trees and argnums work as in torch.func; an integer of NumPy is a valid argnum."""
    p = {"a": ones(), "b": weights()}
    for argnums in (0, 1, (0, 1), np.int64(1)):
        known = argnums if isinstance(argnums, (int, tuple)) else (int(argnums),)
        found, expected = fwdrev.jacobian(orbit, argnums), torch.func.jacrev(orbit, known)
        torch.testing.assert_close(found(p, ones()), expected(p, ones()))
    assert asked == ["reverse"] * 4


def test_the_clock_is_asked_where_entries_do_not_decide(asked: list[str], raced: list[list[str]]) -> None:
    """The clock decides on request only; modes that are hopeless by entries do not run."""
    x = torch.ones(60, dtype=torch.float64)
    for f in (tall, wide):
        fwdrev.jacobian(f, decide="measure")(ones())
    assert raced == []
    asked.clear()
    doubled = fwdrev.jacobian(lambda x: torch.sin(x).repeat(2), decide="measure")
    for _ in range(2):
        doubled(x)
    assert raced == [["forward", "reverse"]]
    assert asked == ["forward", "reverse", "reverse", "reverse"]
    assert doubled.explain(x).measured == {"forward": 2.0, "reverse": 1.0}


def test_a_network_is_not_pushed(asked: list[str]) -> None:
    """With 20,000 parameters and ten outputs there is no basis of n² entries, in counts, measurements or chunks."""
    p = torch.linspace(-1, 1, 20_000)

    def network(p: Any) -> Any:
        return torch.tanh(p.reshape(10, -1)).sum(1)

    for options in ({}, {"decide": "measure"}, {"chunk": 64}, {"chunk": 64, "decide": "measure"}):
        assert fwdrev.jacobian(network, **options)(p).shape == (10, 20_000)
    assert asked == ["reverse"] * 4


@cache
def own() -> Any:
    """Three times x, for reverse mode only."""

    class Own(torch.autograd.Function):  # type: ignore[misc] # PyTorch is not there for the type checker
        """Three times x, for reverse mode only."""

        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            """3 x."""
            return 3 * x

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            """Keeps nothing."""

        @staticmethod
        def backward(_ctx: Any, grad: Any) -> Any:
            """3 u."""
            return 3 * grad

    return Own


@pytest.mark.parametrize("decide", ["count", "measure"])
def test_a_mode_without_a_rule_is_not_taken(asked: list[str], decide: str) -> None:
    """The user's own operation has no tangents, though there are few inputs."""
    found = fwdrev.jacobian(lambda x: own().apply(x).repeat(4), decide=decide)
    torch.testing.assert_close(found(torch.ones(3)), 3 * torch.eye(3).repeat(4, 1))
    assert asked[-1] == "reverse"


def test_a_value_that_has_no_tangents_falls_back(asked: list[str]) -> None:
    """The fallback works even where the value counts as similar to earlier ones."""
    found = fwdrev.jacobian(lambda x, k: (own().apply(x) if k == 30 else x).repeat(4))
    for k in range(10):
        found(torch.ones(3), k)
    assert asked == ["forward"] * 10
    for _ in range(2):
        torch.testing.assert_close(found(torch.ones(3), 30), 3 * torch.eye(3).repeat(4, 1))
    assert asked[10:] == ["forward", "reverse", "reverse"]


def wrong(x: Any) -> Any:
    """Tangents that are twice as large as they should be."""

    class Twice(torch.autograd.Function):  # type: ignore[misc]
        """x, with a rule that is wrong in one mode."""

        generate_vmap_rule = True

        @staticmethod
        def forward(x: Any) -> Any:
            """Returns x."""
            return x.clone()

        @staticmethod
        def setup_context(ctx: Any, inputs: Any, output: Any) -> None:
            """Keeps nothing."""

        @staticmethod
        def backward(_ctx: Any, grad: Any) -> Any:
            """Returns u."""
            return grad

        @staticmethod
        def jvp(_ctx: Any, tangent: Any) -> Any:
            """2 v."""
            return 2 * tangent

    return Twice.apply(x).repeat(4)


def test_modes_that_disagree_are_told(asked: list[str]) -> None:
    """The warning has both numbers; reverse mode is used, also inside of vmap from then on."""
    found, x = fwdrev.jacobian(wrong), torch.ones(3)
    with pytest.warns(UserWarning, match="wrong: .*forward mode gives .* and reverse mode .*; reverse mode is taken"):
        torch.testing.assert_close(found(x), torch.eye(3).repeat(4, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.testing.assert_close(torch.func.vmap(found)(torch.ones(2, 3))[1], torch.eye(3).repeat(4, 1))
    assert asked == ["reverse", "reverse"]


@pytest.mark.parametrize(
    ("f", "point"),
    [
        (lambda x: torch.sqrt(x).repeat(9), lambda: torch.arange(3.0)),
        (lambda x: torch.where(x > 0, torch.log(x), 0.0).repeat(9), lambda: torch.arange(3.0)),
        (lambda x: torch.linalg.norm(x).repeat(9), lambda: torch.zeros(3)),
    ],
    ids=["a root of zero", "a branch that is not taken", "a norm at zero"],
)
def test_what_is_not_finite_is_that_of_reverse_mode(f: Any, point: Callable[[], Any]) -> None:
    """NaN agrees with NaN."""
    x = point()
    torch.testing.assert_close(fwdrev.jacobian(f)(x), torch.func.jacrev(f)(x), equal_nan=True)


@pytest.mark.parametrize(
    "f", [lambda p: weights() @ p, lambda p: torch.sin(weights() @ p), lambda p: torch.cat([p, 2 * p, p * p, p])]
)
def test_gradients_go_on_as_under_jacrev(f: Any) -> None:
    """With respect to a parameter, both modes' Jacobians can be differentiated further, or neither."""
    p = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    found, expected = fwdrev.jacobian(f)(p), torch.func.jacrev(f)(p)
    assert found.requires_grad == expected.requires_grad
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("decide", ["count", "measure"])
def test_nothing_is_used_up(decide: str, raced: list[list[str]]) -> None:
    """Random numbers, and arguments that the function changes, are as after one call of jacrev."""

    def noisy(x: Any, seen: Any) -> Any:
        seen.add_(1)
        return torch.dropout(x, 0.5, train=True).repeat(2) * torch.sin(x).repeat(2)

    ends = []
    for jacobian in (torch.func.jacrev(noisy), fwdrev.jacobian(noisy, decide=decide)):
        torch.manual_seed(7)
        seen = torch.zeros(3)
        J = jacobian(torch.ones(50), seen[:1])
        ends.append((J, seen.clone(), torch.rand(2)))
    torch.testing.assert_close(*ends)
    assert raced == []  # torch.func.jacfwd refuses random numbers


def test_nested_and_mapped(asked: list[str]) -> None:
    """In a Hessian, or a Jacobian for each row, values are unknown, so nothing is compared."""
    x = torch.linspace(0.1, 1, 4, dtype=torch.float64)

    def f(x: Any) -> Any:
        return torch.sin(x).prod()

    torch.testing.assert_close(fwdrev.jacobian(fwdrev.jacobian(f))(x), torch.func.hessian(f)(x))
    batch = torch.stack([ones(), 2 * ones()])
    torch.testing.assert_close(
        torch.func.vmap(fwdrev.jacobian(tall))(batch), torch.func.vmap(torch.func.jacrev(tall))(batch)
    )
    assert asked[-1] == "forward"
    wider = fwdrev.jacobian(lambda x: x.double().repeat(9))
    assert torch.func.vmap(wider)(batch.float()).dtype == torch.float32  # that of the inputs, as of jacrev


_COMPILED = """
import torch, fwdrev
W = torch.linspace(-1, 1, 120).reshape(40, 3)
X = torch.ones(3)
FUNCTIONS = (
    (lambda x: torch.tanh(W @ x), X),
    (lambda x: torch.tanh(x).sum().reshape(1), X),
    (lambda p: {"y": p["a"] * X, "z": p["b"].sum()}, {"a": X, "b": W}),
)
for fullgraph in (False, True):
    for f, x in FUNCTIONS:
        torch._dynamo.reset()
        compiled = torch.compile(fwdrev.jacobian(f), backend="aot_eager", fullgraph=fullgraph)
        torch.testing.assert_close(compiled(x), torch.func.jacrev(f)(x))
        print("same")
"""


@pytest.mark.long
def test_compiled() -> None:
    """torch.compile works, as one graph too, with tensors and containers, in a process without shape checks."""
    done = subprocess.run([sys.executable, "-c", _COMPILED], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()) == (0, ["same"] * 6), done.stderr


def test_arrays_of_jax_are_those_of_jax(asked: list[str]) -> None:
    """Arrays of JAX go to JAX even if PyTorch is loaded."""
    np.testing.assert_array_equal(fwdrev.jacobian(lambda x: x.sum().reshape(1))(jnp.ones(3)), [[1, 1, 1]])
    assert asked == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"holomorphic": True}, "holomorphic=True with tensors of PyTorch"),
        ({"allow_int": True}, "allow_int=True with tensors of PyTorch"),
        ({"mode": "forward", "chunk": 2}, "torch.func.jacfwd has no chunks"),
    ],
)
def test_what_torch_cannot_do(options: dict[str, Any], message: str) -> None:
    """Each is refused in one line that says what to do."""
    for call in (fwdrev.jacobian(tall, **options), fwdrev.jacobian(tall, **options).explain):
        with pytest.raises(InputError, match=message):
            call(ones())
    with pytest.raises(InputError, match="only functions of JAX have it"):
        fwdrev.jacobian([tall], mode="mixed")(ones())


@pytest.mark.parametrize(
    ("f", "arguments"),
    [
        (lambda _: 1 / 0, lambda: (ones(),)),
        (lambda x: x, lambda: (torch.arange(3),)),
        (lambda x, k=1: x * k, lambda: (ones(), 2)),
        (lambda x: x.numpy(), lambda: (ones(),)),
        (lambda x: [x, "text"], lambda: (ones(),)),
        (lambda x: x * weights().add_(0), lambda: (ones(),)),
    ],
)
def test_errors_are_those_of_jacrev(f: Any, arguments: Callable[[], tuple[Any, ...]]) -> None:
    """Both errors have the same type, or both raise none."""
    args = arguments()
    assert _raised(fwdrev.jacobian(f), args) is _raised(torch.func.jacrev(f), args)


def _raised(jacobian: Callable[..., Any], args: tuple[Any, ...]) -> type[Exception] | None:
    try:
        jacobian(*args)
    except Exception as error:  # noqa: BLE001 - its type is compared
        return type(error)
    return None
