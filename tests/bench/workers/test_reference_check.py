"""The reference for Jacobians: a wrong one makes no engine wrong."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwdrev.bench import Status, make_spec
from fwdrev.bench.workers import reference_check as check
from fwdrev.bench.workers.cell_visit import checked
from fwdrev.bench.workers.reference_check import Reference, deviation, reference, unchecked_text
from fwdrev.modes.core.chain import Wrt
from fwdrev.modes.core.problem import Problem
from fwdrev.modes.problems.lstm import lstm
from fwdrev.modes.registry import engine as engine_named, problem
from fwdrev.results.runs.cells import failures
from fwdrev.results.text.summary import failure_lines
from tests.scripted import scripted_run

QUICK = check._QUICKLY

SMALL = problem("driven", n=4, m=2, depth=1)


def spoilt(monkeypatch: pytest.MonkeyPatch, spoil: Any, *, always: bool = False) -> list[dict[str, int]]:
    """Spoils J · v, compiled quickly or always; records the options of each compilation."""
    seen: list[dict[str, int]] = []

    def products(at: Problem, wrt: Wrt, options: dict[str, int]) -> Reference:
        seen.append(options)
        J = engine_named("reverse").prepare(at.chain, wrt)(at.x, at.theta)
        u, v = np.ones(at.m), np.linspace(1.0, 2.0, J.shape[1])
        return Reference(v=v, u=u, Jv=spoil(J @ v) if always or options == QUICK else J @ v, uJ=u @ J)

    monkeypatch.setattr(check, "_products", products)
    return seen


@pytest.mark.usefixtures("compiled_by_default")
@pytest.mark.parametrize(
    ("wrt", "dtype"),
    [
        (Wrt.BOTH, "float64"),
        *(pytest.param(wrt, dtype, marks=pytest.mark.long) for wrt in Wrt for dtype in ("float64", "float32")),
    ],
)
def test_a_reference_is_right_where_the_function_is_finite(wrt: Wrt, dtype: str) -> None:
    """The compiler may do anything: for this one cell, the XLA of JAX 0.12 gives NaN at optimisation level 0."""
    at = lstm(11, 1, np.random.default_rng(1), np.dtype(dtype), layers=1, characters=3)
    found = reference(at, wrt)
    assert found.holds
    assert {part.dtype.name for part in (found.v, found.u, found.Jv, found.uJ)} == {dtype}
    J = np.asarray(engine_named("reverse").prepare(at.chain, wrt)(at.x, at.theta))
    rounding = 1e-12 if dtype == "float64" else 1e-5
    assert (np.abs(J @ found.v - found.Jv) <= rounding * (np.abs(J) @ np.abs(found.v))).all()
    assert (np.abs(found.u @ J - found.uJ) <= rounding * (np.abs(found.u) @ np.abs(J))).all()


@pytest.mark.parametrize("spoil", [lambda Jv: Jv * np.nan, lambda Jv: Jv * np.inf, lambda Jv: Jv * 1.01])
def test_a_reference_that_contradicts_itself_is_computed_again(monkeypatch: pytest.MonkeyPatch, spoil: Any) -> None:
    """The new reference is compiled as by default; u · (J v) differs from (u J) · v if one of them is wrong."""
    seen = spoilt(monkeypatch, spoil)
    assert reference(SMALL, Wrt.BOTH).holds
    assert seen == [QUICK, {}]


def test_a_good_reference_costs_one_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one compilation is the quick one."""
    seen = spoilt(monkeypatch, lambda Jv: Jv)
    assert reference(SMALL, Wrt.BOTH).holds
    assert seen == [QUICK]


@pytest.mark.parametrize("engine", ["forward", "jax-vjp"])
def test_what_cannot_be_checked_is_not_wrong(monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    """A message says so, and whether the engine's Jacobian is finite."""
    spoilt(monkeypatch, lambda Jv: Jv * np.nan, always=True)
    spec = make_spec({"engines": ["forward", "jax-vjp"], "inputs": "4", "outputs": "2"})
    call, arm = checked(engine_named(engine), spec, SMALL, reference(SMALL, spec.wrt))
    assert call is not None
    assert arm.status is Status.MEASURED
    assert arm.reason == ("not checked: the products by jax.jvp and jax.vjp are not finite (2 of 6); its own is finite")


def test_what_is_finite_in_the_reference_is_compared() -> None:
    """The finite rest of a reference counts too."""
    J = np.array([[1.0, 2.0], [np.inf, 0.0]])
    v, u = np.ones(2), np.ones(2)
    with np.errstate(all="ignore"):
        expected = Reference(v=v, u=u, Jv=J @ v, uJ=u @ J)
    assert deviation(J, expected) == 0
    assert str(unchecked_text(J, expected)).endswith("(2 of 4); its own is not finite (1 of 4)")
    assert deviation(np.array([[1.0, 3.0], [np.inf, 0.0]]), expected) == 0.5, "3 for 2 in u J, 4 for 3 in J v"
    assert deviation(J * np.nan, expected) == np.inf


def test_a_run_tells_what_was_not_checked() -> None:
    """The note stands beside arms that were not measured, and is no failure."""
    run = scripted_run(inputs="64", outputs="1", rounds=1)
    told = [
        replace(o, arms={k: replace(arm, reason="not checked: …") for k, arm in o.arms.items()})
        for o in run.observations
    ]
    seen = replace(run, observations=tuple(told))
    assert failures(seen).empty
    assert [line.split(":")[0] for line in failure_lines(seen)] == ["forward", "reverse"]
    assert "measured in 1 of 1 cells" in failure_lines(seen)[0]
