"""Figures that stand in a page as inline SVG: the crossover map of a run, or of the ratios of any pair of engines."""

import re
from contextlib import suppress
from hashlib import sha256
from html import escape
from io import StringIO
from itertools import count

from matplotlib.figure import Figure

from fwdrev.modes.errors import NothingMeasuredError
from fwdrev.plots.core.style import styled
from fwdrev.plots.figures.crossover_map import MapLayout, draw_map, lay_out_map
from fwdrev.results.runs.cells import engines_measured, log_count_ratios, log_ratios
from fwdrev.results.runs.engine_pairs import default_pairs
from fwdrev.results.runs.run import Run
from fwdrev.results.stats.log_ratios import LogRatios

_SIZE = (7.6, 6.0)
"""Inches; a page that is narrower shrinks it."""

_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

_ROOT = re.compile(r"<svg([^>]*)>")
"""Where the picture begins, after the prologue of a file."""

_FIXED = re.compile(r' (?:width|height)="[^"]*"')

_STYLE = '<style type="text/css">'
_EVERYWHERE = f"{_STYLE}*{{"
"""A rule for every element; in a page it would hold for those of others too."""

_TAG = re.compile(r"<[^<>]*>")
"""In text that matplotlib wrote every other < and > is escaped."""

_REFERENCE = re.compile(r'( id="|href="#|url\(#)')

_drawn = count(1)
"""One number for each figure: a page may show the same one twice."""


def inline_svg(shown: object) -> str:
    """The map of ratios, or of a run's first pair of a forward and a reverse engine; empty for anything else."""
    match shown:
        case Run():
            return _run_map(shown)
        case LogRatios():
            return _ratios_map(shown)
        case _:
            return ""


def svg_text(figure: Figure, label: str) -> str:
    """A figure as one `<svg>` element, as wide as the page but no wider than it was made, on white.

    No other element of the page has its ids, and its style is for itself alone. `label` is read out to who cannot see.
    """
    stream = StringIO()
    figure.savefig(stream, format="svg", metadata=_NO_METADATA)
    _, head, body = _ROOT.split(stream.getvalue(), maxsplit=1)
    name = f"fwdrev-{sha256(body.encode()).hexdigest()[:8]}-{next(_drawn)}"
    body = _TAG.sub(lambda tag: _REFERENCE.sub(rf"\g<1>{name}-", tag[0]), body)
    body = body.replace(_EVERYWHERE, f"{_STYLE}#{name} *{{", 1)
    style = f"width:100%;max-width:{figure.get_figwidth():g}in;height:auto;background:white"
    return f'<svg{_FIXED.sub("", head)} id="{name}" role="img" aria-label="{escape(label)}" style="{style}">{body}'


def _run_map(run: Run) -> str:
    for pair in default_pairs(engines_measured(run)):
        with suppress(NothingMeasuredError):  # the two were never timed in the same cell
            return _map_svg(lay_out_map(log_ratios(run, pair), log_count_ratios(run, pair)), "measured crossover")
    return ""


def _ratios_map(ratios: LogRatios) -> str:
    """Ratios do not say whether they were measured, counted or predicted, so the map does not either."""
    nothing = LogRatios(pair=ratios.pair, table=ratios.table.iloc[:, :0], outputs=ratios.outputs)
    with suppress(NothingMeasuredError):
        return _map_svg(lay_out_map(ratios, nothing), "crossover")
    return ""


def _map_svg(layout: MapLayout, line: str) -> str:
    one, other = layout.pair
    with styled():
        figure = Figure(figsize=_SIZE)
        draw_map(layout, figure.subplots(), line=line)
        return svg_text(figure, f"Map of inputs and outputs: which is faster, {one} or {other}?")
