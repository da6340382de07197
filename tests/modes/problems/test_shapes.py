"""Problems without every shape say which ones they have, and which is nearest to the requested one."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from fwdrev.modes import InputError, natural_shape, nearest_shape, problem, problem_names, problem_shape
from fwdrev.modes.problems.shapes import Shape, distance, family
from tests.plugin import install_plugin

FAMILIES: dict[str, Callable[..., Shape]] = {
    "squares": lambda k, **_: (2 * k * k, 2 * k * k),
    "rows": lambda k, **_: (k * 21, 1),
    "tall": lambda k, **_: (26 + 2 * k, 3 * k),
    "wide": lambda k, **_: (k**3, k),
}
"""Sizes that grow at different rates, and a constant one."""

sizes = st.integers(1, 3000)


@given(st.sampled_from(sorted(FAMILIES)), sizes, sizes)
def test_a_family_finds_what_looking_at_all_finds(name: str, n: int, m: int) -> None:
    """Of equally near shapes it takes the smaller."""
    shape_of = FAMILIES[name]
    expected = min((shape_of(k) for k in range(1, 1500)), key=lambda shape: (distance((n, m), shape), shape))
    assert family(shape_of)(n, m) == expected


@given(sizes, sizes, sizes, sizes)
def test_distance_is_a_factor(n: int, m: int, k: int, s: int) -> None:
    """The distance is one for the same shape, larger for others, symmetric, and at most the product along a detour."""
    one, other = (n, m), (k, s)
    assert (distance(one, other) == 1) == (one == other)
    assert distance(one, other) == distance(other, one)
    assert distance(one, other) <= distance(one, (7, 30)) * distance((7, 30), other)


@pytest.mark.parametrize(
    ("asked", "found"), [((10**6, 10**6), (999_698, 999_698)), ((4, 1024), (8, 8)), ((1, 1), (2, 2))]
)
def test_no_shape_is_larger_than_the_largest(asked: Shape, found: Shape) -> None:
    """A larger one may be nearer; for 4 × 1024, squares between are equally near, and the least is taken."""
    assert family(FAMILIES["squares"])(*asked) == found


@pytest.mark.parametrize("name", problem_names())
@given(n=sizes, m=sizes)
def test_the_nearest_shape_is_one_of_the_problems(name: str, n: int, m: int) -> None:
    """The nearest shape is its own nearest, and small ones can be made."""
    found = nearest_shape(name, n, m)
    assert nearest_shape(name, *found) == found
    if max(found) <= 64:
        made = problem(name, n=found[0], m=found[1])
        assert (made.n, made.m) == found


def test_without_a_rule_there_is_every_shape() -> None:
    """The words say so, and every shape is its own nearest."""
    assert problem_shape("driven") == "any n × m"
    assert nearest_shape("driven", 17, 3) == (17, 3)


@pytest.fixture
def _plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_plugin(tmp_path, monkeypatch)


@pytest.mark.usefixtures("_plugin")
def test_a_third_partys_factory_has_a_rule() -> None:
    """The rule takes the problem's options, with their defaults."""
    assert problem_shape("stepped") == "m = step, n = step, 2 step, …"
    assert nearest_shape("stepped", 10, 1) == (8, 4)
    assert nearest_shape("stepped", 10, 1, {"step": 5}) == (10, 5)
    assert problem("stepped", n=10, m=5, step=5).m == 5
    expected = r"^problem 'stepped' has no shape n = 10, m = 5: it has m = step, .*; the nearest is n = 8, m = 4$"
    with pytest.raises(InputError, match=expected):
        problem("stepped", n=10, m=5)


@pytest.mark.parametrize(
    ("n", "m", "options", "message"),
    [
        (0, 1, {}, "n = 0: give a whole number"),
        (1, 10**7, {}, "m = 10000000"),
        (1, 1, {"dept": 1}, "did you mean 'depth'"),
    ],
)
def test_what_no_problem_has_is_refused(n: int, m: int, options: dict[str, int], message: str) -> None:
    """`problem` refuses it too."""
    with pytest.raises(InputError, match=message):
        nearest_shape("driven", n, m, options)


def test_a_problem_shows_itself_in_a_line() -> None:
    """A problem's arrays may have a million entries, and none shows."""
    assert repr(problem("mlp", n=3, m=2)) == "<problem mlp: n = 3, m = 2, 5 layers, float64>"


@pytest.mark.parametrize("name", problem_names())
def test_a_problem_without_sizes_has_its_natural_one(name: str) -> None:
    """The natural size is small, and one of its shapes; a given size stays, and the other one follows it."""
    n, m = natural_shape(name)
    made = problem(name)
    assert (made.n, made.m) == (n, m) == nearest_shape(name, n, m)
    assert max(n, m) <= 66
    for again in (problem(name, n=n), problem(name, m=m), problem(name, n=n, m=m)):
        assert (again.n, again.m) == (n, m)


def test_the_natural_sizes_are_those_of_the_page() -> None:
    """The page documents them."""
    page = (Path(__file__).parents[3] / "docs" / "problems.md").read_text(encoding="utf-8")
    for name in problem_names():
        n, m = natural_shape(name)
        assert (n, m) == (64, 16) or re.search(rf"{n} × {m}\s+\([^)]*`{name}`", page), name


def test_one_size_chooses_the_other() -> None:
    """The other size is the natural one, or what the shapes allow; if none fits, the error is as with both."""
    assert natural_shape("driven") == (64, 16)
    assert (problem("driven", n=7).m, problem("driven", m=7).n) == (16, 64)
    assert (problem("mgh32", m=5).n, problem("mgh32", n=40).m, problem("arrowhead", n=7).m) == (5, 40, 7)
    with pytest.raises(InputError, match="has no shape n = 9"):
        problem("heart-dipole", n=9)
