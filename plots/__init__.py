"""Figures from tables, in three steps each: select rows, lay out numbers, draw on a given Axes.

    run = load("runs/today")
    save_figures(run, Path("figures"))                   # all of one run, SVG, PNG and PDF
    draw_map(lay_out_map(ratios, counts), ax)            # on your own Axes

Nothing here measures or estimates. Start with `figures/crossover_map.py`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
