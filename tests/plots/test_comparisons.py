"""Figures of several runs as data: maps side by side, the trend of a cell, and titles that distinguish the runs."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from fwdrev.bench import Cell
from fwdrev.modes import InputError, NothingMeasuredError
from fwdrev.plots import draw_ratio, draw_side_by_side, lay_out_side_by_side, lay_out_trend, save_comparisons
from fwdrev.plots.figures.side_by_side import changes, differences
from fwdrev.results import Run, trend
from tests.scripted import scripted_run, seconds

PAIR = ("forward", "reverse")


def _run(day: int, *, numpy: str = "2", **fields: Any) -> Run:
    run = scripted_run(**{"inputs": "16:512:*2", "outputs": "4:1024:*4"} | fields)
    machine = dict(run.machine) | {"versions": {"numpy": numpy}}
    return replace(run, folder=Path(f"day{day}"), created=f"2026-01-{day:02}T00:00:00+00:00", machine=machine)


def test_a_trend_is_the_times_in_the_order_of_dates() -> None:
    """The trend takes the middle of the common cells; each engine's time and their ratio follow the formulas."""
    found = trend([_run(3), _run(1), _run(2, outputs="1:256:*4")], PAIR)
    assert [point.run.created[8:10] for point in found.points] == ["01", "02", "03"]
    assert found.cell in {Cell(64, 16), Cell(64, 64), Cell(128, 16), Cell(128, 64)}
    assert found.left_out == ()
    layout = lay_out_trend(found)
    for curve in layout.times:
        np.testing.assert_allclose(curve.seconds, 3 * [seconds(curve.engine, found.cell)])
    expected = seconds("forward", found.cell) / seconds("reverse", found.cell)
    np.testing.assert_allclose(layout.ratio.seconds, 3 * [expected])
    np.testing.assert_allclose([layout.ratio.low, layout.ratio.high], expected, err_msg="there is no noise")
    assert layout.dates[0].startswith("2026-01-01")


def test_a_run_without_the_cell_is_left_out_and_says_so() -> None:
    """A run of another problem is left out too."""
    runs = [_run(1), _run(2, outputs="1,2"), _run(3), _run(4, wrt="x")]
    found = trend(runs, PAIR, Cell(64, 64))
    assert [point.run.folder.name for point in found.points] == ["day1", "day3"]
    assert found.cell == Cell(64, 64)
    assert found.left_out == (
        "day4 has another wrt than day1",
        "day2 has no time of both forward and reverse at n = 64, m = 64",
    )


@pytest.mark.parametrize(
    ("runs", "cell", "part"),
    [
        ([_run(1), _run(2, inputs="3", outputs="3")], None, "none share one"),
        ([_run(1), _run(2)], Cell(5, 5), "fewer than two have n = 5, m = 5"),
        ([_run(1)], None, "of 1 given"),
        ([_run(1), _run(2, engines=["forward"])], None, "day2 has no time of both"),
    ],
)
def test_nothing_in_common_is_one_clear_line(runs: list[Run], cell: Cell | None, part: str) -> None:
    """The line says what was given, what is allowed, and the remedy."""
    with pytest.raises(NothingMeasuredError, match="give runs of the same problem") as error:
        trend(runs, PAIR, cell)
    assert part in str(error.value)
    assert "\n" not in str(error.value)


def test_one_round_has_a_point_and_no_interval() -> None:
    """A single round's interval is NaN, for times and ratio."""
    layout = lay_out_trend(trend([_run(1, rounds=1), _run(2)], PAIR))
    assert math.isnan(layout.ratio.low[0])
    assert math.isfinite(layout.ratio.low[1])


def test_wide_intervals_stay_on_the_logarithmic_scale() -> None:
    """The axis of ratios holds the whole bars, however wide they are."""
    layout = lay_out_trend(trend([_run(1), _run(2)], PAIR))
    wide = replace(layout.ratio, low=layout.ratio.seconds / 8, high=layout.ratio.seconds * 8)
    ax = Figure().subplots()
    draw_ratio(replace(layout, ratio=wide), ax)
    low, high = ax.get_ylim()
    assert 0 < low < wide.low.min()
    assert wide.high.max() < high


def test_side_by_side_are_the_maps_of_both() -> None:
    """The maps share axes and one scale of colours, and each shows both crossovers."""
    runs = (_run(1), _run(1, numpy="3", inputs="4:64:*4"))
    layout = lay_out_side_by_side(runs, PAIR)
    assert layout.titles == ("numpy 2", "numpy 3")
    for one in layout.maps:
        for (i, j), value in np.ndenumerate(one.advantage):
            cell = Cell(int(one.n[j]), int(one.m[i]))
            assert value == pytest.approx(math.log2(seconds("reverse", cell) / seconds("forward", cell)))
    left, right = Figure().subplots(1, 2)
    draw_side_by_side(layout, (left, right))
    assert (left.get_xlim(), left.get_ylim()) == (right.get_xlim(), right.get_ylim())
    meshes = [ax.collections[0] for ax in (left, right)]
    assert meshes[0].get_clim() == meshes[1].get_clim()
    own, other = ({str(line.get_label()): line for line in ax.lines} for ax in (left, right))
    np.testing.assert_allclose(other["that of the other run"].get_xdata(), list(layout.maps[0].points))
    np.testing.assert_allclose(own["that of the other run"].get_xdata(), list(layout.maps[1].points))


def test_titles_are_what_differs() -> None:
    """The titles name machine, problem, versions or date, or else the folder. Changes are from one run to the next."""
    assert differences([_run(1, wrt="x"), _run(1)]) == ["with respect to x", "with respect to theta"]
    assert differences([_run(1), _run(1)]) == ["day1", "day1"]
    assert differences([_run(1, options={"depth": 2}), _run(1)]) == ["depth 2", "default depth"]
    assert changes([_run(1), _run(2), _run(3, numpy="3")]) == ["", "", "numpy 3"]


def test_two_runs_are_compared_in_files(tmp_path: Path) -> None:
    """Two runs give side by side and the trend; with three, each consecutive pair is side by side."""
    paths, notes = save_comparisons([_run(1), _run(2)], tmp_path, formats=["svg"])
    assert [path.name for path in paths] == ["side-by-side-forward-reverse.svg", "trend-forward-reverse.svg"]
    assert notes == []
    text = paths[0].read_text()
    for part in ("forward or reverse", "left: problem driven", "right: problem driven", "2026-01-02"):
        assert part in text
    names = [path.name for path in save_comparisons([_run(1), _run(2), _run(3)], tmp_path, formats=["svg"])[0]]
    assert names[:2] == ["side-by-side-forward-reverse-1.svg", "side-by-side-forward-reverse-2.svg"]


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    """A note beside the other figures says so; if there are none or the cell was requested, it is an error."""
    runs = [_run(1), _run(2, wrt="x")]
    paths, notes = save_comparisons(runs, tmp_path, formats=["svg"])
    assert len(paths) == 1
    assert "day2 has another wrt than day1" in notes[0]
    with pytest.raises(NothingMeasuredError, match="another wrt"):
        save_comparisons(runs, tmp_path, cell=Cell(64, 64), formats=["svg"])
    with pytest.raises(NothingMeasuredError, match="name two by --pair"):
        save_comparisons([_run(1), _run(2, engines=["forward"])], tmp_path)
    with pytest.raises(InputError, match="takes two or more"):
        save_comparisons([_run(1)], tmp_path)
