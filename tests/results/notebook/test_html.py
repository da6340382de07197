"""A run in a notebook: its measurements, the answer, the map, and failures; no loaded run raises."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase

import pytest

from fwdrev.bench import WEIGHING, Status
from fwdrev.bench.records.observation import ArmResult
from fwdrev.results import Run, crossover, load, log_ratios, timed_blocks, winners
from fwdrev.results.display import Displayed, figure_of
from fwdrev.results.text.sentences import pair_words, winner_words
from fwdrev.results.text.summary import size_text
from tests.scripted import on_disk, scripted_run, true_m
from tests.shown import Reader, shown

PAIR = ("forward", "reverse")


@pytest.fixture(scope="module")
def run() -> Run:
    """A run with noise, so that there are intervals."""
    return scripted_run(noise=0.05)


@pytest.fixture
def no_figures() -> Iterator[None]:
    """Makes figures unavailable for a while."""
    drawn = figure_of.dispatch(Displayed)
    figure_of.register(Displayed, lambda _: "")
    yield
    figure_of.register(Displayed, drawn)


def test_a_run_says_what_was_measured(run: Run) -> None:
    """The page has problem, sizes, engines, rounds, machine, date, the answer in words and a map; names add no tags."""
    html = shown(run)
    cells = Reader(html).cells
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
    assert "outputs reverse is faster, above it forward" in html
    assert html.count("<svg") == 1


def test_the_crossovers_of_a_run_are_those_of_its_ratios(run: Run) -> None:
    """Each n has its m* with interval and remarks."""
    ratios = log_ratios(run, PAIR)
    found = crossover(ratios)
    html = shown(run)
    cells = Reader(html).cells
    for n, crossing in found.in_m.items():
        assert cells[cells.index(str(n)) + 1] == size_text(crossing)
        assert crossing.size is not None
        assert crossing.size.point == pytest.approx(true_m(n), rel=0.1)
    assert f"<p>{' '.join(pair_words(ratios, found))}</p>" in html


def test_every_pair_of_a_run_has_a_column() -> None:
    """NumPy's engines and those of JAX; there is only one map."""
    html = shown(scripted_run(engines=["forward", "reverse", "jax-jvp", "jax-vjp"], inputs="64,128"))
    assert {"forward and reverse", "jax-jvp and jax-vjp"} <= set(Reader(html).cells)
    assert html.count("<svg") == 1


@pytest.mark.parametrize("passes", [(), (-1, WEIGHING)])
def test_a_run_without_values_says_so(run: Run, passes: tuple[int, ...]) -> None:
    """The run may be empty, or have only the passes before the rounds."""
    seen = tuple(
        replace(o, arms={name: replace(arm, values=()) for name, arm in o.arms.items()})
        for o in run.observations
        if o.round in passes
    )
    html = shown(replace(run, observations=seen))
    assert "Nothing was measured." in html
    assert "0 of 5" in html
    assert "<svg" not in html


def test_one_round_names_no_winner_for_sure(run: Run) -> None:
    """The table agrees with the map of winners."""
    once = replace(run, observations=tuple(o for o in run.observations if o.round <= 0))
    for sentence in winner_words(winners(timed_blocks(once))):
        number = sentence.partition(" is the fastest in ")[2].partition(" of ")[0]
        assert sentence.endswith(f"; in {number} of them it cannot be told from the next.")


def test_one_round_has_no_interval(run: Run) -> None:
    """Every place of an interval says so."""
    once = replace(run, observations=tuple(o for o in run.observations if o.round <= 0))
    found = crossover(log_ratios(once, PAIR))
    html = shown(once)
    assert "1 of 5" in html
    assert "no interval: one round" in html
    assert "no interval: one round" in shown(found)
    assert found.law is not None
    assert "no interval" in shown(found.law)
    assert "no interval" in shown(found.law.c)
    assert "95 % interval" not in shown(log_ratios(once, PAIR))


@pytest.mark.parametrize("engines", [["forward"], ["forward", "bracketed"], ["<gone>", "reverse"]])
def test_a_run_without_a_pair_names_its_engines(engines: list[str]) -> None:
    """The engines may be uninstalled; without a comparison there is no map."""
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
    """The first ten kinds have a line with the escaped reason; a failure without a known reason has one, too."""

    def arms(i: int) -> dict[str, ArmResult]:
        reason = None if i == 0 else f"reason <b>{ascii_lowercase[i]}</b>"
        return {"forward": ArmResult(status=Status.FAILED, reason=reason)}

    seen = tuple(replace(o, arms=arms(i)) for i, o in enumerate(run.observations[:12]))
    html = shown(replace(run, observations=seen, warnings=("<i>torn</i>",)))
    assert "reason &lt;b&gt;b&lt;/b&gt;" in html
    assert "no reason given" in html
    assert "<li>and 2 more</li>" in html
    assert "&lt;i&gt;torn&lt;/i&gt;" in html


def test_a_run_that_comes_from_anywhere_can_be_shown(tmp_path: Path) -> None:
    """With an unknown problem and names full of tags, nothing raises and no tag appears."""
    on_disk(tmp_path / "run", scripted_run(inputs="8,64", outputs="4,256"))
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["spec"] |= {"problem": "<s>gone</s>", "options": {"<s>": "<s>"}}
    manifest["machine"] = {"versions": {"<s>": "<s>"}, "<s>": []}
    path.write_text(json.dumps(manifest))
    html = shown(load(tmp_path / "run"))
    assert "<s>" not in html
    assert "&lt;s&gt;gone&lt;/s&gt;" in html
    assert html.count("<svg") == 1


def test_a_run_without_a_cell_of_its_grid(run: Run) -> None:
    """Cells beside the grid are mentioned, without a plane."""
    beside = run.spec.model_copy(update={"outputs": [2, 5]})
    html = shown(replace(run, spec=beside))
    assert "outputs reverse is faster, above it forward" in html
    assert "<svg" not in html


def test_rounds_of_a_refined_plane(run: Run) -> None:
    """The rounds shown are the fewest and the most of any cell."""
    first = run.spec.cells[0]
    seen = tuple(o for o in run.observations if o.cell != first or o.round < 2)
    assert "2 to 5 of 5" in shown(replace(run, observations=seen))


@pytest.mark.usefixtures("no_figures")
def test_tables_do_without_figures(run: Run) -> None:
    """The rest is shown where nothing can draw."""
    assert figure_of(run) == ""
    assert "outputs reverse is faster, above it forward" in shown(run)


def test_the_repr_of_a_run_is_one_line(run: Run) -> None:
    """The line has folder, problem, observations and engines; not the thousands of values."""
    assert repr(run) == "<Run 'scripted': driven, 24 cells, 5 rounds; forward, reverse>"
    assert repr(replace(run, observations=())) == "<Run 'scripted': driven, 0 cells, 0 rounds; forward, reverse>"
