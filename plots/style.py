"""How every figure looks: forward and reverse have one colour each, everywhere, and both survive colour blindness."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap

from fwdrev.modes.interface import Direction
from fwdrev.modes.registry import find_engine

__all__ = ["FORWARD", "LESS_INK", "OTHER", "REVERSE", "UNKNOWN", "colour", "diverging", "line_style", "styled"]

FORWARD, REVERSE, OTHER = "#D55E00", "#0072B2", "#555555"
"""Vermilion and blue of Okabe and Ito's palette (Color Universal Design, 2008)."""

LESS_INK = "#777777"
"""For what explains the figure and is not its data."""

UNKNOWN = "#ececec"
"""For a cell that was not measured: white says that two engines are equal."""

_SETTINGS: Any = {
    "font.size": 9.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.dpi": 150,
    "text.parse_math": False,  # names from outside are text, also with a dollar in them
    "svg.fonttype": "none",
    "svg.hashsalt": "fwdrev",
    "figure.constrained_layout.use": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in here."""
    with mpl.rc_context(_SETTINGS):
        yield


def colour(name: str) -> str:
    """The colour of an engine: that of its direction; grey where it has none or is not installed."""
    found = find_engine(name)
    return (
        OTHER if found is None else {Direction.FORWARD: FORWARD, Direction.REVERSE: REVERSE}.get(found.direction, OTHER)
    )


def line_style(name: str) -> str:
    """NumPy's engines are solid, those of other libraries dashed."""
    found = find_engine(name)
    return "-" if found is not None and found.library == "numpy" else "--"


def diverging(low: str, high: str) -> LinearSegmentedColormap:
    """From one colour over white to another."""
    return LinearSegmentedColormap.from_list(f"{low} to {high}", [low, "#ffffff", high])
