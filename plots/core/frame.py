"""What every whole figure has: a question above it, below it where it was measured, the same words on its axes."""

import textwrap
from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.text import Annotation

from fwdrev.bench.records.spec import SweepSpec
from fwdrev.plots.core.caption import caption
from fwdrev.plots.core.style import LESS_INK
from fwdrev.results.runs.run import Run

__all__ = ["ask", "foot", "inputs_label", "write_foot"]

_LETTERS_PER_INCH = 17
"""Of a caption: a line that is longer is broken."""


def ask(figure: Figure, question: str, hint: str = "") -> None:
    """The question that the figure answers, and how to read it, as its title."""
    title = figure.suptitle(f"{question}\n " if hint else question, x=0.01, ha="left", weight="bold", size=11)
    if hint:  # below the question, in the line that is left free for it
        figure.add_artist(Annotation(hint, (0, 0), xycoords=title, va="bottom", size=9.5))


def foot(figure: Figure, run: Run, note: str = "", *, how: str | None = None) -> None:
    """The caption of a run; lines that would be cut off are broken."""
    write_foot(figure, caption(run, note, how=how).splitlines())


def write_foot(figure: Figure, lines: Sequence[str]) -> None:
    """Small and below everything."""
    width = int(figure.get_figwidth() * _LETTERS_PER_INCH)
    text = "\n".join(part for line in lines for part in textwrap.wrap(line, width))
    figure.supxlabel(text, fontsize=7.5, color=LESS_INK, x=0.01, ha="left")


def inputs_label(spec: SweepSpec) -> str:
    """What n counts: `driven` can have it in θ."""
    on_theta = spec.problem == "driven" and spec.options.get("n_of", spec.wrt.value) != "x"
    return "inputs n (parameters θ)" if on_theta else "inputs n"
