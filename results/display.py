"""How records show themselves in a notebook: escaped HTML, and a figure from whoever can draw.

A record that inherits from `Displayed` is shown as `record_html` has it. Nothing in this package can draw; the front
door, which sees every room, hands in a function that can. Light to import: every run's record needs this module.
"""

from collections.abc import Callable, Iterable, Sequence
from html import escape

__all__ = ["Displayed", "draw_with", "figure_of", "in_words", "page", "table"]

Draw = Callable[[object], str]

_DRAWING: list[Draw] = []
"""The function that draws, if one was handed in."""


class Displayed:
    """Jupyter shows it as HTML."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        """As its kind of record is shown."""
        from fwdrev.results.notebook.record_html import html_of

        return html_of(self)


def draw_with(function: Draw) -> None:
    """From now on `function` gives the figure of a record as inline SVG, or nothing for one that has none."""
    _DRAWING[:] = [function]


def figure_of(shown: object) -> str:
    """Its figure as inline SVG; empty where it has none, or nobody can draw."""
    return "".join(draw(shown) for draw in _DRAWING)


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
    body = "".join(f"<tr>{_row(row)}</tr>" for row in rows)
    return f"<table>{caption}{top}<tbody>{body}</tbody></table>"


def _row(row: Sequence[object]) -> str:
    return in_words(row[0], "th") + "".join(in_words(cell, "td") for cell in row[1:])
