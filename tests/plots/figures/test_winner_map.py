"""The winner map as data: the fastest of all engines in each cell, if decided."""

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fwdrev.bench import Cell
from fwdrev.plots import WinnerLayout, draw_winners, lay_out_winners
from fwdrev.plots.core.style import FORWARD, MIXED, REVERSE, colour, marks, shade, shown
from fwdrev.plots.figures.winner_map import contenders, winner_figure
from fwdrev.results import timed_blocks, winners
from tests.scripted import scripted_run, seconds

ENGINES = ("forward", "reverse", "bracketed", "jax-vjp")


def _table(*rows: tuple[int, int, str, str | None, float, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["n", "m", "engine", "next", "point", "low", "high"])


def _drawn() -> tuple[WinnerLayout, list[str], list[str]]:
    """One decided cell, one undecided, one with a single engine, one not measured."""
    layout = lay_out_winners(
        _table(
            (4, 8, "bracketed", "forward", 3.0, 2.9, 3.1),
            (16, 8, "reverse", "forward", 1.01, 0.98, 1.04),
            (4, 32, "jax-vjp", None, math.nan, math.nan, math.nan),
        ),
        ENGINES,
    )
    ax = Figure().subplots()
    draw_winners(layout, ax)
    (cells,) = (one for one in ax.collections if isinstance(one, PolyCollection))
    colours = [to_hex(one).upper() for one in np.asarray(cells.get_facecolor())]
    return layout, colours, [text.get_text() for text in ax.texts]


def test_the_winner_is_the_engine_with_the_least_time() -> None:
    """Times follow a formula in each cell; the factor is the other engine's time divided by the winner's."""
    run = scripted_run(inputs="16:512:*2", outputs="4:1024:*4")
    layout = lay_out_winners(winners(timed_blocks(run)), run.spec.engines)
    assert layout.fastest.shape == (5, 6)
    for (i, j), winner in np.ndenumerate(layout.fastest):
        cell = Cell(int(layout.n[j]), int(layout.m[i]))
        forward, reverse = seconds("forward", cell), seconds("reverse", cell)
        assert layout.engines[winner] == ("forward" if forward < reverse else "reverse")
        assert layout.second[i, j] == 1 - winner
        assert layout.factor[i, j] == pytest.approx(max(forward, reverse) / min(forward, reverse))
    assert layout.apart.all(), "there is no noise"
    assert layout.won("forward")[0] + layout.won("reverse")[0] == 30


def test_a_cell_is_decided_where_the_interval_lies_above_one() -> None:
    """A single engine decides it too; an interval that holds 1 does not; an unmeasured cell has no winner."""
    layout, _, _ = _drawn()
    assert layout.fastest.tolist() == [[2, 1], [3, -1]]
    assert layout.second.tolist() == [[0, 0], [-1, -1]]
    assert layout.apart.tolist() == [[True, False], [True, False]]
    assert layout.won("bracketed") == (1, 1)
    assert layout.won("reverse") == (1, 0)


def test_one_round_decides_nothing() -> None:
    """One round has no interval."""
    layout = lay_out_winners(_table((4, 8, "forward", "reverse", 3.0, math.nan, math.nan)), ENGINES)
    assert not layout.apart.any()


def test_a_cell_has_the_colour_and_the_mark_of_its_winner() -> None:
    """An undecided cell has two pale halves with a mark each, in the order of the engines."""
    _, colours, written = _drawn()
    assert colours[0] == MIXED
    assert colours[3] == shade("jax-vjp").upper()
    assert len(colours) == 4
    assert {FORWARD, REVERSE}.isdisjoint(colours[1:3])
    assert written == ["M\n3", "F", "R", "jR"]


def test_engines_can_be_told_apart_without_colours() -> None:
    """Each has its own mark; those of one direction share a hue but not a shade."""
    names = ["forward", "reverse", "bracketed", "jax-jvp", "jax-vjp", "jax-bracketed", "theirs", "theirs too"]
    assert list(marks(names).values()) == ["F", "R", "M", "jF", "jR", "jM", "X", "X2"]
    for ours, other in (("forward", "jax-jvp"), ("reverse", "jax-vjp"), ("bracketed", "jax-bracketed")):
        assert colour(ours) == colour(other)
        assert shade(ours) != shade(other)
    assert colour("bracketed") == MIXED


def test_what_computes_nothing_does_not_win() -> None:
    """The engine null is left out; an engine that is not installed here stays."""
    assert contenders(["forward", "null", "theirs"]) == ["forward", "theirs"]
    assert winner_figure(scripted_run(inputs="8", outputs="8", engines=["forward", "null"])) is None


def test_a_large_plane_has_no_numbers() -> None:
    """Numbers would be unreadable; all cells are there."""
    rows = [(n, m, "forward", "reverse", 2.0, 1.9, 2.1) for n in range(1, 22) for m in range(1, 22)]
    ax = Figure().subplots()
    draw_winners(lay_out_winners(_table(*rows), ENGINES), ax)
    assert not ax.texts
    assert len(ax.collections[0].get_paths()) == 441
    assert len(ax.get_xticks()) <= 12


def test_names_from_outside_are_one_line_of_text() -> None:
    """Names are shortened, without unprintable characters."""
    assert shown("a\nb\x00c\t$d$") == "a b c $d$"
    assert len(shown(1000 * "x")) < 100
