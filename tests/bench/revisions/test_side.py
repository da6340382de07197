"""A side's report of any result, the comparison of two reports, and a single trace of each Jacobian."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

from fwdrev.bench.records import sides
from fwdrev.bench.revisions import side
from fwdrev.bench.revisions.agreement import disagreement, wrong
from fwdrev.bench.revisions.side import Side


def test_both_name_the_control_alike() -> None:
    """The name is written twice, since a side's program can import nothing of ours."""
    assert side.CONTROL == sides.CONTROL


def test_a_jacobian_is_traced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process traces once, however many blocks it times."""
    (tmp_path / "traced.py").write_text(
        "import jax\nCOUNT = []\ndef f(x):\n    COUNT.append(isinstance(x, jax.core.Tracer))\n    return x[:2] * 3.0\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(side, "_ANEW_SECONDS", 60.0)  # tracing takes no time on a fast machine
    one = Side()
    one.root = tmp_path
    one.cell(n=4, m=2, seed=0, dtype="float64", points={})
    for arm in ("jacfwd:traced:f", "jacrev:traced:f"):
        answer = one.prepare(arm, delay=0.0, loops=0)
        assert wrong(answer, "float64") is None
        for _ in range(5):
            one.run(arm, loops=3)
        count = sys.modules["traced"].COUNT
        assert count.count(True) == 1
        count.clear()


@dataclass
class _Pieces:
    one: Any
    other: Any


def _told(result: Any) -> dict[str, Any]:
    """A side's report of a function's result."""
    leaves = side._leaves(result)
    return {"product": side._text(leaves), "kind": side._kind(leaves), "quotients": []}


HALF, THIRD = np.array([0.5, 1.5]), np.array([1.0, 1 / 3])

RESULTS: dict[str, tuple[Any, Any, str | None]] = {
    "imaginary part": (HALF + 1j, HALF + 2j, "differ from base's by"),
    "the same complex": (HALF + 1j, HALF + 1j * (1 + 1e-15), None),
    "complex for real": (HALF, HALF + 0j, "4 numbers, base returns 2"),
    "truth values": (HALF > 1, HALF > 0, "differ from base's by"),
    "the same truth values": (HALF > 1, HALF > 1, None),
    "whole numbers": (np.arange(3), np.arange(3) + 1, "differ from base's by"),
    "large whole numbers": (np.int64(2**62), np.int64(2**61), "differ from base's by"),
    "a whole number for a float": (np.arange(2), np.arange(2.0), None),
    "a tuple": ((HALF, THIRD[:1]), (HALF, -THIRD[:1]), "differ from base's by"),
    "the same tuple as a list": ((HALF, THIRD[:1]), [HALF, THIRD[:1]], None),
    "a mapping in another order": ({"a": HALF, "b": THIRD}, {"b": THIRD, "a": HALF}, None),
    "a mapping": ({"a": HALF, "b": THIRD}, {"a": HALF, "b": HALF}, "differ from base's by"),
    "nested": ({"a": [HALF, (1.0, None)]}, {"a": [HALF, (2.0, None)]}, "differ from base's by"),
    "a dataclass": (_Pieces(HALF, THIRD), _Pieces(HALF, HALF), "differ from base's by"),
    "the same NaN": (np.array([1.0, np.nan]), np.array([1.0, np.nan]), None),
    "another NaN": (np.array([1.0, np.nan]), np.array([np.nan, 1.0]), "not finite where"),
    "a NaN on one side": (HALF, HALF * np.nan, "not finite where"),
    "the same infinity": (np.array([1.0, -np.inf]), np.array([1.0, -np.inf]), None),
    "another infinity": (np.array([1.0, np.inf]), np.array([1.0, -np.inf]), "not finite where"),
    "huge": (HALF * 1e300, HALF * 1e300, None),
    "huge and another": (HALF * 1e300, HALF * 2e300, "differ from base's by"),
    "empty": (np.empty((0, 3)), np.empty((0, 3)), None),
    "nothing": (None, None, None),
    "empty and not": (np.empty(0), HALF, "2 numbers, base returns 0"),
    "all zero": (np.zeros(3), np.zeros(3), None),
    "half precision": (np.float16(THIRD), np.float16(THIRD * 1.001), None),
    "half precision, another": (np.float16(THIRD), np.float16(THIRD * 1.1), "differ from base's by"),
    "bfloat16": (THIRD.astype(jnp.bfloat16), (THIRD * 1.004).astype(jnp.bfloat16), None),
    "bfloat16, another": (
        THIRD.astype(jnp.bfloat16),
        (THIRD * 1.5).astype(jnp.bfloat16),
        "differ from base's by",
    ),
    "single precision": (np.float32(THIRD), np.float32(THIRD * 1.00001), None),
    "fewer digits": (THIRD, np.float32(THIRD), "float32, base returns float64"),
    "a scalar": (1.0, 1.0, None),
    "sparse": (scipy.sparse.csr_array([[1.0, 0.0]]), scipy.sparse.csr_array([[1.0, 2.0]]), "differ from base's by"),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_of_any_kind(name: str) -> None:
    """All their contents are compared, in their own precision."""
    base, head, said = RESULTS[name]
    found, _ = disagreement(_told(base), _told(head), "float64")
    assert (found is None) is (said is None), found
    assert said is None or said in str(found)


def test_an_array_of_jax_is_one_of_numpy() -> None:
    """Both hold the same numbers."""
    assert disagreement(_told(jnp.asarray(HALF)), _told(HALF), "float64")[0] is None


@pytest.mark.parametrize("result", ["text", {"a": "text"}, object(), np.array([object()])])
def test_results_that_are_no_numbers(result: Any) -> None:
    """The reason names their contents."""
    with pytest.raises(TypeError, match="which is no number"):
        _told(result)


JACOBIANS: dict[str, tuple[Callable[[Any], Any], Any, bool]] = {
    "complex": (lambda x: jnp.exp(1j * x), np.linspace(0, 1, 3), True),
    "a tuple": (lambda x: (x[0] * x, jnp.sin(x).sum()), np.linspace(0, 1, 3), True),
    "a matrix as point": (lambda x: x @ x.T, np.linspace(0, 1, 6).reshape(2, 3), True),
    "a number as point": (lambda x: jnp.stack([x, x**2]), np.float64(0.5), True),
    "a NaN in the Jacobian alone": (lambda x: jnp.sqrt(jnp.where(x > 2, x, 0.0) * 0 * x + 0), np.ones(2), False),
    "no outputs": (lambda x: x[:0], np.ones(2), True),
    "half precision": (lambda x: x**2, np.array([0.5, 2.0], np.float16), True),
    "wrong": (lambda x: jax.lax.stop_gradient(x) * x, np.ones(2) * 3, False),
    "a list as point": (lambda x: jnp.asarray(x) ** 2, [1.0, 2.0], True),
}


@pytest.mark.parametrize("mode", ["jacfwd", "jacrev"])
@pytest.mark.parametrize("name", JACOBIANS)
def test_jacobians_of_any_kind(name: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jacobians are compared with difference quotients of the function's result."""
    function, point, right = JACOBIANS[name]
    if (name, mode) == ("complex", "jacrev"):
        return  # JAX has no reverse mode of a complex result for a real input
    own = ModuleType("own")
    vars(own).update(f=function, point=lambda _: point, __file__=str(tmp_path / "own.py"))
    monkeypatch.setitem(sys.modules, "own", own)
    one = Side()
    one.root = tmp_path
    one.cell(n=2, m=2, seed=0, dtype="float64", points={f"{mode}:own:f": "own:point"})
    answer = one.prepare(f"{mode}:own:f", delay=0.0, loops=1)
    assert (wrong(answer, "float64") is None) is right
    assert disagreement(answer, one.prepare(f"{mode}:own:f", delay=0.0, loops=1), "float64") == (None, None)


def test_a_jacobian_with_the_function_s_own_nan() -> None:
    """A NaN is right where the function has one, and wrong elsewhere."""
    one, nan = np.array([1.0, 2.0, np.nan]), np.array([1.0, np.nan, np.nan])
    answer = {"product": side._encoded(one), "kind": "float64", "quotients": [side._encoded(one)]}
    assert wrong(answer, "float64") is None
    assert wrong(answer | {"product": side._encoded(nan)}, "float64") is not None


def test_arrays_in_a_result_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """JAX returns before it is done, also with several arrays."""
    waited: list[object] = []
    monkeypatch.setattr(jax, "block_until_ready", waited.append)
    result = {"a": jnp.ones(2)}
    side._ready(lambda _: result, 1)
    assert waited == [result]
