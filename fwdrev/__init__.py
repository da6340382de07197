"""fwdrev measures when a Jacobian is cheaper by forward mode and when by reverse mode.

    import fwdrev

    p = fwdrev.problem("driven", n=256, m=64)
    J = fwdrev.engine("forward").prepare(p.chain, wrt="theta")(p.x, p.theta)     # (64, 256)
    run = fwdrev.load("runs/today")
    fwdrev.crossover(run).law                                                    # m* = c · n^α, with intervals

Importing it is light: everything is loaded on first use.
"""

import lazy_loader

try:
    from fwdrev.results.display import Displayed, figure_of, html_of
except ModuleNotFoundError as error:
    if error.name != "fwdrev.results":
        raise
    raise ImportError(
        "fwdrev/modes, bench, results and plots are symbolic links, and in this checkout they are none: clone it with "
        "`git clone -c core.symlinks=true` to a file system that has symbolic links, or install fwdrev from a wheel"
    ) from None

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


@html_of.register
def _shown(record: Displayed) -> str:
    from fwdrev.results.notebook.html import record_html

    return record_html(record)


@figure_of.register
def _drawn(record: Displayed) -> str:
    from fwdrev.plots.svg import inline_svg

    return inline_svg(record)
