"""How every figure looks: each direction has one colour everywhere, which survives colour blindness.

What has to survive grey print as well has a mark of its own: a letter in a cell, the shape of a point on a line.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_hex, to_rgb

from fwdrev.modes.core.engine import Direction
from fwdrev.modes.registry import find_engine

FORWARD, REVERSE, MIXED, OTHER = "#D55E00", "#0072B2", "#009E73", "#555555"
"""Vermilion, blue and bluish green of Okabe and Ito's palette (Color Universal Design, 2008)."""

INK = "#222222"
"""For lines and numbers."""

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
    "pdf.fonttype": 42,  # text that can be searched and copied
    "svg.hashsalt": "fwdrev",
    "figure.constrained_layout.use": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw in here."""
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # names from outside may be too long, or in letters of no font
        yield


_COLOURS = {Direction.FORWARD: FORWARD, Direction.REVERSE: REVERSE, Direction.MIXED: MIXED}

_COLOUR_NAMES = {FORWARD: "forward orange", REVERSE: "reverse blue", MIXED: "mixed green"}

_MARKERS = {FORWARD: "o", REVERSE: "s", MIXED: "^", OTHER: "D"}

_LETTERS = {FORWARD: "F", REVERSE: "R", MIXED: "M", OTHER: "X"}

_BRIGHT = 0.58
"""Of a colour: found by eye."""

_LONGEST = 60
"""Of a name: what comes from outside may be of any length."""


def colour(name: str) -> str:
    """The colour of an engine: that of its direction; grey where it has none or is not installed."""
    found = find_engine(name)
    return OTHER if found is None else _COLOURS.get(found.direction, OTHER)


def colour_words(engines: Sequence[str]) -> str:
    """Which direction has which colour, of those that are there: `forward orange, reverse blue`."""
    there = {colour(name) for name in engines}
    return ", ".join(words for one, words in _COLOUR_NAMES.items() if one in there)


def shade(name: str) -> str:
    """The colour of an area: that of the engine, darker for other libraries than NumPy; paler is less certain."""
    red, green, blue = to_rgb(colour(name))
    light = 1.0 if line_style(name) == "-" else 0.55
    return to_hex((light * red, light * green, light * blue))


def ink_on(ground: str) -> str:
    """White or black, whichever is read more easily on that colour."""
    return "white" if float(np.dot(to_rgb(ground), (0.299, 0.587, 0.114))) < _BRIGHT else INK


def line_style(name: str) -> str:
    """NumPy's engines are solid, those of other libraries dashed."""
    found = find_engine(name)
    return "-" if found is not None and found.library == "numpy" else "--"


def marker(name: str) -> str:
    """The shape of a point of an engine: one for each direction."""
    return _MARKERS[colour(name)]


def marks(engines: Sequence[str]) -> dict[str, str]:
    """One or two letters for each engine, all different: `F`, `R`, `M`, those of other libraries as in `jF`."""
    given: dict[str, str] = {}
    for name in engines:
        found = find_engine(name)
        library = "" if found is None or found.library == "numpy" else found.library[:1].lower()
        letters = library + _LETTERS[colour(name)]
        numbered = (f"{letters}{number}" for number in count(2))
        given[name] = next(mark for mark in chain([letters], numbered) if mark not in given.values())
    return given


def shown(name: object, longest: int = _LONGEST) -> str:
    """A name from outside, on one line and of a length that fits."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(name))
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[:longest]}…"


def diverging(low: str, high: str) -> LinearSegmentedColormap:
    """From one colour over white to another."""
    return LinearSegmentedColormap.from_list(f"{low} to {high}", [low, "#ffffff", high])
