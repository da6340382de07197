"""How records show themselves: as escaped HTML in a notebook, as plain data, and as columns of text.

A record that inherits from `Displayed` is shown as `results.notebook` has it. Light to import: every record of a run
needs this module.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import singledispatch
from html import escape
from typing import Any


class Displayed:
    """Jupyter shows it as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """The HTML that is registered for its kind."""
        return html_of(self)


@dataclass(frozen=True, slots=True)
class Plain:
    """A record that JSON shows field by field."""

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@singledispatch
def html_of(shown: object) -> str:
    """The HTML of a record: each kind registers its own, and the front door those that are loaded late."""
    return in_words(repr(shown))


@singledispatch
def figure_of(_shown: object) -> str:
    """The figure of a record as inline SVG; empty for one that has none.

    The front door, which sees every room, registers what draws.
    """
    return ""


def page(*parts: str) -> str:
    """Parts that are HTML already, one below the other; colours are those of the notebook, light or dark."""
    return f"<div>{''.join(parts)}</div>"


def in_words(text: object, tag: str = "p") -> str:
    """Any text, escaped, in a tag of its own; bytes of a folder's name that are no text are shown as ?."""
    return f"<{tag}>{escape(str(text).encode(errors='replace').decode())}</{tag}>"


def table(head: Sequence[object], rows: Iterable[Sequence[object]], title: str = "") -> str:
    """Cells of any text, escaped; the first of each row names it. Without a `head` there is no line for it."""
    caption = in_words(title, "caption") if title else ""
    top = f"<thead><tr>{''.join(in_words(name, 'th') for name in head)}</tr></thead>" if head else ""
    cells = ((in_words(name, "th"), *(in_words(cell, "td") for cell in others)) for name, *others in rows)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<table>{caption}{top}<tbody>{body}</tbody></table>"


def aligned(rows: Iterable[Sequence[str]], sides: Sequence[str] = ()) -> list[str]:
    """Text in columns two spaces apart, to the left; `sides` of "<" and ">" says otherwise for each column."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    cells = [f"{{:{side}{width}}}" for side, width in zip(sides or "<" * len(widths), widths, strict=True)]
    return ["  ".join(cells).format(*row).rstrip() for row in table]
