"""Canaries: the tests of each package execute its annotations, so that a wrong shape or type cannot pass."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from fwdrev.bench.timing.blocks import calibrate
from fwdrev.modes.core.linear_map import Full
from fwdrev.plots.core.style import colour
from fwdrev.results.stats.estimate import log_mean


def test_modes() -> None:
    """A tangent with too few rows raises."""
    with pytest.raises(TypeCheckError):
        Full(np.ones((2, 3))).push(np.ones((2, 1)))


def test_bench() -> None:
    """A text in place of a number raises."""
    with pytest.raises(TypeCheckError):
        calibrate({}, "short")  # type: ignore[arg-type]


def test_results() -> None:
    """A matrix in place of a vector raises."""
    with pytest.raises(TypeCheckError):
        log_mean(np.ones((2, 2)))


def test_plots() -> None:
    """A number in place of a name raises."""
    with pytest.raises(TypeCheckError):
        colour(1)  # type: ignore[arg-type]
