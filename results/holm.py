"""Holm's correction: p-values for many tests at once, so that all false rejections together stay within one level.

S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979) 65-70; with weights, his
section 4. It holds for tests that depend on each other in any way, as cells of one round do.
"""

import numpy as np

from fwdrev.modes.arrays import Vector

__all__ = ["holm"]


def holm(p: Vector, weights: Vector) -> Vector:
    """Adjusted p-values (tests,) of `p` (tests,): reject where they are at most the level for the whole family.

    `weights` (tests,), positive, are the shares of the level that the tests begin with, up to a factor. NaN stands for
    a test that could not be made: it stays NaN and takes no share.
    """
    adjusted = np.full(p.shape, np.nan)
    made = np.flatnonzero(~np.isnan(p))
    order = made[np.argsort(p[made] / weights[made], kind="stable")]
    still = np.cumsum(weights[order][::-1])[::-1]  # the weight of all that were not rejected before
    stepped = p[order] / weights[order] * still
    adjusted[order] = np.minimum(np.maximum.accumulate(stepped), 1.0)
    return adjusted
