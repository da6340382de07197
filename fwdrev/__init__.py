"""fwdrev measures when a Jacobian is cheaper by forward mode and when by reverse mode.

    import fwdrev

    p = fwdrev.problem("driven", n=256, m=64)
    J = fwdrev.engine("forward").prepare(p.chain, wrt="theta")(p.x, p.theta)     # (64, 256)
    run = fwdrev.load("runs/today")

Importing it is light: everything is loaded when it is first used.
"""

import lazy_loader

from fwdrev.results.display import draw_with

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def _drawn(shown: object) -> str:
    """The figure of a record in a notebook: only here are both records and figures known."""
    from fwdrev.plots.svg import inline_svg

    return inline_svg(shown)


draw_with(_drawn)
