"""The memory map as data: the panels show predictions and measurements on one scale."""

import math
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from fwdrev.bench import Cell
from fwdrev.plots import draw_memory, lay_out_memory, save_figures
from fwdrev.plots.core.style import FORWARD, REVERSE
from fwdrev.results import Run, memory_ratios
from tests.scripted import always, scripted_run, with_memory

PAIR = ("forward", "reverse")


def counted(engine: str, cell: Cell) -> int:
    """Counted bytes of a cell, equal at n = m."""
    return cell.n if engine == "forward" else cell.m


def measured(engine: str, cell: Cell) -> int | None:
    """Measured bytes: forward needs twice its counts, so both are equal at 2 n = m; one cell failed."""
    if cell == Cell(16, 16):
        return None
    return 2 * cell.n if engine == "forward" else cell.m


def _run(inputs: str = "4:64:*2", outputs: str = "4:64:*4") -> Run:
    return with_memory(scripted_run(inputs=inputs, outputs=outputs), counted, measured)


def _drawn(run: Run) -> tuple[Axes, Axes]:
    left, right = Figure().subplots(1, 2)
    draw_memory(lay_out_memory(memory_ratios(run, PAIR)), (left, right))
    return left, right


def test_panels_are_the_ratios_turned_round() -> None:
    """Panels hold log2(bytes of reverse / bytes of forward), rows by m, columns by n: above 0 if forward needs less."""
    layout = lay_out_memory(memory_ratios(_run(), PAIR))
    for panel, factor in ((layout.predicted, 1), (layout.measured, 2)):
        expected = np.log2(panel.m[:, np.newaxis] / (factor * panel.n[np.newaxis]))
        if factor == 2:
            expected[1, 2] = math.nan
        np.testing.assert_allclose(panel.advantage, expected)
        np.testing.assert_allclose(panel.break_even, [m if (m := factor * n) <= 64 else math.nan for n in panel.n])
    assert list(layout.predicted.n) == [4, 8, 16, 32, 64]
    assert list(layout.predicted.m) == [4, 16, 64]
    assert (layout.predicted.less, layout.predicted.known) == (6, 15)
    assert (layout.measured.less, layout.measured.known) == (4, 14)


def test_what_is_drawn_is_what_was_laid_out() -> None:
    """Each known cell has a number, and the title counts forward's cells; there are all lines and one colour scale."""
    left, right = _drawn(_run())
    assert left.get_title(loc="left") == "Predicted: forward needs less in 6 of 15 cells"
    assert right.get_title(loc="left") == "Measured: forward needs less in 4 of 14 cells"
    assert (len(left.texts), len(right.texts)) == (15, 14)
    lines = [{str(line.get_label()): line for line in ax.lines} for ax in (left, right)]
    assert list(lines[0]) == ["n = m", "break-even, predicted"]
    assert list(lines[1]) == ["n = m", "break-even, predicted", "break-even, measured"]
    styles = [line.get_linestyle() for line in lines[1].values()]
    assert styles == [":", "--", "-"]
    scales = {(one.get_clim(), one.get_cmap().name) for ax in (left, right) for one in ax.collections}
    assert len(scales) == 1


def test_the_colour_is_that_of_the_engine_that_needs_less() -> None:
    """The colour is orange for forward and blue for reverse."""
    left, _ = _drawn(with_memory(scripted_run(inputs="1,1024", outputs="32"), counted, counted))
    ours, theirs = left.collections[0].to_rgba(np.array([5.0, -5.0]))
    assert (to_hex(ours).upper(), to_hex(theirs).upper()) == (FORWARD, REVERSE)
    assert [text.get_text() for text in left.texts] == ["32", "32"]
    shown = left.collections[0].get_array()
    assert shown is not None
    assert np.ravel(shown).tolist() == [5, -5]


@pytest.mark.parametrize(("inputs", "outputs"), [("8", "8"), ("16", "16"), ("8", "4:64:*2"), ("4:64:*2", "8")])
def test_a_row_a_column_or_a_cell_can_be_drawn(inputs: str, outputs: str) -> None:
    """One without measurements can be drawn too."""
    left, right = _drawn(_run(inputs, outputs))
    assert left.get_title(loc="left").startswith("Predicted: forward needs less in")
    nothing = inputs == outputs == "16"
    assert right.get_title(loc="left").startswith("Measured: nothing" if nothing else "Measured: forward needs less")


def test_a_break_even_without_neighbours_can_be_seen() -> None:
    """A single point makes no line, so it gets a marker."""
    left, right = _drawn(_run("8", "4:64:*2"))
    dashed, solid = left.lines[-1], right.lines[-1]
    assert dashed.get_markevery() == [0]
    assert dashed.get_marker() != "None"
    assert solid.get_marker() == "o"


def test_the_map_of_memory_is_drawn_where_there_is_one(tmp_path: Path) -> None:
    """The map is a further file that says what was measured; without counted or measured bytes there is none."""
    names = {path.name for path in save_figures(_run("4,64", "4,64"), tmp_path, formats=["svg"])}
    assert "memory-forward-reverse.svg" in names
    svg = (tmp_path / "memory-forward-reverse.svg").read_text()
    for part in ("Which needs less memory: forward or reverse?", "tracemalloc", "needs less by", "2026-01-01"):
        assert part in svg
    assert "intervals" not in svg, "memory has none"
    bare = with_memory(scripted_run(inputs="8", outputs="8"), always(None), always(None))
    assert not any("memory" in path.name for path in save_figures(bare, tmp_path, formats=["svg"]))
