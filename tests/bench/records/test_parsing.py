"""Grids and numbers with units: every form is read, and every mistake gets one helpful line."""

from typing import Any

import pytest

from fwdrev.bench.records.parsing import parse_grid, threshold_of
from fwdrev.modes.errors import InputError


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("4:64:*4", [4, 16, 64]),
        ("4:63:*4", [4, 16]),
        ("10:30:+10", [10, 20, 30]),
        ("7", [7]),
        ("100, 4,16,4", [4, 16, 100]),
        ("5:5:*2", [5]),
    ],
)
def test_grids(text: str, sizes: list[int]) -> None:
    """Geometric, arithmetic and listed ones become sorted sizes, each once."""
    assert parse_grid(text) == sizes


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "write 4:4096"),
        ("a,b", "grid 'a,b': write"),
        ("4:16", "write 4:4096"),
        ("1.5,2", "write 4:4096"),
        ("0,4", "has 0: sizes go from 1"),
        ("-3", "has -3: sizes go from 1"),
        ("0:16:*2", "never ends"),
        ("1:16:*1", "never ends"),
        ("1:16:+0", "never ends"),
        ("64:16:*2", "is empty"),
        ("1,99999999999999999999", "sizes go from 1 to 1000000"),
        ("1:10000000:+1", "more than 1000 sizes"),
    ],
)
def test_bad_grids(text: str, message: str) -> None:
    """The line has the given text and the right form."""
    with pytest.raises(InputError) as caught:
        parse_grid(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("given", "share"),
    [("5%", 0.05), ("0.05", 0.05), (0.05, 0.05), (" 20 % ", 0.2), ("120%", 1.2), ("100%", 1.0), (0.999, 0.999)],
    ids=str,
)
def test_a_threshold_is_a_share(given: Any, share: float) -> None:
    """Options and TOML accept text or a number; with a per cent sign, any size."""
    assert threshold_of(given) == pytest.approx(share)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("1.2", "20%"),
        (1.05, "5%"),
        ("1.999", "99.9%"),
        (" 1.1 ", "10%"),
        ("1", "1%"),
        (1.0, "1%"),
        ("2", "2%"),
        (5, "5%"),
        ("12.5", "12.5%"),
        ("1e3", "1000%"),
    ],
    ids=str,
)
def test_a_number_that_would_accept_almost_everything_is_refused(given: Any, meant: str) -> None:
    """The message suggests a likely meaning, which is accepted: a ratio below 2, per cents otherwise."""
    with pytest.raises(InputError) as refused:
        threshold_of(given)
    assert str(refused.value) == f"{str(given).strip()}: a threshold is a share: did you mean {meant}?"
    assert threshold_of(meant) > 0


@pytest.mark.parametrize("given", [True, "much", "", 0, "0%", -0.05, "-5%", "inf", float("nan"), None, [0.05], "1,2"])
def test_what_is_no_share_is_refused(given: Any) -> None:
    """One line says what to give."""
    with pytest.raises(InputError, match=r"give a share such as 5% or 0\.05, more than 0$"):
        threshold_of(given)
