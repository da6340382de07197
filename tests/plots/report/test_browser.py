"""The report in a browser: of a run of the command, and of one whose names are meant to do harm."""

import dataclasses
import math
import re
import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from fwdrev.bench import Cell, Observation
from fwdrev.plots.report.page import _asset, _own, report_data, report_page
from fwdrev.plots.report.server import serve
from fwdrev.results import Run, load, log_ratios, times
from tests.browser import SCREENSHOTS, Opened, centre, chromium, drawn, opened
from tests.command import fwdrev
from tests.doubles.instant import instant
from tests.doubles.workers_here import workers_here
from tests.scripted import always, on_disk, scripted_run, with_memory

SIZES = {"n": [4, 16, 64], "m": [2, 8, 32]}
UNITS = {"ns": 1e-9, "µs": 1e-6, "ms": 1e-3, "s": 1.0}
HARMFUL = """<b>&lt;</b><script>alert("one")</script>'"&"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests."""
    with chromium() as found:
        yield found


@pytest.fixture(scope="module", params=["scripted", pytest.param("measured", marks=pytest.mark.long)])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of the command, with costs: a real one, or one without its clocks."""
    folder = tmp_path_factory.mktemp("runs")
    sizes = ["--inputs", "4,16,64", "--outputs", "2,8,32"]
    engines = ["--engines", "forward,reverse,bracketed,jax-vjp", "--rounds", "3", "--blocks", "4"]
    command = ["sweep", *sizes, *engines, "--out", str(folder / "run")]
    if request.param == "measured":
        with workers_here():
            assert fwdrev(*command).returncode == 0
        return load(folder / "run")
    with instant():
        assert fwdrev(*command).returncode == 0
    return load(on_disk(folder / "costs", with_memory(load(folder / "run"), always(64), always(2048))))


@pytest.fixture(scope="module")
def report(run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of its report."""
    return written(tmp_path_factory.mktemp("report"), run)


@pytest.fixture(scope="module")
def loaded(browser: Browser, report: str) -> Iterator[Opened]:
    """The report, loaded once: most of a new page's time goes into the library that draws."""
    with opened(browser, report) as found:
        assert found.complaints == []
        yield found


@pytest.fixture
def shown(loaded: Opened, run: Run) -> Opened:
    """The report as it was loaded."""
    return again(loaded, run)


def again(found: Opened, *runs: Run, width: int = 1280, height: int = 1200, scheme: Any = "light") -> Opened:
    """Starts the page anew with the report of these runs, but without loading the library again."""
    found.page.emulate_media(media="screen", color_scheme=scheme)
    found.page.set_viewport_size({"width": width, "height": height})
    found.page.mouse.move(0, 0)
    found.page.evaluate(RENEW, [_asset("body.html"), report_data(runs)])
    found.complaints.clear()
    found.page.evaluate(_own())
    drawn(found.page)
    return found


RENEW = """([body, data]) => {
    document.querySelectorAll("body > :not(script)").forEach((each) => each.remove());
    document.body.insertAdjacentHTML("afterbegin", body);
    document.getElementById("data").textContent = data;
    scrollTo(0, 0);
}"""


def written(folder: Path, *runs: Run) -> str:
    """Writes the report of these runs and returns its address."""
    path = folder / "report.html"
    path.write_text(report_page(runs), encoding="utf-8")
    return path.as_uri()


def seconds_in(text: str) -> list[float]:
    """Every time in a text, in seconds."""
    return [float(value) * UNITS[unit] for value, unit in re.findall(r"([\d.]+) (ns|µs|ms|s)\b", text)]


def row_of(page: Page, n: int, m: int) -> list[str]:
    """The table's row of a cell."""
    rows = [row.locator("td").all_inner_texts() for row in page.locator("#cells tbody tr").all()]
    return next(row for row in rows if row[:2] == [str(n), str(m)])


def test_nothing_is_asked_for_and_nothing_is_wrong(shown: Opened, report: str) -> None:
    """Whatever the user selects, the console stays empty and no request leaves the page."""
    for select in ("view", "metric", "axes", "range", "one", "other"):
        values = shown.page.locator(f"#{select} option").evaluate_all("each => each.map(option => option.value)")
        if not shown.page.locator(f"#{select}").is_visible():
            continue
        for value in values:
            shown.page.select_option(f"#{select}", value)
        shown.page.select_option(f"#{select}", values[0])
    assert shown.complaints == []
    assert shown.requests == [report]
    assert "hare" not in " ".join(shown.page.locator(".modebar-btn").evaluate_all("each => each.map(b => b.outerHTML)"))


def test_a_hint_of_the_pointer_shows_the_numbers_of_the_table(shown: Opened, run: Run) -> None:
    """The hint shows the run's times with intervals; the table's row has the ratio and its interval."""
    table = times(run).set_index(["n", "m", "engine"])
    for n, m in product(SIZES["n"], SIZES["m"]):
        shown.page.mouse.move(*centre(shown.page, n, m))
        label = shown.page.locator("#map .hoverlayer .hovertext")
        label.filter(has_text=f"n = {n}, m = {m}").wait_for()
        text = label.text_content() or ""
        row = row_of(shown.page, n, m)
        for part in (row[3].removesuffix(" ×"), row[5], row[6], row[7], row[8]):
            assert part in text
        assert row[2] in text
        if "cannot be told apart" not in text:
            assert row[4] in text
        expected = [table.loc[(n, m, name), key] for name in ("forward", "reverse") for key in ("point", "low", "high")]
        assert seconds_in(text) == pytest.approx(expected, rel=0.01)


def test_a_click_shows_every_value(shown: Opened, run: Run) -> None:
    """All timed blocks of the cell appear, engine by engine and round by round."""
    shown.page.mouse.click(*centre(shown.page, 16, 8))
    assert shown.page.inner_text("#detail h2") == "n = 16, m = 8"
    shown.page.click("summary")
    rows = [row.locator("td").all_inner_texts() for row in shown.page.locator("#values tbody tr").all()]
    there = [o for o in run.observations if (o.cell.n, o.cell.m) == (16, 8) and o.round >= 0]
    assert len(rows) == len(run.spec.engines) * len(there) == 12
    for engine, number, values in rows:
        arm = next(o.arms[engine] for o in there if o.round == int(number) - 1)
        assert seconds_in(values) == pytest.approx(arm.values, rel=0.01)


def test_the_choice_of_engines_changes_the_map(shown: Opened, run: Run) -> None:
    """Colours are the logarithms of that pair's ratios, and change sign with the order of the pair."""
    for pair in (("forward", "reverse"), ("jax-vjp", "reverse"), ("reverse", "jax-vjp")):
        shown.page.select_option("#one", pair[0])
        shown.page.select_option("#other", pair[1])
        drawn = shown.page.evaluate("document.querySelector('#map').data[0].z")
        mean = -log_ratios(run, pair).grid.mean() / math.log(2)
        expected = [[mean[n, m] for n in SIZES["n"]] for m in SIZES["m"]]
        for row, known in zip(drawn, expected, strict=True):
            assert row == pytest.approx(known, rel=1e-5, abs=1e-6)
        assert shown.page.inner_text("#map-title") == f"{pair[0]} or {pair[1]}: which is faster?"


def test_the_keyboard_is_enough(shown: Opened) -> None:
    """Arrows move between cells of the map; Enter selects a row of the table."""
    shown.page.mouse.click(*centre(shown.page, 4, 2))
    shown.page.focus("#map")
    for key in ("ArrowRight", "ArrowUp", "ArrowUp", "ArrowUp", "ArrowLeft", "ArrowDown"):
        shown.page.keyboard.press(key)
    assert shown.page.inner_text("#detail h2") == "n = 4, m = 8"
    shown.page.locator("#cells tbody tr").last.focus()
    shown.page.keyboard.press("Enter")
    assert shown.page.inner_text("#detail h2") == "n = 64, m = 32"


def test_the_table_sorts_and_filters(shown: Opened) -> None:
    """A click on a head sorts, a second one reverses; filters take sizes and the better engine."""
    page = shown.page

    def column(i: int) -> list[str]:
        return page.locator(f"#cells tbody tr td:nth-child({i})").all_inner_texts()

    page.click("#cells th:nth-child(2) button")
    assert column(2) == ["2"] * 3 + ["8"] * 3 + ["32"] * 3
    page.click("#cells th:nth-child(2) button")
    assert column(2) == ["32"] * 3 + ["8"] * 3 + ["2"] * 3
    assert page.get_attribute("#cells th:nth-child(2)", "aria-sort") == "descending"
    page.fill("#n-low", "16")
    page.fill("#m-high", "8")
    assert len(column(1)) == 4
    page.select_option("#best", "forward")
    assert set(column(3)) <= {"forward"}
    page.fill("#n-low", "1000")
    assert page.inner_text("#shown") == "no cell is like that"


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        ("wide", 1280, "light"),
        ("phone", 390, "dark"),
        pytest.param("wide", 1280, "dark", marks=pytest.mark.long),
        pytest.param("phone", 390, "light", marks=pytest.mark.long),
    ],
)
def test_it_can_be_read(loaded: Opened, run: Run, name: str, width: int, scheme: str) -> None:
    """On a phone and in the dark, nothing overflows, no print is small, and contrast suffices (WCAG AA)."""
    found = again(loaded, run, width=width, height=844, scheme=scheme)
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    faint = found.page.evaluate(FAINT)
    assert faint == []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    found.page.screenshot(path=SCREENSHOTS / f"report-{name}-{scheme}.png", full_page=True)
    found.page.select_option("#view", "fastest")
    found.page.screenshot(path=SCREENSHOTS / f"report-{name}-{scheme}-best.png")


FAINT = """() => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
        .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const ground = (each) => {
        for (let at = each; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour.length < 4 || colour[3] > 0) return colour;
        }
        return [255, 255, 255];
    };
    const faint = [];
    const texts = "h1, h2, h3, p, li, label, th, td, select, button, summary, pre, span";
    for (const each of document.querySelectorAll(texts)) {
        if (!each.textContent.trim() || !each.checkVisibility() || each.closest("svg") || each.disabled) continue;
        const style = getComputedStyle(each);
        const [a, b] = [light(rgb(style.color)), light(ground(each))].sort((p, q) => q - p);
        if ((a + 0.05) / (b + 0.05) < 4.5 || parseFloat(style.fontSize) < 11) faint.push(each.outerHTML.slice(0, 80));
    }
    return faint;
}"""


def test_it_can_be_printed(shown: Opened) -> None:
    """Print has no controls and is light, whatever the screen."""
    shown.page.emulate_media(media="print")
    assert not shown.page.locator("#controls").is_visible()
    assert shown.page.locator("#words li").first.is_visible()
    assert shown.page.pdf()[:4] == b"%PDF"


def test_what_comes_from_outside_is_text(browser: Browser, tmp_path: Path) -> None:
    """Names of engines, problems, machines, runs and reasons appear literally, and nothing in them runs."""
    with opened(browser, written(tmp_path, harmful())) as found:
        page = found.page
        assert page.locator("#one").input_value() == f"forward{HARMFUL}"
        assert HARMFUL in page.inner_text("#what")
        assert HARMFUL in page.inner_text("#map-title")
        assert HARMFUL in page.inner_text("#failures")
        assert HARMFUL in page.inner_text("#cells")
        assert HARMFUL in page.inner_text("#detail")
        page.mouse.move(*centre(page, 64, 16))
        page.locator("#map .hoverlayer .hovertext").wait_for()
        assert HARMFUL in (page.locator("#map .hoverlayer").text_content() or "")
        assert HARMFUL in (page.locator("#raw .legend").text_content() or "")
        assert page.evaluate("document.scripts.length") == 3
        assert page.locator("body script:not(:nth-last-of-type(-n+3)), img, iframe, object").count() == 0
        assert found.dialogs == found.complaints == []


def harmful() -> Run:
    """A run whose every name is a script."""
    run = scripted_run()
    names = {name: name + HARMFUL for name in run.spec.engines}
    spec = run.spec.model_copy(
        update={"engines": list(names.values()), "problem": HARMFUL, "options": {HARMFUL: HARMFUL}}
    )
    observations = tuple(
        dataclasses.replace(o, arms={names[name]: arm for name, arm in o.arms.items()}) for o in run.observations
    )
    machine = {"cpu_model_name": HARMFUL, "versions": {HARMFUL: HARMFUL, "numpy": HARMFUL}}
    return dataclasses.replace(
        run, folder=Path(HARMFUL), spec=spec, observations=observations, machine=machine, warnings=(HARMFUL,)
    )


def test_several_runs_can_be_looked_at(loaded: Opened) -> None:
    """The user selects one by name or by wrt; the other's crossover is drawn with it."""
    one, other = scripted_run(noise=0.01), scripted_run(noise=0.01, seed=1)
    third = scripted_run(noise=0.01, wrt="x", inputs="64:256:*2")
    folders = [dataclasses.replace(run, folder=Path(name)) for run, name in ((one, "a"), (other, "b"), (third, "c"))]
    found = again(loaded, *folders)
    drawn = found.page.evaluate("document.querySelector('#map').data.map(trace => trace.name || '')")
    assert sum(name.startswith("crossover of b") for name in drawn) == 1
    assert not any(name.startswith("crossover of c") for name in drawn)
    assert "In b" in found.page.inner_text("#detail")
    found.page.select_option("#wrt", "x")
    assert found.page.locator("#run").input_value() == "2"
    assert found.page.evaluate("document.querySelector('#map').data[0].z[0].length") == 3


def test_what_is_not_known_comes_last(loaded: Opened) -> None:
    """Such cells end the table, sorted up or down; the first cell shown has both times."""
    run = scripted_run(inputs="8,64", outputs="4,256")
    seen = tuple(
        dataclasses.replace(o, arms={k: v for k, v in o.arms.items() if o.cell.n == 64 or k == "reverse"})
        for o in run.observations
    )
    found = again(loaded, dataclasses.replace(run, observations=seen))
    assert found.page.inner_text("#detail h2").startswith("n = 64")
    for _ in ("up", "down"):
        found.page.click("#cells th:nth-child(4) button")
        column = found.page.locator("#cells tbody tr td:nth-child(4)").all_inner_texts()
        assert [text == "–" for text in column] == [False, False, True, True]


@pytest.mark.parametrize(("rounds", "told"), [(1, False), (2, True)])
def test_one_round_decides_nothing(loaded: Opened, rounds: int, *, told: bool) -> None:
    """For the best of all engines, as in the figure, every cell is pale and names two."""
    found = again(loaded, scripted_run(inputs="8,64", outputs="4,256", rounds=rounds))
    found.page.select_option("#view", "fastest")
    texts = found.page.evaluate("document.querySelector('#map').data[0].text.flat()")
    assert ["≈" not in text for text in texts] == 4 * [told]


def test_numbers_have_no_exponents(loaded: Opened) -> None:
    """Numbers just below a thousand have none either; an unknown processor is reported as such."""
    run = dataclasses.replace(scripted_run(inputs="8,64", outputs="4,256"), machine={})
    times = {"forward": 999.7e-6, "reverse": 1e-6}
    seen = tuple(
        dataclasses.replace(
            o, arms={k: dataclasses.replace(a, values=tuple(times[k] for _ in a.values)) for k, a in o.arms.items()}
        )
        for o in run.observations
    )
    found = again(loaded, dataclasses.replace(run, observations=seen))
    assert "1000 µs" in found.page.inner_text("#detail")
    assert "reverse is 1000 times faster than forward" in found.page.inner_text("#detail")
    assert "; unknown processor; " in found.page.inner_text("#what")


def test_one_engine_alone_is_shown_as_what_it_is(loaded: Opened) -> None:
    """Without a pair, the page opens on the best of all engines, and offers nothing else."""
    found = again(loaded, scripted_run(engines=["forward"], noise=0.01))
    assert found.page.locator("#view").input_value() == "fastest"
    assert found.page.locator("#view").is_disabled()
    assert "only forward was measured" in found.page.inner_text("#detail")
    assert not found.page.locator("#other").is_visible()
    assert found.complaints == []


def test_a_refined_cell_can_be_reached(loaded: Opened) -> None:
    """Cells between the lines of the grid are drawn, and the keyboard reaches them."""
    run = scripted_run(noise=0.01, outputs="1:64:*64", precision=0.5)
    between = dataclasses.replace(run, observations=tuple(_moved(run)))
    found = again(loaded, between)
    found.page.mouse.click(*centre(found.page, 64, 1))
    found.page.focus("#map")
    found.page.keyboard.press("ArrowUp")
    assert found.page.inner_text("#detail h2") == "n = 64, m = 8"
    assert found.page.evaluate("document.querySelector('#map').layout.shapes.length") == 1
    found.page.keyboard.press("ArrowUp")
    assert found.page.inner_text("#detail h2") == "n = 64, m = 64"


def _moved(run: Run) -> Iterator[Observation]:
    """The observations, and those of m = 1 once more at m = 8."""
    for o in run.observations:
        yield o
        if o.cell.m == 1:
            yield dataclasses.replace(o, cell=Cell(o.cell.n, 8))


def test_what_is_zoomed_stays_zoomed(shown: Opened) -> None:
    """The zoom stays after a redraw."""
    shown.page.evaluate("document.querySelector('#raw').on('plotly_relayout', () => { window.zoomed = true; })")
    box = shown.page.locator("#raw .nsewdrag").bounding_box()
    assert box is not None
    shown.page.mouse.move(box["x"] + 20, box["y"] + 20)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
    shown.page.mouse.up()
    ranges = "JSON.stringify(document.querySelector('#raw')._fullLayout.xaxis.range)"
    zoomed = shown.page.evaluate(ranges)
    shown.page.click("#theme")
    assert shown.page.evaluate("window.zoomed")
    assert shown.page.evaluate(ranges) == zoomed


def test_a_run_without_values_says_so(loaded: Opened) -> None:
    """Nothing is drawn, and nothing fails."""
    empty = dataclasses.replace(scripted_run(), observations=())
    found = again(loaded, empty)
    assert found.page.inner_text("#state") == "Nothing was measured yet."
    assert not found.page.locator("main").is_visible()
    assert found.complaints == []


def test_a_live_report_follows_the_sweep(browser: Browser, run: Run, tmp_path: Path) -> None:
    """The page begins empty, cells appear as they are measured, the selection stays; requests go to its server only."""
    folder = tmp_path / "growing"
    shutil.copytree(run.folder, folder)
    lines = (folder / "journal.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "journal.jsonl").write_text("".join(lines[:3]), encoding="utf-8")
    with serve([folder]) as address, opened(browser, address) as found:
        assert found.page.inner_text("#state") == "Nothing was measured yet."
        for end, words in ((len(lines) - 20, "of 7 cells"), (len(lines), "Of 9 cells")):
            (folder / "journal.jsonl").write_text("".join(lines[:end]), encoding="utf-8")
            found.page.locator("#words li", has_text=words).wait_for(timeout=60_000)
            if end < len(lines):
                found.page.select_option("#one", "bracketed")
        assert found.page.locator("#one").input_value() == "bracketed"
        assert found.complaints == []
        assert all(request.startswith(address) for request in found.requests)
