"""The figure of preparation as data: the time of preparing, and after how many calls it pays off."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from fwdrev.bench import PREPARING, Cell
from fwdrev.bench.records.observation import ArmResult
from fwdrev.plots import draw_payback, draw_preparation, lay_out_preparation
from fwdrev.plots.figures.preparation import preparation_figure
from fwdrev.results import Blocks, Run
from tests.scripted import scripted_run

ROWS = [
    (4, "reverse", 1e-3, 1e-3),
    (4, "jax-vjp", 1.0, 2e-3),
    (4, "forward", 3e-3, 0.99e-3),
    (16, "reverse", 1e-3, 4e-3),
    (16, "jax-vjp", 1.001, 2e-3),
    (16, "forward", 3e-3, 1e-3),
    (64, "reverse", 1e-3, 9e-3),
    (64, "forward", None, 1e-3),
]
"""m, engine, seconds of preparing and seconds per call, all at n = 8."""

TABLE = pd.DataFrame([(8, m, name, once) for m, name, once, _ in ROWS], columns=["n", "m", "engine", "prepare_seconds"])

_NOISE = {"reverse": (0.0, 0.0, 0.0), "forward": (0.03, 0.0, -0.03), "jax-vjp": (0.02, -0.02, 0.0)}
"""Noise of three rounds: a hundredth does not show, a half does."""


def _blocks() -> Blocks:
    """One block in each round."""
    cells, engines = (Cell(8, 4), Cell(8, 16), Cell(8, 64)), tuple(_NOISE)
    logs = np.full((3, 3, 3, 1), np.nan)
    for m, name, _, each in ROWS:
        logs[:, cells.index(Cell(8, m)), engines.index(name), 0] = np.log(each) + _NOISE[name]
    return Blocks(rounds=(0, 1, 2), cells=cells, engines=engines, logs=logs)


BLOCKS = _blocks()


def test_preparation_is_what_was_measured_once() -> None:
    """Each engine has its time of preparation where it was prepared, without an interval."""
    layout = lay_out_preparation(TABLE, BLOCKS, "m", 8)
    assert layout is not None
    curves = {curve.engine: curve for curve in layout.curves.curves}
    assert (layout.curves.along, layout.curves.fixed) == ("m", 8)
    assert curves["jax-vjp"].sizes.tolist() == [4, 16]
    assert curves["jax-vjp"].seconds.tolist() == [1.0, 1.001]
    assert curves["forward"].sizes.tolist() == [4, 16]
    assert np.isnan(curves["reverse"].low).all()


def test_it_is_paid_back_when_calls_have_saved_it() -> None:
    """Calls are extra preparation ÷ saving per call, against the cheapest; none if calls are slower or look equal.

    A single round distinguishes nothing.
    """
    layout = lay_out_preparation(TABLE, BLOCKS, "m", 8)
    assert layout is not None
    assert layout.cheapest == "reverse"
    calls = {one.engine: one.calls.tolist() for one in layout.paybacks}
    assert calls["jax-vjp"] == [pytest.approx(math.nan, nan_ok=True), pytest.approx(1.0 / 2e-3)]
    one = Blocks(rounds=(0,), cells=BLOCKS.cells, engines=BLOCKS.engines, logs=BLOCKS.logs[:1])
    alone = lay_out_preparation(TABLE, one, "m", 8)
    assert alone is not None
    assert all(np.isnan(each.calls).all() for each in alone.paybacks)
    assert calls["forward"] == [pytest.approx(math.nan, nan_ok=True), pytest.approx(1)], "less than one call is one"


def test_nothing_prepared_is_no_layout() -> None:
    """A line of the plane without measurements has none either."""
    assert lay_out_preparation(TABLE, BLOCKS, "m", 9) is None
    assert lay_out_preparation(TABLE.assign(prepare_seconds=np.nan), BLOCKS, "m", 8) is None


def test_an_engine_that_is_never_paid_back_is_named() -> None:
    """The others are labelled at their last point."""
    layout = lay_out_preparation(TABLE[TABLE["m"] == 4], BLOCKS, "m", 8)
    assert layout is not None
    above, below = Figure().subplots(2, 1)
    draw_preparation(layout, above)
    draw_payback(layout, below)
    assert {text.get_text() for text in above.texts} == {"reverse", "jax-vjp", "forward"}
    assert [text.get_text() for text in below.texts] == ["never here: jax-vjp, forward"]


def _prepared(once: float | None) -> Run:
    """A run in which every engine takes this long to prepare, a reverse one half as long."""
    run = scripted_run(inputs="8,16", outputs="8,16")

    def arm(name: str, one: ArmResult) -> ArmResult:
        return replace(one, prepare_seconds=None if once is None else once / (1 + (name == "reverse")))

    seen = [
        replace(o, arms={name: arm(name, one) for name, one in o.arms.items()}) if o.round == PREPARING else o
        for o in run.observations
    ]
    return replace(run, observations=tuple(seen))


def test_the_figure_is_drawn_where_something_was_prepared() -> None:
    """The figure follows the middle of the plane, times above, calls below; otherwise there is none."""
    figure = preparation_figure(_prepared(0.5))
    assert figure is not None
    titles = [ax.get_title(loc="left") for ax in figure.axes]
    assert titles == ["n = 16", "m = 16", "paid back against reverse", "paid back against reverse"]
    assert preparation_figure(_prepared(None)) is None
