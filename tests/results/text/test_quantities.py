"""A change of time in words: the sign, the digits, and the interval."""

import pytest

from fwdrev.results.stats.estimate import Estimate
from fwdrev.results.text.quantities import change_text, percent_text


@pytest.mark.parametrize(
    ("point", "low", "high", "text"),
    [
        (1.31, 1.24, 1.38, "31 % slower (24 to 38 %)"),
        (0.7, 0.62, 0.76, "30 % faster (24 to 38 %)"),
        (0.997, 0.979, 1.015, "0.3 % faster (2.1 % faster to 1.5 % slower)"),
        (1.03, 0.98, 1.08, "3 % slower (2 % faster to 8 % slower)"),
        (1.0, 0.996, 1.004, "as fast (0.4 % faster to 0.4 % slower)"),
        (1.0002, 1.0001, 1.003, "as fast (0 to 0.3 %)"),
        (1.0, 1.0, 1.0, "as fast (0 % to 0 %)"),
        (1.0996, 1.0994, 1.2, "10 % slower (9.9 to 20 %)"),
        (21.0, 19.5, 22.6, "2,000 % slower (1,850 to 2,160 %)"),
        (0.0003, 0.0002, 0.0004, "99.97 % faster (99.96 to 99.98 %)"),
        (1.2, None, None, "20 % slower"),
    ],
)
def test_a_change_in_words(point: float, low: float | None, high: float | None, text: str) -> None:
    """Above 1 is slower, by a share of the earlier time; below is faster, by the saved share."""
    assert change_text(Estimate(point=point, low=low, high=high)) == text


@pytest.mark.parametrize(("share", "text"), [(0.05, "5 %"), (0.003, "0.3 %"), (0.312, "31 %"), (0.0, "0 %")])
def test_a_share_in_words(share: float, text: str) -> None:
    """A share has two digits at most, and never vanishes."""
    assert percent_text(share) == text
