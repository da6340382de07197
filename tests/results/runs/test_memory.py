"""Memory ratios: predictions and measurements are separate, comparisons are fair, and unknowns are admitted."""

import math
from dataclasses import replace

import numpy as np
import pytest

from fwdrev.bench import Cell
from fwdrev.results import MemoryPlane, Run, Source, memory_ratios
from fwdrev.results.text.summary import apart_text
from tests.scripted import always, scripted_run, with_memory

PAIR = ("forward", "reverse")
CONSTANTS = 50_000


def counted(engine: str, cell: Cell) -> int:
    """Columns through a state of 64, or rows back through it: equal at n = m."""
    return 8 * (cell.n * (64 + cell.m) if engine == "forward" else cell.m * (64 + cell.n))


def measured(engine: str, cell: Cell) -> int:
    """The counts plus a part that both engines hold."""
    return counted(engine, cell) + CONSTANTS


def _at(plane: MemoryPlane, cell: Cell) -> float:
    rows, columns = plane.table.index.to_numpy() == cell.m, plane.table.columns.to_numpy() == cell.n
    return float(plane.table.to_numpy(float)[rows, columns].item())


@pytest.fixture(scope="module")
def scripted() -> Run:
    """A run with times that do not matter here."""
    return scripted_run(inputs="16:256:*2", outputs="4:1024:*4")


def test_ratio_of_bytes_in_each_cell(scripted: Run) -> None:
    """Ratios are log2(bytes of forward / bytes of reverse): below zero where forward needs less, that is for n < m."""
    found = memory_ratios(with_memory(scripted, counted, measured), PAIR)
    assert found.source is Source.ALLOCATED
    for plane, formula in ((found.predicted, counted), (found.measured, measured)):
        assert plane.table.shape == (5, 5)
        for cell in scripted.spec.cells:
            expected = math.log2(formula("forward", cell) / formula("reverse", cell))
            assert _at(plane, cell) == pytest.approx(expected)
        assert _at(plane, Cell(16, 1024)) < 0 < _at(plane, Cell(16, 4))
        assert plane.known == 25
        assert plane.less == sum(n < m for n in scripted.spec.inputs for m in scripted.spec.outputs)


def test_what_both_hold_alike_hides_differences_and_moves_no_border(scripted: Run) -> None:
    """Both break even at n = m, with and without the constants; the ratios are nearer to 1 with them."""
    found = memory_ratios(with_memory(scripted, counted, measured), PAIR)
    for plane in (found.predicted, found.measured):
        assert plane.break_even == {n: pytest.approx(n, rel=0.05) for n in (16, 32, 64, 128, 256)}
    assert (np.abs(found.predicted.table.to_numpy()) >= np.abs(found.measured.table.to_numpy())).all()


def test_no_break_even_is_a_value(scripted: Run) -> None:
    """The break-even is None if one engine needs less throughout, both need the same everywhere, or none is known."""
    found = memory_ratios(with_memory(scripted, lambda name, _: 2 if name == "forward" else 1, always(7)), PAIR)
    assert set(found.predicted.break_even.values()) == {None}
    assert set(found.measured.break_even.values()) == {None}
    unknown = memory_ratios(with_memory(scripted, always(None), always(None)), PAIR)
    assert set(unknown.predicted.break_even.values()) == {None}
    assert unknown.is_empty


def test_how_far_measured_lies_from_predicted(scripted: Run) -> None:
    """The distance is a factor in either direction, for each engine's bytes and their ratio: median and worst cell."""

    def more(engine: str, cell: Cell) -> int:
        factor = {"forward": 2, "reverse": 1 / 8}[engine]
        return int(counted(engine, cell) * (factor * 100 if cell == Cell(16, 4) and engine == "forward" else factor))

    found = memory_ratios(with_memory(scripted, counted, more), PAIR)
    assert found.apart is not None
    assert (found.apart.median, found.apart.worst) == pytest.approx((16, 1600))
    each = {name: (apart.median, apart.worst) for name, apart in found.bytes_apart.items()}
    assert each == {"forward": pytest.approx((2, 200)), "reverse": pytest.approx((8, 8))}
    assert "the ratio by a factor of 16.0 (median), 1600.0 (worst)" in apart_text(found)


@pytest.mark.parametrize(
    ("compiled", "source"),
    [((), Source.ALLOCATED), (PAIR, Source.PROGRAM), (("reverse",), None), (("forward",), None)],
)
def test_like_is_compared_with_like(scripted: Run, compiled: tuple[str, ...], source: Source | None) -> None:
    """NumPy's allocations are never divided by a compiler's statement."""
    found = memory_ratios(with_memory(scripted, counted, measured, compiled=compiled), PAIR)
    assert found.source is source
    assert found.measured.known == (25 if source else 0)
    assert found.measured.table.shape == found.predicted.table.shape == (5, 5)
    assert found.predicted.known == 25
    assert (found.apart is None) is (source is None)
    assert bool(apart_text(found)) is (source is not None)


def test_a_cell_that_one_engine_failed_in_is_not_known(scripted: Run) -> None:
    """Only that cell is unknown; the break-even comes from the others."""

    def torn(engine: str, cell: Cell) -> int | None:
        return None if engine == "reverse" and cell == Cell(64, 4) else measured(engine, cell)

    found = memory_ratios(with_memory(scripted, counted, torn), PAIR)
    assert math.isnan(_at(found.measured, Cell(64, 4)))
    assert found.measured.known == 24
    assert found.predicted.known == 25
    assert found.measured.break_even[64] == pytest.approx(64, rel=0.05)


def test_a_run_without_its_first_passes_has_no_memory(scripted: Run) -> None:
    """A line says so, also if an engine needs no memory, so that there is no ratio."""
    rounds_only = replace(scripted, observations=tuple(o for o in scripted.observations if o.round >= 0))
    assert memory_ratios(rounds_only, PAIR).is_empty
    assert memory_ratios(with_memory(scripted, always(0), lambda name, _: 5 * (name == "reverse")), PAIR).is_empty
    assert memory_ratios(scripted, ("forward", "nobody")).is_empty


def test_sizes_that_a_sweep_added_count_for_the_line_only(scripted: Run) -> None:
    """The counted cells are those of the grid."""
    refined = replace(scripted, spec=scripted.spec.model_copy(update={"outputs": [4, 16, 256, 1024]}))
    plane = memory_ratios(with_memory(refined, counted, measured), PAIR).predicted
    assert plane.known == 20
    assert list(plane.grid.index) == [4, 16, 256, 1024]
    assert plane.break_even[64] == pytest.approx(64)
