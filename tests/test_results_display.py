"""Records in a notebook: what is shown is what they hold, and what comes from outside is escaped."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fwdrev.bench import WEIGHING, Status
from fwdrev.bench.cell import ArmResult
from fwdrev.results import Estimate, LogRatios, Run, Scores, create, crossover, load, log_ratios, scores, winners
from fwdrev.results.blocks import timed_blocks
from fwdrev.results.display import Displayed, draw_with, figure_of, in_words, page, table
from fwdrev.results.prediction import Prediction
from fwdrev.results.record_html import html_of
from fwdrev.results.summary import law_text, size_text
from tests.scripted import scripted_run, true_m

PAIR = ("forward", "reverse")


@pytest.fixture(scope="module")
def run() -> Run:
    """With noise, so that there are intervals."""
    return scripted_run(noise=0.05)


@pytest.fixture
def no_figures() -> Iterator[None]:
    """Nobody can draw; afterwards the front door can again."""
    from fwdrev import _drawn  # type: ignore[attr-defined]

    draw_with(lambda _: "")
    yield
    draw_with(_drawn)


class _Reader(HTMLParser):
    """Checks that tags are closed in order, and keeps the text of each cell."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.open.append(tag)
        if tag in {"td", "th"}:
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Opened and closed."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in {"td", "th"}:
            self.cells[-1] += data


def shown(record: Displayed) -> str:
    """Its HTML, which is well formed."""
    html = record._repr_html_()
    _Reader(html)
    return html


def test_helpers_escape_every_text() -> None:
    """Whatever is a text is no tag."""
    assert in_words('<b>&"') == "<p>&lt;b&gt;&amp;&quot;</p>"
    cells = _Reader(table(["<n>", 1], [("<a>", "<b>")], "<title>")).cells
    assert cells == ["<n>", "1", "<a>", "<b>"]
    assert "<a>" not in table([], [("<a>",)])
    assert page("<p>1</p>", "<p>2</p>") == "<div><p>1</p><p>2</p></div>"
    in_words("a folder \udcff").encode()


def test_a_run_says_what_was_measured(run: Run) -> None:
    """Problem, sizes, engines, rounds, machine, date, the answer in words, a map; nothing from outside is a tag."""
    html = shown(run)
    cells = _Reader(html).cells
    facts = dict(zip(cells[:18:2], cells[1:18:2], strict=True))
    assert facts == {
        "problem": "driven",
        "Jacobian": "with respect to theta, float64",
        "inputs n": "64, 128, 256, 512",
        "outputs m": "1, 4, 16, 64, 256, 1024",
        "engines": "forward, reverse",
        "rounds": "5 of 5",
        "machine": "a <script>machine</script>, 1 thread",
        "versions": "numpy 2",
        "date": "2026-01-01",
    }
    assert "<script" not in html
    assert "with fewer outputs reverse is cheaper" in html
    assert html.count("<svg") == 1


def test_the_crossovers_of_a_run_are_those_of_its_ratios(run: Run) -> None:
    """Each m* with its interval, beside its n, and the law."""
    found = crossover(log_ratios(run, PAIR))
    html, cells = shown(run), _Reader(shown(run)).cells
    for n, crossing in found.in_m.items():
        assert cells[cells.index(str(n)) + 1] == size_text(crossing)
        assert crossing.size is not None
        assert crossing.size.point == pytest.approx(true_m(n), rel=0.1)
    assert found.law is not None
    assert law_text(found.law) in html


def test_every_pair_of_a_run_has_a_column() -> None:
    """NumPy's engines beside those of JAX; one map only."""
    html = shown(scripted_run(engines=["forward", "reverse", "jax-jvp", "jax-vjp"], inputs="64,128"))
    assert {"forward and reverse", "jax-jvp and jax-vjp"} <= set(_Reader(html).cells)
    assert html.count("<svg") == 1


@pytest.mark.parametrize("passes", [(), (-1, WEIGHING)])
def test_a_run_without_values_says_so(run: Run, passes: tuple[int, ...]) -> None:
    """Nothing was measured, or nothing but the passes before the rounds."""
    seen = tuple(
        replace(o, arms={name: replace(arm, values=()) for name, arm in o.arms.items()})
        for o in run.observations
        if o.round in passes
    )
    html = shown(replace(run, observations=seen))
    assert "Nothing was measured." in html
    assert "0 of 5" in html
    assert "<svg" not in html


def test_one_round_has_no_interval(run: Run) -> None:
    """It is said, wherever an interval would stand."""
    once = replace(run, observations=tuple(o for o in run.observations if o.round <= 0))
    found = crossover(log_ratios(once, PAIR))
    assert "1 of 5" in shown(once)
    assert "no interval: one round" in shown(once)
    assert "no interval: one round" in shown(found)
    assert found.law is not None
    assert "no interval" in shown(found.law)
    assert "no interval" in shown(found.law.c)
    assert "95 % interval" not in shown(log_ratios(once, PAIR))


@pytest.mark.parametrize("engines", [["forward"], ["forward", "bracketed"], ["<gone>", "reverse"]])
def test_a_run_without_a_pair_names_its_engines(engines: list[str]) -> None:
    """Installed or not; no map is drawn of what cannot be compared."""
    html = shown(_loaded_with(engines))
    assert "No cell has times of a forward and of a reverse engine of one library" in html
    assert "<gone>" not in html
    assert "<svg" not in html


def _loaded_with(engines: list[str]) -> Run:
    """A run whose engines have these names."""
    made = scripted_run(inputs="8,64", outputs="4,256", engines=["forward", "reverse"][: len(engines)])
    names = dict(zip(made.spec.engines, engines, strict=True))
    seen = tuple(replace(o, arms={names[name]: arm for name, arm in o.arms.items()}) for o in made.observations)
    return replace(made, spec=made.spec.model_copy(update={"engines": engines}), observations=seen)


def test_failures_and_warnings_are_listed(run: Run) -> None:
    """With their reasons, escaped, the first ten of them; also a failure for which no reason is known."""

    def arms(i: int) -> dict[str, ArmResult]:
        reason = None if i == 0 else f"reason <b>{i}</b>"
        return {"forward": ArmResult(status=Status.FAILED, reason=reason)}

    seen = tuple(replace(o, arms=arms(i)) for i, o in enumerate(run.observations[:12]))
    html = shown(replace(run, observations=seen, warnings=("<i>torn</i>",)))
    assert "reason &lt;b&gt;1&lt;/b&gt;" in html
    assert "no reason given" in html
    assert "<li>and 2 more</li>" in html
    assert "&lt;i&gt;torn&lt;/i&gt;" in html


def test_a_run_that_comes_from_anywhere_can_be_shown(tmp_path: Path) -> None:
    """With an unknown problem and names full of tags: nothing raises, nothing is a tag."""
    made = scripted_run(inputs="8,64", outputs="4,256")
    with create(tmp_path / "run", made.spec, dict(made.machine)) as journal:
        for observation in made.observations:
            journal.append(observation)
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["spec"] |= {"problem": "<s>gone</s>", "options": {"<s>": "<s>"}}
    manifest["machine"] = {"versions": {"<s>": "<s>"}, "<s>": []}
    path.write_text(json.dumps(manifest))
    html = shown(load(tmp_path / "run"))
    assert "<s>" not in html
    assert "&lt;s&gt;gone&lt;/s&gt;" in html
    assert html.count("<svg") == 1


def test_rounds_of_a_refined_plane(run: Run) -> None:
    """The fewest and the most that a cell has."""
    first = run.spec.cells[0]
    seen = tuple(o for o in run.observations if o.cell != first or o.round < 2)
    assert "2 to 5 of 5" in shown(replace(run, observations=seen))


def test_a_crossover_is_two_tables_and_a_law(run: Run) -> None:
    """m* at each n, n* at each m, with intervals; where there is none, it is said who is cheaper."""
    found = crossover(log_ratios(run, PAIR))
    html = shown(found)
    cells = _Reader(html).cells
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
    """As it was asked for."""
    html = shown(crossover(log_ratios(run, PAIR), level=0.9))
    assert "90 % interval" in html
    assert "95 %" not in html


def test_a_crossing_an_estimate_and_a_law_are_a_line(run: Run) -> None:
    """Each with its numbers."""
    found = crossover(log_ratios(run, PAIR))
    crossing = found.in_m[64]
    assert shown(crossing) == f"<p>break-even at {size_text(crossing)}; reverse is cheaper below</p>"
    assert found.law is not None
    assert shown(found.law) == f"<p>{law_text(found.law)}</p>"
    assert shown(Estimate(point=12.34, low=10.0, high=15.0)) == "<p>12.3 (95 % interval 10 … 15)</p>"
    assert shown(Estimate(point=12.34, low=None, high=None)) == "<p>12.3 (no interval)</p>"


def test_scores_are_a_table(run: Run) -> None:
    """One row for each rule, the best first; one score alone is a row of it. The list is still a list."""
    found = scores(log_ratios(run, PAIR))
    cells = _Reader(shown(found)).cells
    assert isinstance(found, list)
    assert len(cells) == 7 * (1 + len(found))
    for i, score in enumerate(found, start=1):
        row = cells[7 * i : 7 * i + 7]
        assert row[:3] == [score.rule.name, score.rule.when, f"{score.right} of {score.decided}"]
        assert row[3:5] == [f"{score.mean_slowdown:.2f}", f"{score.worst_slowdown:.3g}"]
    assert shown(found[0]) == shown(Scores(found[:1]))
    assert "n &lt; m" in shown(found)


def test_a_prediction_is_a_table_and_a_sentence(run: Run) -> None:
    """Measured beside predicted; where there is none, it is said."""
    points = {64: (50.0, 60.0), 128: (None, 70.0)}
    found = Prediction(pair=PAIR, ratios=log_ratios(run, PAIR), crossovers=points, right=3, decided=4)
    html = shown(found)
    assert _Reader(html).cells[3:] == ["64", "50", "60", "128", "none in range", "70"]
    assert "m* is off by 20% in the median" in html


def test_ratios_of_nothing_say_so(run: Run) -> None:
    """No column, or no number in any: no map. Names are escaped."""
    ratios = log_ratios(run, PAIR)
    for nothing in (ratios.table.iloc[:, :0], ratios.table * np.nan):
        html = shown(LogRatios(pair=("<a>", "<b>"), table=nothing, outputs=ratios.outputs))
        assert html == "<div><p>&lt;a&gt; and &lt;b&gt;: no cell in which both are known</p></div>"


@pytest.mark.usefixtures("no_figures")
def test_tables_do_without_figures(run: Run) -> None:
    """Where nobody can draw, the rest is shown."""
    assert figure_of(run) == ""
    assert "with fewer outputs reverse is cheaper" in shown(run)


def test_anything_else_is_its_repr() -> None:
    """Escaped too."""
    assert html_of("<b>") == "<p>&#x27;&lt;b&gt;&#x27;</p>"


def test_the_repr_of_a_run_is_one_line(run: Run) -> None:
    """Folder, problem, what was seen, engines; not the values, of which there are thousands."""
    assert repr(run) == "<Run 'scripted': driven, 24 cells, 5 rounds; forward, reverse>"
    assert repr(replace(run, observations=())) == "<Run 'scripted': driven, 0 cells, 0 rounds; forward, reverse>"


def test_tables_of_pandas_stay_so(run: Run) -> None:
    """Winners are a frame, which has HTML of its own."""
    table_of_winners = winners(timed_blocks(run))
    assert isinstance(table_of_winners, pd.DataFrame)
    assert re.search("<table", table_of_winners.to_html())


def test_records_are_shown_without_loading_what_is_heavy() -> None:
    """The module that every record inherits from, and the hook for figures, need the standard library only."""
    program = "import sys, fwdrev.results.display; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "fwdrev.results.display" in done.stdout.split()
    assert not {"numpy", "pandas", "matplotlib", "scipy", "jax"} & set(done.stdout.split())
