"""By how much one time differs from another, as a reviewer reads it.

change_text(Estimate(point=1.31, low=1.24, high=1.38))      # 31 % slower (24 to 38 %)
"""

from fwdrev.results.stats.estimate import Estimate

__all__ = ["change_text", "percent_text"]

_FINE = 9.95
"""Per cent below which a tenth is told."""

_ALMOST_ALL, _ALL = 99, 100
"""Per cent between which a hundredth is told."""


def change_text(ratio: Estimate) -> str:
    """Of the second time over the first; faster is the share of the time that is saved.

    Where the interval holds equal times both ends have their word: `0.3 % faster (2.1 % faster to 1.5 % slower)`.
    """
    if ratio.low is None or ratio.high is None:
        return _difference(ratio.point)
    if ratio.low > 1 or ratio.high < 1:
        near, far = sorted((abs(ratio.low - 1), abs(ratio.high - 1)))
        return f"{_difference(ratio.point)} ({_number(near)} to {percent_text(far)})"
    ends = [_difference(end).replace("as fast", "0 %") for end in (ratio.low, ratio.high)]
    return f"{_difference(ratio.point)} ({' to '.join(ends)})"


def percent_text(share: float) -> str:
    """`0.3 %`, `5 %`, `31 %`."""
    return f"{_number(share)} %"


def _difference(ratio: float) -> str:
    share = percent_text(abs(ratio - 1))
    if share == "0 %":
        return "as fast"
    return f"{share} {'slower' if ratio > 1 else 'faster'}"


def _number(share: float) -> str:
    """Of per cent; of a time that all but vanished not all of it was saved."""
    value = 100 * share
    if _ALMOST_ALL < value < _ALL:
        return f"{min(value, 99.99):.2f}"
    return f"{value:.1f}".removesuffix(".0") if value < _FINE else f"{value:,.0f}"
