"""Numbers, times and bytes with three digits, and changes in words.

change_text(Estimate(point=1.31, low=1.24, high=1.38))      # 31 % slower (24 to 38 %)
"""

from collections.abc import Sequence

from fwdrev.results.stats.estimate import Estimate

_THREE_DIGITS = 999.5
"""From here on, a rounded number has four digits before the point."""

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))

_FINE = 9.95
"""Below this percentage, text shows tenths."""

_ALMOST_ALL, _ALL = 99, 100
"""Between these percentages, text shows hundredths."""


def number_text(value: float) -> str:
    """A number with three digits, without an exponent where possible: `0.871`, `57.3`, `1234`."""
    return f"{value:.3g}" if abs(value) < _THREE_DIGITS else f"{value:.0f}"


def seconds_text(seconds: float) -> str:
    """A time as text: `12.3 µs`."""
    return _scaled(seconds, _TIMES)


def bytes_text(size: int) -> str:
    """Bytes as text, in powers of 1000: `1.2 MB`."""
    return _scaled(float(size), _BYTES)


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    scale, unit = next((each for each in units if value >= each[0]), units[-1])
    return f"{number_text(value / scale)} {unit}"


def change_text(ratio: Estimate) -> str:
    """The ratio of the second time to the first, in words; "faster" gives the share of time saved.

    If the interval contains equal times, both ends have their word: `0.3 % faster (2.1 % faster to 1.5 % slower)`.
    """
    if ratio.low is None or ratio.high is None:
        return _difference(ratio.point)
    if ratio.low > 1 or ratio.high < 1:
        near, far = sorted((abs(ratio.low - 1), abs(ratio.high - 1)))
        return f"{_difference(ratio.point)} ({_number(near)} to {percent_text(far)})"
    ends = [_difference(end).replace("as fast", "0 %") for end in (ratio.low, ratio.high)]
    return f"{_difference(ratio.point)} ({' to '.join(ends)})"


def percent_text(share: float) -> str:
    """A percentage as text: `0.3 %`, `5 %`, `31 %`."""
    return f"{_number(share)} %"


def _difference(ratio: float) -> str:
    share = percent_text(abs(ratio - 1))
    if share == "0 %":
        return "as fast"
    return f"{share} {'slower' if ratio > 1 else 'faster'}"


def _number(share: float) -> str:
    """The change in per cent; a time that almost vanished has not saved 100 %."""
    value = 100 * share
    if _ALMOST_ALL < value < _ALL:
        return f"{min(value, 99.99):.2f}"
    return f"{value:.1f}".removesuffix(".0") if value < _FINE else f"{value:,.0f}"
