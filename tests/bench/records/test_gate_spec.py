"""The inputs of compared functions: which function makes each."""

import pytest

from fwdrev.bench.records.gate_spec import points_of
from fwdrev.modes.errors import InputError


@pytest.mark.parametrize(
    ("text", "points"),
    [
        ("m:start", ["m:start", "m:start"]),
        ("m:one,k:two", ["m:one", "k:two"]),
        ("start", ["a:start", "b/c.py:start"]),
        ("one,k:two", ["a:one", "k:two"]),
        (None, []),
    ],
)
def test_a_point_without_a_module_is_beside_its_function(text: str | None, points: list[str]) -> None:
    """The point of a Jacobian or of a file lies beside its function too."""
    assert list(points_of(["jacfwd:a:f", "b/c.py:g"], text).values()) == points


@pytest.mark.parametrize(
    ("text", "told"), [("a:b,c:d,e:f", "3 points for 2 functions"), ("no name", "FUNCTION or MODULE:FUNCTION")]
)
def test_what_is_no_point_is_refused(text: str, told: str) -> None:
    """One line says what to write."""
    with pytest.raises(InputError, match=told):
        points_of(["a:f", "b:g"], text)
