"""The style of every figure: each direction has one colour everywhere, distinct also with colour blindness.

For grey print, everything also has a mark: a letter in a cell, the shape of a point on a line.
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

SECOND = "#CC79A7"
"""Its reddish purple, for the second of two engines of one colour, as `colours.js` of the report has it."""

INK = "#222222"
"""The colour of lines and numbers."""

LESS_INK = "#777777"
"""The colour of explanations, as opposed to data."""

UNKNOWN = "#ececec"
"""The colour of an unmeasured cell: white means that two engines are equal."""

_SETTINGS: Any = {
    "font.size": 9.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.dpi": 150,
    "text.parse_math": False,  # names from outside are plain text, even with a dollar sign
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # keeps text searchable
    "svg.hashsalt": "fwdrev",
    "figure.constrained_layout.use": True,
}


@contextmanager
def styled() -> Iterator[None]:
    """Draw inside this context."""
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # names from outside may be too long, or use letters of no font
        yield


_COLOURS = {Direction.FORWARD: FORWARD, Direction.REVERSE: REVERSE, Direction.MIXED: MIXED}

_COLOUR_NAMES = {FORWARD: "forward orange", REVERSE: "reverse blue", MIXED: "mixed green"}

_MARKERS = {FORWARD: "o", REVERSE: "s", MIXED: "^", OTHER: "D"}

_LETTERS = {FORWARD: "F", REVERSE: "R", MIXED: "M", OTHER: "X"}

_BRIGHT = 0.58
"""The brightness of a colour's channels, chosen by eye."""

_LONGEST = 60
"""The most letters of a name, since names from outside may have any length."""


def colour(name: str) -> str:
    """The colour of an engine's direction; grey if it has none or is not installed."""
    found = find_engine(name)
    return OTHER if found is None else _COLOURS.get(found.direction, OTHER)


def pair_colours(pair: tuple[str, str]) -> tuple[str, str]:
    """The colours of two engines that are compared, different ones also where both have one direction."""
    first, second = map(colour, pair)
    return first, SECOND if second == first else second


def colour_words(engines: Sequence[str]) -> str:
    """The colours of the directions present: `forward orange, reverse blue`."""
    there = {colour(name) for name in engines}
    return ", ".join(words for one, words in _COLOUR_NAMES.items() if one in there)


def shade(name: str) -> str:
    """The colour of an engine's area, darker for other libraries than NumPy; paler means less certain."""
    red, green, blue = to_rgb(colour(name))
    light = 1.0 if line_style(name) == "-" else 0.55
    return to_hex((light * red, light * green, light * blue))


def ink_on(ground: str) -> str:
    """White or black, whichever is more legible on that colour."""
    return "white" if float(np.dot(to_rgb(ground), (0.299, 0.587, 0.114))) < _BRIGHT else INK


def line_style(name: str) -> str:
    """The line style: solid for NumPy's engines, dashed for other libraries."""
    found = find_engine(name)
    return "-" if found is not None and found.library == "numpy" else "--"


def marker(name: str) -> str:
    """The marker of an engine's points: one for each direction."""
    return _MARKERS[colour(name)]


def marks(engines: Sequence[str]) -> dict[str, str]:
    """A unique mark of one or two letters for each engine: `F`, `R`, `M`, or `jF` for other libraries."""
    given: dict[str, str] = {}
    for name in engines:
        found = find_engine(name)
        library = "" if found is None or found.library == "numpy" else found.library[:1].lower()
        letters = library + _LETTERS[colour(name)]
        numbered = (f"{letters}{number}" for number in count(2))
        given[name] = next(mark for mark in chain([letters], numbered) if mark not in given.values())
    return given


def shown(name: object, longest: int = _LONGEST) -> str:
    """A name from outside, on one line and shortened to fit."""
    text = "".join(letter if letter.isprintable() else " " for letter in str(name))
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[:longest]}…"


def diverging(low: str, high: str) -> LinearSegmentedColormap:
    """A colour map from one colour over white to another."""
    return LinearSegmentedColormap.from_list(f"{low} to {high}", [low, "#ffffff", high])
