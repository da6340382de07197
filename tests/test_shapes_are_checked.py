"""Canaries: annotations of each package are executed while the tests run, so a wrong shape or type cannot pass."""

import numpy as np
import pytest
from jaxtyping import TypeCheckError

from fwdrev.bench.timing.blocks import calibrate
from fwdrev.modes.core.linear_map import Full
from fwdrev.plots.core.style import colour
from fwdrev.results.stats.estimate import log_mean


def test_modes() -> None:
    """A tangent with too few rows."""
    with pytest.raises(TypeCheckError):
        Full(np.ones((2, 3))).push(np.ones((2, 1)))


def test_bench() -> None:
    """A number that is none."""
    with pytest.raises(TypeCheckError):
        calibrate({}, "short")  # type: ignore[arg-type]


def test_results() -> None:
    """A matrix for a vector."""
    with pytest.raises(TypeCheckError):
        log_mean(np.ones((2, 2)))


def test_plots() -> None:
    """A name that is none."""
    with pytest.raises(TypeCheckError):
        colour(1)  # type: ignore[arg-type]
