"""Numbers, times and bytes as a person reads them, three digits each."""

from collections.abc import Sequence

__all__ = ["bytes_text", "number_text", "seconds_text"]

_THREE_DIGITS = 999.5
"""From here on a rounded number has four before the point."""

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))


def number_text(value: float) -> str:
    """Three digits, and never an exponent before the point: `0.871`, `57.3`, `1234`."""
    return f"{value:.3g}" if abs(value) < _THREE_DIGITS else f"{value:.0f}"


def seconds_text(seconds: float) -> str:
    """`12.3 µs`."""
    return _scaled(seconds, _TIMES)


def bytes_text(size: int) -> str:
    """`1.2 MB`, in powers of 1000."""
    return _scaled(float(size), _BYTES)


def _scaled(value: float, units: Sequence[tuple[float, str]]) -> str:
    scale, unit = next((each for each in units if value >= each[0]), units[-1])
    return f"{number_text(value / scale)} {unit}"
