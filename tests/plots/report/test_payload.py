"""The content of a report as data: its numbers are those of the run, and the document makes no requests."""

import base64
import hashlib
import json
import math
import re
import tomllib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fwdrev.bench.records.spec import Protocol, make_spec
from fwdrev.modes.core.arrays import AnyArray
from fwdrev.plots import caption
from fwdrev.plots.report import payload
from fwdrev.plots.report.page import MARKER, report_data, report_page
from fwdrev.plots.report.payload import run_payload
from fwdrev.results import Run, crossover, log_ratios, scores, timed_blocks, times, winners
from fwdrev.results.runs.export import spec_toml
from tests.scripted import always, scripted_run, with_memory

PAIR = ("forward", "reverse")


@pytest.fixture(scope="module")
def run() -> Run:
    """A run with noise, so that there are intervals."""
    return with_memory(scripted_run(noise=0.02, shift=0.02), always(1000), always(2000))


@pytest.fixture(scope="module")
def data(run: Run) -> dict[str, Any]:
    """The data of its report."""
    return run_payload(run)


def unpacked(packed: dict[str, str]) -> AnyArray:
    """Unpacks data as the browser does."""
    return np.frombuffer(base64.b64decode(packed["base64"]), np.dtype("<" + packed["type"]))


def cells(data: dict[str, Any]) -> list[tuple[int, int]]:
    """(n, m) of every cell, in the order of the columns."""
    return list(zip(*(unpacked(data["cells"][size]).tolist() for size in ("n", "m")), strict=True))


def test_columns_are_the_times_and_the_costs(run: Run, data: dict[str, Any]) -> None:
    """Each engine has them cell by cell."""
    table = times(run).set_index(["n", "m", "engine"])
    assert [engine["name"] for engine in data["engines"]] == list(PAIR)
    for name, column in zip(PAIR, data["columns"], strict=True):
        for key, known in (("time", "point"), ("low", "low"), ("high", "high")):
            expected = np.array([table.loc[(n, m, name), known] for n, m in cells(data)], dtype=float)
            np.testing.assert_allclose(unpacked(column[key]), expected, rtol=1e-6)
        assert set(unpacked(column["peak_bytes"])) == {1000}
        assert set(unpacked(column["allocated_bytes"])) == {2000}
        assert np.isnan(unpacked(column["program_bytes"])).all()


def test_pairs_are_ratios_crossovers_and_scores(run: Run, data: dict[str, Any]) -> None:
    """The numbers equal `log_ratios`, `crossover` and `scores`."""
    (pair,) = data["pairs"]
    ratios = log_ratios(run, PAIR)
    found = crossover(ratios)
    expected = [math.exp(ratios.table[n, m].mean()) for n, m in cells(data)]
    np.testing.assert_allclose(unpacked(pair["point"]), expected, rtol=1e-6)
    assert (unpacked(pair["low"]) < unpacked(pair["point"])).all()
    assert (unpacked(pair["high"]) > unpacked(pair["point"])).all()
    known = {n: c.size.point for n, c in found.in_m.items() if c.size is not None}
    assert {each["n"]: each["point"] for each in pair["crossover"]} == known
    rules = [score.to_json() for score in scores(ratios)]
    assert [rule for rule in pair["rules"] if rule["rule"] != "operation counts"] == rules
    assert len(pair["rules"]) == len(rules) + 1
    assert pair["words"][0].startswith("Below m ≈ ")


def test_winners_are_the_fastest(run: Run, data: dict[str, Any]) -> None:
    """Each cell has the index of its engine."""
    table = winners(timed_blocks(run))
    assert [PAIR[i] for i in unpacked(data["winners"]["engine"])] == table["engine"].tolist()
    np.testing.assert_allclose(unpacked(data["winners"]["point"]), table["point"].to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("most", [10**6, 1])
def test_values_are_all_blocks_or_the_median_of_each_round(
    run: Run, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The values' axes are (cells, engines, rounds, blocks); a large run has one number per round, and says so."""
    monkeypatch.setattr(payload, "MOST_VALUES", most)
    data = run_payload(run)
    values, at = data["values"], cells(data)
    assert values["whole"] is (most > 1)
    assert values["blocks"] == (5 if values["whole"] else 1)
    seconds = unpacked(values["seconds"]).reshape(len(at), 2, 5, values["blocks"])
    for o in run.observations:
        if o.round >= 0:
            cell = unpacked(values["row"])[at.index((o.cell.n, o.cell.m))]
            for i, name in enumerate(PAIR):
                known = o.arms[name].values
                expected = known if values["whole"] else np.median(known)
                np.testing.assert_allclose(seconds[cell, i, o.round], expected, rtol=1e-6)


def test_the_specification_measures_the_same_again(run: Run) -> None:
    """`fwdrev sweep --spec` reads the file in the report as the run's own specification."""
    for spec in (run.spec, make_spec({"options": {"depth": 3, "n_of": "x"}, "precision": 0.05, "memory_limit": "1GB"})):
        assert make_spec(tomllib.loads(spec_toml(spec))) == spec


def test_rounds_are_those_of_the_captions(run: Run) -> None:
    """The rounds are the fewest and the most of any cell, with the run that they belong to."""
    first = run.spec.cells[0]
    seen = tuple(o for o in run.observations if o.cell != first or o.round < 2)
    spec = run.spec.model_copy(update={"protocol": Protocol.PYPERF})
    for one, text in (
        (run, "5 rounds in fresh processes"),
        (replace(run, observations=seen, spec=spec), "2 to 5 rounds of pyperf in fresh processes"),
    ):
        assert run_payload(one)["processes"] == text
        assert text in caption(one)


def test_the_specification_has_any_text(run: Run) -> None:
    """A problem's options may have quotes, control characters and letters beyond 16 bits."""
    options = {text: text for text in ("\U0001f600", "\x00\n\x7f\x80\u2028", "\"'\\ # = [x]", "")}
    spec = run.spec.model_copy(update={"options": options})
    assert tomllib.loads(spec_toml(spec))["options"] == options


def test_only_its_own_scripts_may_run(run: Run) -> None:
    """The policy lists their hashes; the page's own part has no other address, and cannot send anything."""
    page = report_page([run])
    assert page.startswith(MARKER)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert re.findall(r"'sha256-([^']+)'", policy[1]) == hashes
    assert len(hashes) == 2
    assert "default-src 'none'" in policy[1]
    assert "connect-src 'none'" in policy[1]
    assert "connect-src 'self'" in report_page([run], live=True)
    assert "://" not in page.replace(scripts[0], "")


def test_data_cannot_end_a_script(run: Run) -> None:
    """The data contain no tag, and are strict JSON."""
    text = report_data([run])
    assert "<" not in text
    assert json.loads(text, parse_constant=pytest.fail)["runs"][0]["machine"]["cpu_model_name"].startswith("a <script>")
