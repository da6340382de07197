"""Numbers with units: what a threshold may be, and what a number was more likely meant to be."""

from typing import Any

import pytest

from fwdrev.bench.records.parsing import threshold_of
from fwdrev.modes.errors import InputError


@pytest.mark.parametrize(
    ("given", "share"),
    [("5%", 0.05), ("0.05", 0.05), (0.05, 0.05), (" 20 % ", 0.2), ("120%", 1.2), ("100%", 1.0), (0.999, 0.999)],
    ids=str,
)
def test_a_threshold_is_a_share(given: Any, share: float) -> None:
    """Text or a number, as an option or TOML gives it; with a per cent sign any size."""
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
    """With what it more likely means, which is accepted: a ratio below 2, per cents from there on."""
    with pytest.raises(InputError) as refused:
        threshold_of(given)
    assert str(refused.value) == f"{str(given).strip()}: a threshold is a share: did you mean {meant}?"
    assert threshold_of(meant) > 0


@pytest.mark.parametrize("given", [True, "much", "", 0, "0%", -0.05, "-5%", "inf", float("nan"), None, [0.05], "1,2"])
def test_what_is_no_share_is_refused(given: Any) -> None:
    """In one line that says what to give."""
    with pytest.raises(InputError, match=r"give a share such as 5% or 0\.05, more than 0$"):
        threshold_of(given)
