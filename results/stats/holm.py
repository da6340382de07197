"""Holm's correction: adjusts p-values of many tests so that all false rejections together stay within one level.

S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979) 65-70; with weights, his
section 4. It holds for tests that depend on each other in any way, as cells of one round do.
"""

import numpy as np
from jaxtyping import Shaped

from fwdrev.modes.core.arrays import Vector

Families = Shaped[np.ndarray, "*runs tests"]


def holm(p: Families, weights: Vector) -> Families:
    """Adjusted p-values of `p` (…, tests), one family per row: reject where they are at most the family's level.

    `weights` (tests,), positive, are the tests' initial shares of the level, up to a factor. NaN stands for
    a test without data: it stays NaN and takes no share.
    """
    order = np.argsort(p / weights, axis=-1, kind="stable")  # NaN sorts last
    ordered = np.take_along_axis(p, order, axis=-1)
    own = np.where(np.isnan(ordered), 0.0, weights[order])
    still = np.cumsum(own[..., ::-1], axis=-1)[..., ::-1]  # the weight of all tests not yet rejected
    with np.errstate(invalid="ignore"):
        stepped = np.maximum.accumulate(ordered / weights[order] * still, axis=-1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(stepped, 1.0), axis=-1)
    return adjusted
