"""Figures from tables. Each one is three steps: select rows, lay out numbers (pure), draw on an Axes that is handed in.

    run = load("runs/today")
    save_figures(run, Path("figures"))                   # maps and cost curves, SVG and PNG
    draw_map(lay_out_map(ratios, counts), ax)            # on your own Axes

Nothing here measures or estimates.
"""

from fwdrev.plots.caption import caption
from fwdrev.plots.cost_curves import Curve, CurvesLayout, draw_curves, lay_out_curves
from fwdrev.plots.crossover_map import MapLayout, draw_map, lay_out_map
from fwdrev.plots.figures import figures, save_figures

__all__ = [
    "Curve",
    "CurvesLayout",
    "MapLayout",
    "caption",
    "draw_curves",
    "draw_map",
    "figures",
    "lay_out_curves",
    "lay_out_map",
    "save_figures",
]
