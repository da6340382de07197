"""Other versions of fwdrev's dependencies: the newest, the lowest, and the Pythons between."""

import re
import tomllib
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from packaging.requirements import Requirement
from packaging.version import Version

import fwdrev
from fwdrev.api.mode_choice import by_counts
from fwdrev.bench.records.trials import Expected, Facts
from fwdrev.modes.functions.mode_costs import ModeCosts, traced_function
from fwdrev.modes.jaxpr.cost import JaxprCost
from fwdrev.results.advice.decision import counted_advice
from tests import versions
from tests.short_suite import SHORT
from tests.wild.reports import OURS, report

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MATRIX = np.ones((3, 5))


def pins(versions: str) -> dict[str, Version]:
    """The installed packages where the suite runs with these versions."""
    lines = (ROOT / f"constraints-{versions}.txt").read_text().splitlines()
    each = (Requirement(line) for line in lines)
    return {one.name: Version(str(one.specifier).removeprefix("==")) for one in each}


def scanned(x: Any) -> Any:
    """A scan of five steps over the rows of a constant."""
    return lax.scan(lambda c, row: (jnp.tanh(c * row), c.sum()), x, jnp.asarray(MATRIX.T))[1]


@report("pyro-ppl/numpyro#2244")
def test_a_loop_is_counted_whatever_its_parameters_are_called() -> None:
    """The next JAX renamed those of scan, and has constants elsewhere."""
    found = fwdrev.advise(scanned, np.ones(3), measure=False)
    assert {arm.name for arm in found.arms if arm.counted_seconds is not None} >= {"forward", "reverse"}
    assert not any("sizes of their arrays" in note for note in found.facts.notes)
    J = fwdrev.jacobian(scanned)
    assert J.explain(jnp.ones(3)).seconds.keys() >= {"forward", "reverse"}
    np.testing.assert_allclose(J(jnp.ones(3)), fwdrev.jacobian(scanned, mode="reverse")(jnp.ones(3)), rtol=1e-12)


@report("microsoft/folx#42")
def test_what_a_function_closes_over_is_found() -> None:
    """Constants of the program are found wherever this JAX keeps them."""
    held = jnp.asarray(MATRIX)
    traced = traced_function(lambda x: held @ x, (jnp.ones(5),))
    np.testing.assert_array_equal(traced.f(jnp.ones(5)), MATRIX @ np.ones(5))


@report(OURS)
def test_advice_tells_of_primitives_that_it_does_not_know() -> None:
    """Advice by counts says so; a choice of mode says so in its reason."""
    facts = Facts(name="f", n=2, m=2, dtype="float64", device="cpu", codes={"forward": "f()"}, notes=("a note",))
    unknown = {"forward": ("fresh", "new"), "reverse": ("new",)}
    expected = Expected(codes=facts.codes, seconds={"forward": 1.0}, unknown=unknown)
    told = "primitives counted by the sizes of their arrays alone: fresh, new"
    assert list(counted_advice(facts, expected).facts.notes) == ["a note", told]
    costs = {
        mode: JaxprCost(counts={"elements": k}, largest_bytes=0, result_bytes=0, peak_bytes=0, unknown=("new",))
        for mode, k in (("forward", 1), ("reverse", 9))
    }
    assert by_counts(ModeCosts(costs=costs, programs={}, refused={})).reason.endswith("arrays alone: new")


@report("cubrid-lab/cubrid-mcp-server#51")
@pytest.mark.parametrize("requirement", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]])
def test_the_lowest_versions_are_those_that_are_allowed(requirement: str) -> None:
    """The newest are allowed too: run `make constraints` after changing bounds."""
    wanted = Requirement(requirement)
    lowest, newest = (pins(each)[re.sub("[_.]", "-", wanted.name.lower())] for each in ("lowest", "newest"))
    assert wanted.specifier.contains(lowest)
    assert wanted.specifier.contains(newest)
    assert lowest <= newest
    if wanted.name in {"jax", "lazy-loader", "numpy", "pandas", "scipy", "typer"}:
        assert Version(str(wanted.specifier).removeprefix(">=")) == lowest


@report("vasp-dev/py4vasp#318")
def test_the_lowest_versions_are_not_the_newest() -> None:
    """The deciding packages differ: otherwise nothing would be tested."""
    lowest, newest = pins("lowest"), pins("newest")
    assert all(lowest[name] < newest[name] for name in ("jax", "numpy", "pandas", "scipy", "typer", "matplotlib"))


@report(OURS)
def test_each_python_has_its_environment() -> None:
    """The newest versions run on all Pythons that support them, newest first; the lowest on the lowest Python."""
    found = {(3, minor): f"python3.{minor}" for minor in (11, 12, 13, 14)}
    assert [each.name for each in versions.environments(found)] == [
        "newest-3.14",
        "lowest-3.11",
        "newest-3.12",
        "newest-3.13",
    ]
    assert not any(each.versions == "newest" for each in versions.environments({(3, 11): "python3"}))


@report(OURS)
def test_no_python_for_the_newest_versions_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing would be tested; an unknown name is wrong usage."""
    monkeypatch.setattr(versions, "pythons", lambda: {(3, 11): "python3"})
    assert versions.main([]) == 1
    assert "the newest versions need Python 3.12" in capsys.readouterr().out
    assert versions.main(["newest-3.12"]) == 2
    assert "give names among lowest-3.11" in capsys.readouterr().out


@report(OURS)
def test_the_short_suite_is_there() -> None:
    """A renamed file would go unnoticed."""
    assert [path for path in SHORT if not (ROOT / path).exists()] == []
