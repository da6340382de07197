"""Records in a notebook show their content, and escape text from outside."""

import subprocess
import sys

import numpy as np
import pytest

from fwdrev.results import Estimate, LogRatios, Run, Scores, crossover, log_ratios, scores
from fwdrev.results.costs.prediction import Prediction
from fwdrev.results.display import aligned, in_words, page, table
from fwdrev.results.notebook.html import record_html
from fwdrev.results.text.summary import law_text, size_text
from tests.scripted import scripted_run
from tests.shown import Reader, shown

PAIR = ("forward", "reverse")


@pytest.fixture(scope="module")
def run() -> Run:
    """A run with noise, so that there are intervals."""
    return scripted_run(noise=0.05)


def test_helpers_escape_every_text() -> None:
    """No text becomes a tag."""
    assert in_words('<b>&"') == "<p>&lt;b&gt;&amp;&quot;</p>"
    cells = Reader(table(["<n>", 1], [("<a>", "<b>")], "<title>")).cells
    assert cells == ["<n>", "1", "<a>", "<b>"]
    assert "<a>" not in table([], [("<a>",)])
    assert page("<p>1</p>", "<p>2</p>") == "<div><p>1</p><p>2</p></div>"
    in_words("a folder \udcff").encode()


def test_a_crossover_is_two_tables_and_a_law(run: Run) -> None:
    """The tables are m* at each n and n* at each m, with intervals, or else the cheaper engine."""
    found = crossover(log_ratios(run, PAIR))
    html = shown(found)
    cells = Reader(html).cells
    assert html.count("<table>") == 2
    assert cells.count("95 % interval") == 2
    for n, crossing in found.in_m.items():
        at, size = cells.index(str(n)), crossing.size
        assert size is not None
        assert size.low is not None
        assert size.high is not None
        assert cells[at + 1 : at + 4] == [f"{size.point:.3g}", f"{size.low:.3g} … {size.high:.3g}", "reverse"]
    none = [m for m, crossing in found.in_n.items() if crossing.size is None]
    assert none
    assert cells.count("none in range") == len(none)
    assert "law: m* = " in html
    alone = crossover(log_ratios(scripted_run(inputs="64", rounds=1), PAIR))
    assert "law: none, fewer than two crossovers in range" in shown(alone)


def test_the_level_of_a_crossover_is_shown(run: Run) -> None:
    """The level is the requested one."""
    html = shown(crossover(log_ratios(run, PAIR), level=0.9))
    assert "90 % interval" in html
    assert "95 %" not in html


def test_a_crossing_an_estimate_and_a_law_are_a_line(run: Run) -> None:
    """Each has its numbers."""
    found = crossover(log_ratios(run, PAIR))
    crossing = found.in_m[64]
    assert shown(crossing) == f"<p>break-even at {size_text(crossing)}; reverse is cheaper below</p>"
    assert found.law is not None
    assert shown(found.law) == f"<p>{law_text(found.law)}</p>"
    assert shown(Estimate(point=12.34, low=10.0, high=15.0)) == "<p>12.3 (95 % interval 10 … 15)</p>"
    assert shown(Estimate(point=12.34, low=None, high=None)) == "<p>12.3 (no interval)</p>"


def test_scores_are_a_table(run: Run) -> None:
    """Each rule has a row, the best first; one score alone is a row. The list is still a list."""
    found = scores(log_ratios(run, PAIR))
    cells = Reader(shown(found)).cells
    assert isinstance(found, list)
    assert len(cells) == 7 * (1 + len(found))
    for i, score in enumerate(found, start=1):
        row = cells[7 * i : 7 * i + 7]
        assert row[:3] == [score.rule.name, score.rule.when, f"{score.right} of {score.decided}"]
        assert row[3:5] == [f"{score.mean_slowdown:.2f}", f"{score.worst_slowdown:.3g}"]
    assert shown(found[0]) == shown(Scores(found[:1]))
    assert "n &lt; m" in shown(found)


def test_a_prediction_is_a_table_and_a_sentence(run: Run) -> None:
    """The table has measured beside predicted values, or says that there is no prediction."""
    points = {64: (50.0, 60.0), 128: (None, 70.0)}
    found = Prediction(pair=PAIR, ratios=log_ratios(run, PAIR), crossovers=points, right=3, decided=4)
    html = shown(found)
    assert Reader(html).cells[3:] == ["64", "50", "60", "128", "none in range", "70"]
    assert "m* is off by 20% in the median" in html


def test_ratios_of_nothing_say_so(run: Run) -> None:
    """Without columns or numbers there is no map. Names are escaped."""
    ratios = log_ratios(run, PAIR)
    for nothing in (ratios.table.iloc[:, :0], ratios.table * np.nan):
        html = shown(LogRatios(pair=("<a>", "<b>"), table=nothing, outputs=ratios.outputs))
        assert html == "<div><p>&lt;a&gt; and &lt;b&gt;: no cell in which both are known</p></div>"


def test_anything_else_is_its_repr() -> None:
    """The text is escaped too."""
    assert record_html("<b>") == "<p>&#x27;&lt;b&gt;&#x27;</p>"


def test_records_are_shown_without_loading_what_is_heavy() -> None:
    """The base class of records and the hook for figures need the standard library only."""
    program = "import sys, fwdrev.results.display; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "fwdrev.results.display" in done.stdout.split()
    assert not {"numpy", "pandas", "matplotlib", "scipy", "jax"} & set(done.stdout.split())


def test_columns_are_aligned() -> None:
    """Columns are two spaces apart, without trailing spaces; numbers are right-aligned on request."""
    rows = [("a", "1"), ("bcd", "")]
    assert aligned(rows) == ["a    1", "bcd"]
    assert aligned([("a", "1"), ("b", "100")], "<>") == ["a    1", "b  100"]
    assert aligned([]) == []
