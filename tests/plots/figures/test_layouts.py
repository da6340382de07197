"""Figures as data: they draw what was measured."""

import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fwdrev.modes import NothingMeasuredError
from fwdrev.plots import caption, draw_map, lay_out_curves, lay_out_map, save_figures
from fwdrev.results import Run, log_count_ratios, log_ratios, times
from tests.scripted import scripted_run, seconds, true_m

PAIR = ("forward", "reverse")


@pytest.fixture(scope="module")
def run() -> Run:
    """A run without noise, so that every number is known."""
    return scripted_run(inputs="16:512:*2", outputs="4:1024:*4")


def test_map_is_the_ratio_in_each_cell(run: Run) -> None:
    """The map holds log2(time of reverse / time of forward), rows by m, columns by n, and the true crossover."""
    from fwdrev.bench import Cell

    layout = lay_out_map(log_ratios(run, PAIR), log_count_ratios(run, PAIR))
    assert layout.advantage.shape == (5, 6)
    for (i, j), value in np.ndenumerate(layout.advantage):
        cell = Cell(int(layout.n[j]), int(layout.m[i]))
        assert value == pytest.approx(math.log2(seconds("reverse", cell) / seconds("forward", cell)))
    assert {n: e.point for n, e in layout.points.items()} == {
        n: pytest.approx(true_m(n), rel=0.05) for n in run.spec.inputs if 4 <= true_m(n) <= 1024
    }
    assert len(layout.points) == 4


def test_curves_are_the_times(run: Run) -> None:
    """The curves run along m at one n, for every engine."""
    from fwdrev.bench import Cell

    layout = lay_out_curves(times(run), "m", 64)
    assert [curve.engine for curve in layout.curves] == ["forward", "reverse"]
    for curve in layout.curves:
        expected = [seconds(curve.engine, Cell(64, int(m))) for m in curve.sizes]
        np.testing.assert_allclose(curve.seconds, expected)


def test_a_map_can_be_drawn_on_any_axes(run: Run) -> None:
    """The axes may belong to the user's own figure, and the map may be a single cell."""
    for each in (run, scripted_run(inputs="8", outputs="8")):
        ax = Figure().subplots()
        draw_map(lay_out_map(log_ratios(each, PAIR), log_count_ratios(each, PAIR)), ax)
        assert ax.get_title(loc="left") == "Which is faster: forward or reverse?"


def test_figures_are_files(tmp_path: Path) -> None:
    """Each comes as SVG, PNG and PDF; text in the SVG is text, and text from outside is escaped."""
    paths = save_figures(scripted_run(inputs="16,64", outputs="4,256"), tmp_path)
    names = {f"{name}-forward-reverse" for name in ("map", "memory", "regret")}
    names |= {"cost-curves", "winners"}
    assert {path.name for path in paths} == {f"{name}.{suffix}" for name in names for suffix in ("svg", "png", "pdf")}
    svg = (tmp_path / "map-forward-reverse.svg").read_text()
    assert "outputs m" in svg
    assert "<script>" not in svg
    assert "&lt;script&gt;" in svg
    assert (tmp_path / "cost-curves.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "cost-curves.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("pairs", [[], pytest.param([PAIR], marks=pytest.mark.long)], ids=["of the run", "all"])
def test_the_same_run_gives_the_same_files(pairs: list[tuple[str, str]], tmp_path: Path) -> None:
    """Neither SVG nor PDF has a date or a random name; only the requested formats are written."""
    run = scripted_run(inputs="16", outputs="4,256")
    one, other = (save_figures(run, tmp_path / name, pairs, ["svg", "pdf"]) for name in ("one", "other"))
    assert {path.suffix for path in one} == {".svg", ".pdf"}
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_a_name_from_outside_makes_no_folder(tmp_path: Path) -> None:
    """Characters that a file name cannot hold are replaced."""
    from fwdrev.plots.gallery import save

    (path,) = save(iter([("map-../a\nb-c", Figure())]), tmp_path, ["svg"])
    assert path == tmp_path / "map-.._a_b-c.svg"


def test_caption_tells_where_and_from_how_much(run: Run) -> None:
    """The caption has problem, rounds, machine and date."""
    text = caption(run)
    for part in ("driven", "5 rounds", "machine", "2026-01-01", "95 %"):
        assert part in text


def test_an_empty_run_cannot_be_drawn(tmp_path: Path) -> None:
    """An error says so instead of an empty plane."""
    import dataclasses

    empty = dataclasses.replace(scripted_run(inputs="8", outputs="8"), observations=())
    with pytest.raises(NothingMeasuredError, match="nothing to draw"):
        save_figures(empty, tmp_path)


def test_labels_of_sizes_do_not_touch() -> None:
    """Sizes are close to each other where a sweep has refined the plane; both ends always have labels."""
    from fwdrev.plots.core.plane import apart

    assert apart(np.array([1.0, 4, 16, 64, 96, 112, 160, 256, 1024]), 9.0) == [1, 4, 16, 64, 160, 1024]
    assert apart(np.array([4.0, 8, 16, 32]), 9.0) == [4, 8, 16, 32]
    assert apart(np.array([7.0]), 9.0) == [7]


def test_a_scale_of_times_has_numbers_however_short_it_is(tmp_path: Path) -> None:
    """Where powers of ten are few, 2 and 5 appear between them; and a label never shows the code of a formula."""
    from fwdrev.plots.core.plane import Decades

    assert set(np.round(Decades().tick_values(3e-6, 4e-5), 7)) >= {5e-6, 1e-5, 2e-5}
    assert set(np.round(np.log10(Decades().tick_values(1e-6, 1.0)), 7) % 1) == {0}
    save_figures(scripted_run(inputs="8,16", outputs="8,16"), tmp_path, formats=["svg"])
    assert not any("mathdefault" in path.read_text() for path in tmp_path.iterdir())


def test_labels_at_the_ends_of_curves_do_not_touch() -> None:
    """Labels move apart by the least amount, together, and stay beside the axis."""
    from fwdrev.plots.figures.cost_curves import spread

    assert spread([0.1, 0.5, 0.9], 0.1) == pytest.approx([0.1, 0.5, 0.9])
    assert spread([0.5, 0.5, 0.5], 0.1) == pytest.approx([0.4, 0.5, 0.6])
    assert spread([0.98, 1.0], 0.1) == pytest.approx([0.9, 1.0])
    assert spread([0.0, 0.01], 0.1) == pytest.approx([0.0, 0.1])
    assert spread([], 0.1) == []


def test_a_large_plane_has_no_numbers() -> None:
    """Numbers in more than four hundred cells would be unreadable; the axes name few sizes."""
    from fwdrev.plots.core.plane import Cells, draw_cells

    sizes = np.arange(1.0, 101)
    ax = Figure().subplots()
    draw_cells(Cells(n=sizes, m=sizes, advantage=np.ones((100, 100))), PAIR, ax)
    assert not ax.texts
    assert len(ax.get_xticks()) <= 12


def test_a_factor_has_as_many_digits_as_one_reads() -> None:
    """A factor has two digits and never an exponent, whichever of the two engines is better."""
    from fwdrev.plots.core.plane import factor_text

    shown = {1.0: "1", 1.449: "1.4", 12.4: "12", 99.4: "99", 99.6: "100", 1234.0: "1234"}
    for factor, text in shown.items():
        assert factor_text(math.log2(factor)) == factor_text(-math.log2(factor)) == text


def test_engines_of_one_direction_have_different_colours() -> None:
    """The colours lie at the two ends of a scale; otherwise each engine has the colour of its direction."""
    from fwdrev.plots.core.plane import Cells, draw_cells

    cells = Cells(n=np.array([4.0, 16]), m=np.array([8.0]), advantage=np.array([[3.0, -3.0]]))
    pairs = ("forward", "reverse"), ("forward", "jax-jvp"), ("jax-jvp", "forward")
    ends = [
        [to_hex(end) for end in draw_cells(cells, pair, Figure().subplots()).to_rgba(np.array([3.0, -3.0]))]
        for pair in pairs
    ]
    same = ["#d55e00", "#cc79a7"]
    assert ends == [["#d55e00", "#0072b2"], same, same]


def test_what_is_not_known_does_not_look_equal() -> None:
    """White means equal; a cell without a number is not white."""
    from fwdrev.plots.core.plane import Cells, draw_cells

    cells = Cells(n=np.array([4.0, 16]), m=np.array([8.0]), advantage=np.array([[0.0, math.nan]]))
    ax = Figure().subplots()
    equal, unknown = draw_cells(cells, PAIR, ax).to_rgba(np.ma.masked_invalid(cells.advantage[0]))
    assert list(equal) == pytest.approx([1, 1, 1, 1], abs=0.01)
    assert max(unknown[:3]) < 0.95
    assert [text.get_text() for text in ax.texts] == ["1"]
