"""Shows records as escaped HTML in a notebook, as plain data, and as columns of text.

`results.notebook` shows records that inherit from `Displayed`. This module is light to import: every record of a run
needs it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import singledispatch
from html import escape
from typing import Any


class Displayed:
    """A record that Jupyter shows as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """The HTML of this record, by the function registered for its type."""
        return html_of(self)


@dataclass(frozen=True, slots=True)
class Plain:
    """A record that converts to JSON field by field."""

    def to_json(self) -> dict[str, Any]:
        """This record as plain data."""
        return asdict(self)


@singledispatch
def html_of(shown: object) -> str:
    """The HTML of a record: each type registers a function, and the front door those loaded late."""
    return in_words(repr(shown))


@singledispatch
def figure_of(_shown: object) -> str:
    """The figure of a record as inline SVG; empty for a record without one.

    The front door, which sees every package, registers the functions that draw.
    """
    return ""


def page(*parts: str) -> str:
    """Stacks parts of HTML; the colours are the notebook's, light or dark."""
    return f"<div>{''.join(parts)}</div>"


def in_words(text: object, tag: str = "p") -> str:
    """Escapes any text and puts it in a tag; bytes of a folder's name that are not text show as ?."""
    return f"<{tag}>{escape(str(text).encode(errors='replace').decode())}</{tag}>"


def table(head: Sequence[object], rows: Iterable[Sequence[object]], title: str = "") -> str:
    """A table of escaped text; the first cell of each row is its header. No header row without a `head`."""
    caption = in_words(title, "caption") if title else ""
    top = f"<thead><tr>{''.join(in_words(name, 'th') for name in head)}</tr></thead>" if head else ""
    cells = ((in_words(name, "th"), *(in_words(cell, "td") for cell in others)) for name, *others in rows)
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    return f"<table>{caption}{top}<tbody>{body}</tbody></table>"


def aligned(rows: Iterable[Sequence[str]], sides: Sequence[str] = ()) -> list[str]:
    """Text in left-aligned columns, two spaces apart; `sides` sets "<" or ">" for each column."""
    table = list(rows)
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    cells = [f"{{:{side}{width}}}" for side, width in zip(sides or "<" * len(widths), widths, strict=True)]
    return ["  ".join(cells).format(*row).rstrip() for row in table]
