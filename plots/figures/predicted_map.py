"""Predicted against measured: the plane that the cost model expects beside the one that was measured."""

from matplotlib.figure import Figure

from fwdrev.plots.core.frame import ask, foot, inputs_label
from fwdrev.plots.core.plane import draw_cells, draw_diagonal, draw_scale
from fwdrev.plots.core.style import shown
from fwdrev.plots.figures.crossover_map import lay_out_cells
from fwdrev.plots.pair import PairOfRun
from fwdrev.results.text.summary import prediction_text

__all__ = ["predicted_figure"]


def predicted_figure(of: PairOfRun) -> Figure | None:
    """Two maps on one scale of colours; None where the machine was not calibrated."""
    if of.found is None:
        return None
    figure = Figure(figsize=(12.0, 6.0))
    layouts = (lay_out_cells(of.found.ratios), lay_out_cells(of.ratios))
    axes = list(figure.subplots(1, 2, sharey=True))
    for ax, layout, title in zip(axes, layouts, ("predicted by the cost model", "measured"), strict=True):
        mesh = draw_cells(layout, of.pair, ax)
        draw_diagonal(ax)
        ax.set(xlabel=inputs_label(of.run.spec), ylabel="outputs m" if ax is axes[0] else "")
        ax.set_title(title, loc="left")
    draw_scale(mesh, of.pair, axes, "is faster")
    one, other = of.pair
    ask(figure, f"Which is faster, as predicted and as measured: {shown(one)} or {shown(other)}?")
    foot(figure, of.run, prediction_text(of.found))
    return figure
