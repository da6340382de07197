"""Inline figures: one element that disturbs nothing else on its page, and holds the numbers of the map."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from fwdrev.plots import inline_svg, lay_out_map, svg_text
from fwdrev.plots.core.plane import factor_text
from fwdrev.plots.core.style import styled
from fwdrev.results import LogRatios, Run, crossover, log_count_ratios, log_ratios
from tests.scripted import always, scripted_run, with_memory

PAIR = ("forward", "reverse")


@pytest.fixture(scope="module")
def run() -> Run:
    """A small run with noise."""
    return scripted_run(noise=0.05, inputs="64,256", outputs="4,64,1024")


def parsed(svg: str) -> ET.Element:
    """The one element."""
    assert svg.startswith("<svg")
    return ET.fromstring(svg)  # noqa: S314 - our own figure


def texts(svg: str) -> list[str]:
    """All its texts."""
    return [node.text or "" for node in parsed(svg).iter() if node.tag.endswith("}text")]


def ids(svg: str) -> set[str]:
    """The id of every element."""
    return {node.attrib["id"] for node in parsed(svg).iter() if "id" in node.attrib}


def test_the_map_of_a_run_has_its_numbers(run: Run) -> None:
    """The map has each cell's factor, both engines, and the meaning of the lines."""
    written = texts(inline_svg(run))
    cells = lay_out_map(log_ratios(run, PAIR), log_count_ratios(run, PAIR)).advantage
    assert set(written) >= {factor_text(float(value)) for value in np.ravel(cells)}
    assert "Which is faster: forward or reverse?" in written
    assert "measured crossover, 95 % interval" in written


def test_equal_counts_are_drawn_where_they_are_known(run: Run) -> None:
    """The map of a run knows them; ratios alone do not."""
    counted = with_memory(run, always(1), always(1))  # as many operations everywhere
    assert log_count_ratios(counted, PAIR).table.size
    assert "equal operation counts" in texts(inline_svg(counted))
    assert "equal operation counts" not in texts(inline_svg(log_ratios(counted, PAIR)))


def test_ratios_do_not_say_that_they_were_measured(run: Run) -> None:
    """Ratios may be predictions; an interval is mentioned only where there is one."""
    ratios = log_ratios(run, PAIR)
    assert crossover(ratios).in_m[64].size is not None
    assert "crossover, 95 % interval" in texts(inline_svg(ratios))
    once = LogRatios(pair=PAIR, table=ratios.table.iloc[:1], outputs=ratios.outputs)
    assert "crossover" in texts(inline_svg(once))


def test_no_two_figures_of_a_page_share_an_id(run: Run) -> None:
    """Even a repeated figure gets its own, since the other one may be hidden."""
    once, twice = inline_svg(run), inline_svg(run)
    assert ids(once)
    assert not ids(once) & ids(twice)


def test_every_reference_leads_somewhere(run: Run) -> None:
    """Clip paths and markers lie in the figure itself."""
    svg = inline_svg(run)
    found = set(re.findall(r'(?:href="|url\()#([^")]*)', svg))
    assert len(found) > 1
    assert found <= ids(svg)


def test_a_figure_fits_into_a_page(run: Run) -> None:
    """A figure is as wide as the page, up to its natural width, on white, without a prologue or style for others."""
    svg = inline_svg(run)
    root = parsed(svg)
    assert root.attrib["style"] == "width:100%;max-width:7.6in;height:auto;background:white"
    assert root.attrib["viewBox"] == "0 0 547.2 432"
    assert not {"width", "height"} & root.attrib.keys()
    assert "<?xml" not in svg
    assert "<!DOCTYPE" not in svg
    assert "<metadata" not in svg
    assert re.findall(r"<style[^>]*>([^{]*)\{", svg) == [f"#{root.attrib['id']} *"]


def test_text_stays_text(run: Run) -> None:
    """Names from outside are escaped, and never read as markup or mathematics, nor cause warnings."""
    name = '<script> id="x" url(#x) $x^2$ \u4e2d'
    ratios = replace(log_ratios(run, PAIR), pair=(name, "reverse"))
    svg = inline_svg(ratios)
    assert "<script" not in svg
    assert f"Which is faster: {name} or reverse?" in texts(svg)
    assert name in parsed(svg).attrib["aria-label"]


def test_the_smallest_planes() -> None:
    """One cell or one round can be drawn."""
    for made in (scripted_run(inputs="8", outputs="8"), scripted_run(rounds=1, inputs="8,64", outputs="4,256")):
        assert parsed(inline_svg(made)).tag.endswith("svg")
        assert parsed(inline_svg(log_ratios(made, PAIR))).tag.endswith("svg")


def test_what_has_no_figure(run: Run) -> None:
    """An empty run, ratios of nothing or only beside the grid, and foreign objects have none."""
    ratios = log_ratios(run, PAIR)
    assert inline_svg(replace(ratios, outputs=(5,))) == ""
    for table in (ratios.table.iloc[:, :0], ratios.table * np.nan):
        assert inline_svg(LogRatios(pair=PAIR, table=table, outputs=ratios.outputs)) == ""
    assert inline_svg(replace(run, observations=())) == ""
    assert inline_svg(crossover(ratios)) == ""
    assert inline_svg("text") == ""


def test_a_pair_that_shares_no_cell_is_passed_over(run: Run) -> None:
    """The next pair is drawn, or none."""
    seen = tuple(
        replace(o, arms={name: arm for name, arm in o.arms.items() if (name == "forward") == (o.cell.n == 64)})
        for o in run.observations
    )
    assert inline_svg(replace(run, observations=seen)) == ""


def test_any_figure_can_be_inline() -> None:
    """The figure may be the user's own."""
    with styled():
        figure = Figure(figsize=(3, 2))
        figure.subplots().plot([1, 2], label="a")
        root = parsed(svg_text(figure, "a < b"))
    assert root.attrib["aria-label"] == "a < b"
    assert "max-width:3in" in root.attrib["style"]
