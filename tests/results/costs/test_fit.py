"""The cost model: it finds known rates, its tables reproduce their data, its files are checked."""

import json
import math
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fwdrev.bench import Cell, Sweep, SweepSpec
from fwdrev.bench.machine.facts import fingerprint
from fwdrev.bench.timing.primitives import measure_tables
from fwdrev.modes import InputError, NothingMeasuredError, engine, problem
from fwdrev.modes.bracketing.machine_prices import Rates, Seconds, Table
from fwdrev.modes.core.cost import Cost, Kind
from fwdrev.modes.core.engine import Direction
from fwdrev.results import Run, load, log_count_ratios, log_ratios
from fwdrev.results.costs.calibration import (
    Calibration,
    calibrated,
    calibration_path,
    read_calibration,
    save_calibration,
)
from fwdrev.results.costs.fit import fit_rates, predicted_seconds
from fwdrev.results.costs.prediction import prediction
from tests.command import TINY, expect_one_line, fwdrev
from tests.doubles.scripted_executor import ScriptedExecutor
from tests.doubles.workers_here import workers_here
from tests.scripted import on_disk, scripted_run

PAIR = ("forward", "reverse")
MACHINE = {"cpu_model_name": "tested", "versions": {"numpy": "2"}}


def _product_seconds(rows: int, inner: int, columns: int) -> float:
    return 1e-6 + 3e-11 * rows * inner * columns


def _tables() -> dict[str, Table]:
    """Tables of a machine with a simple formula, at powers of two up to 4096."""
    sizes = [2**a for a in range(13)]
    products = [[[_product_seconds(r, i, c) for c in sizes] for i in sizes] for r in sizes]
    others = [[5e-7 + 4e-10 * r * c for c in sizes] for r in sizes]
    kinds = ("push", "pull", "pull fresh")
    return {kind: Table(products) for kind in kinds} | {
        kind: Table(others) for kind in ("scale rows", "scale columns", "outer", "copy")
    }


TRUE = Seconds(
    _tables(),
    {
        "forward": Rates(layer=2e-6, value=1e-10, operation=4e-7, table=1.1, cold_byte=2e-11),
        "reverse": Rates(layer=2e-6, value=1e-10, operation=2e-7, table=1.1, cold_byte=2e-11),
        "bracketed": Rates(layer=2e-6, value=1e-10, operation=3e-7, table=1.1, cold_byte=2e-11),
        "jax-jvp": Rates(call=2e-5, multiply_add=3e-11, byte=1e-12),
    },
)


def _run(prices: Seconds = TRUE, **fields: Any) -> Run:
    """A run whose times follow these prices."""
    made = scripted_run(rounds=2, **({"inputs": "4:1024:*4", "outputs": "1:1024:*4"} | fields))

    def seconds(name: str, cell: Cell) -> float:
        found = predicted_seconds(prices, name, made.spec.problem_at(cell), made)
        assert found is not None
        return found

    executor = ScriptedExecutor(made.spec.engines, seconds)
    return replace(made, observations=tuple(Sweep(made.spec, executor)), machine=MACHINE)


def test_tables_are_what_they_were_made_of() -> None:
    """Tables are exact at powers of two, between the neighbours elsewhere, and proportional beyond the largest size."""
    table = Table([[1.0, 2.0, 4.0], [2.0, 4.0, None]])
    assert table.seconds((1, 4)) == pytest.approx(4)
    assert table.seconds((2, 2)) == pytest.approx(4)
    assert table.seconds((1, 3)) == pytest.approx(3)
    assert table.seconds((2, 4)) == pytest.approx(8)
    assert table.seconds((8, 2)) == pytest.approx(16)
    assert table.seconds((1, 2**20)) == pytest.approx(2**20)


def test_measured_tables_hold_every_kind() -> None:
    """All kinds of operations have positive times, which are larger for a thousand times more work."""
    tables = measure_tables(0.05)
    assert set(tables) == {"push", "pull", "pull fresh", "scale rows", "scale columns", "outer", "copy"}
    assert {str(kind) for kind in Kind} - set(tables) == {"other"}
    for kind in ("push", "pull", "pull fresh"):
        assert tables[kind][8][8][8] > tables[kind][1][1][1] > 0
        assert tables[kind][10][9][12] is None
    assert tables["copy"][10][11] > tables["copy"][0][0] > 0


def test_fit_finds_the_rates() -> None:
    """From runs of two shapes it predicts an unseen third one exactly."""
    runs = [_run(options={"depth": depth, "width": width}) for depth, width in ((2, 96), (5, 32))]
    fit = fit_rates(runs, Seconds(_tables(), {}))
    assert max(fit.error.values()) < 1e-6
    unseen = _run(options={"depth": 4, "width": 64})
    found = prediction(unseen, PAIR, fit.seconds)
    assert found is not None
    assert found.errors
    assert found.worst_error == pytest.approx(0, abs=1e-6)
    assert found.right == found.decided > 0


def test_compiled_engines_go_by_their_counts() -> None:
    """JAX's engines have no operations of ours in their rates."""
    run = _run(engines=["forward", "jax-jvp"])
    fit = fit_rates([run], Seconds(_tables(), {}))
    assert fit.seconds.rates["jax-jvp"].table == 0
    assert fit.error["jax-jvp"] < 1e-6


def test_a_wrong_prediction_is_reported() -> None:
    """Reverse ten times too cheap gives other winners, and wrong crossovers."""
    slow = TRUE.rates["reverse"]
    cheap = replace(slow, layer=slow.layer / 10, table=slow.table / 10, value=0.0)
    found = prediction(_run(), PAIR, Seconds(TRUE.tables, dict(TRUE.rates) | {"reverse": cheap}))
    assert found is not None
    assert found.right < found.decided


def test_nothing_measured_is_refused() -> None:
    """A run without times cannot be fitted."""
    empty = replace(_run(), observations=())
    with pytest.raises(NothingMeasuredError, match="nothing can be fitted"):
        fit_rates([empty], Seconds(_tables(), {}))


def test_plans_follow_the_prices() -> None:
    """If pushing is a thousand times too expensive, a tall chain is not pushed, though forward has fewer operations."""
    p = problem("driven", n=8, m=64)
    assert engine("bracketed").priced(TRUE).plan(p.chain, "theta").direction is not Direction.REVERSE  # type: ignore[attr-defined]
    dear = [[[1e-3] * 13] * 13] * 13
    prices = Seconds(_tables() | {"push": Table(dear)}, TRUE.rates)
    plan = engine("bracketed").priced(prices).plan(p.chain, "theta")  # type: ignore[attr-defined]
    assert plan.direction is not Direction.FORWARD
    assert plan.forward > 10 * plan.price


def test_prices_of_a_batch_are_those_of_its_products() -> None:
    """Repeating an operation multiplies its time."""
    cost = Cost.product(8, 4, 2)
    assert TRUE.total(cost * 3) == pytest.approx(3 * TRUE.total(cost))
    assert TRUE.total(cost) == pytest.approx(_product_seconds(8, 4, 2))


def _calibration(machine: dict[str, Any] = MACHINE) -> Calibration:
    return Calibration(seconds=TRUE, error={"forward": 0.1}, created="2026-01-01T00:00:00+00:00", machine=machine)


def test_calibrations_are_kept_for_each_machine() -> None:
    """A saved calibration is read again, for that machine and those versions only."""
    save_calibration(_calibration(), calibration_path(MACHINE))
    found = calibrated(MACHINE)
    assert found is not None
    assert found.seconds.rates == TRUE.rates
    assert found.seconds.tables["push"].seconds((8, 8, 8)) == pytest.approx(_product_seconds(8, 8, 8))
    assert calibrated(MACHINE | {"cpu_model_name": "other"}) is None
    assert calibrated(MACHINE | {"versions": {"numpy": "3"}}) is None


TABLES: list[Any] = [
    *([], [[]], [[[]]], [[None]], [[[None]]], [[[[1.0]]]], [1.0]),
    *([[["1"]]], [[[True]]], [[[1e300]]]),
]
EMPTY: dict[str, Any] = {"format": 1, "created": "", "machine": {}, "tables": {}, "rates": {}, "error": {}}
BROKEN = [
    "",
    "[]",
    "[" * 5000,
    json.dumps(EMPTY | {"format": 99}),
    json.dumps(EMPTY | {"tables": {"push": [-1]}}),
    json.dumps(EMPTY | {"rates": {"forward": {"nonsense": 1}}}),
    json.dumps(EMPTY | {"rates": {"forward": {"call": -1.0}}}),
    json.dumps(EMPTY | {"rates": {"forward": {"call": float("nan")}}}),
    json.dumps(EMPTY | {"error": {"forward": float("inf")}}),
    *(json.dumps(EMPTY | {"tables": {kind: table}}) for kind in ("push", "copy") for table in TABLES),
    json.dumps(EMPTY | {"tables": {"push": [[1.0]], "copy": [[1.0]]}}),
    json.dumps(EMPTY | {"tables": {"copy": [[[1.0]]]}}),
    json.dumps(EMPTY | {"tables": {"push": {"0": 1.0}}}),
    "\0\1\2",
    "\ufeff",
]


@pytest.mark.parametrize("text", BROKEN)
def test_broken_calibrations_are_refused(tmp_path: Path, text: str) -> None:
    """One line names the file and the remedy; the machine counts as not calibrated."""
    path = tmp_path / "calibration.json"
    path.write_text(text)
    with pytest.raises(InputError, match="run `fwdrev calibrate`"):
        read_calibration(path)


def test_what_is_read_can_be_computed_with(tmp_path: Path) -> None:
    """Lists may have any lengths, after a byte-order mark: each size has a price."""
    path = tmp_path / "calibration.json"
    tables = {"push": [[[1e-6, None], []], [[]]], "copy": [[1e-7]]}
    path.write_text("\ufeff" + json.dumps(EMPTY | {"tables": tables}))
    found = read_calibration(path).seconds.tables
    assert found["push"].seconds((1, 1, 1)) == pytest.approx(1e-6)
    assert found["push"].seconds((4, 2, 1024)) == pytest.approx(1e-6 * 4 * 2 * 1024)
    assert found["copy"].seconds((2**19, 3)) == pytest.approx(1e-7 * 2**19 * 3)


def test_no_more_than_one_problem_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """The arrays of a cell may take half a gigabyte; only counts are kept."""
    run, alive, most = _run(), list[weakref.ref[Any]](), 0
    made = SweepSpec.problem_at

    def counted(spec: SweepSpec, cell: Cell) -> Any:
        nonlocal most
        found = made(spec, cell)
        alive.append(weakref.ref(found.chain))
        most = max(most, sum(each() is not None for each in alive))
        return found

    monkeypatch.setattr(SweepSpec, "problem_at", counted)
    fit = fit_rates([run, run], Seconds(_tables(), {}))
    assert (most, len(alive)) == (1, 2 * len(run.spec.cells))
    assert prediction(run, PAIR, fit.seconds) is not None
    assert (most, len(alive)) == (1, 3 * len(run.spec.cells))


def test_the_map_has_the_predicted_crossover() -> None:
    """The model's line lies where its prices meet."""
    from fwdrev.plots import lay_out_map

    run = _run()
    found = prediction(run, PAIR, TRUE)
    assert found is not None
    layout = lay_out_map(log_ratios(run, PAIR), log_count_ratios(run, PAIR), found.ratios)
    assert layout.expected
    assert layout.expected == pytest.approx({n: e.point for n, e in layout.points.items()})
    assert lay_out_map(log_ratios(run, PAIR), log_count_ratios(run, PAIR)).expected == {}


def test_a_run_of_a_calibrated_machine_shows_the_prediction(tmp_path: Path) -> None:
    """`crossover` shows it, in words and in JSON."""
    save_calibration(_calibration(), calibration_path(MACHINE))
    made, folder = _run(), tmp_path / "run"
    on_disk(folder, made)
    done = fwdrev("crossover", folder)
    assert "off by 0% in the median" in done.stdout
    data = json.loads(fwdrev("crossover", folder, "--json").stdout)
    assert data["prediction"]["right"] == data["prediction"]["decided"]


@pytest.mark.long
def test_a_run_of_a_calibrated_machine_has_a_figure_of_the_prediction(tmp_path: Path) -> None:
    """`plot` draws it beside the others."""
    save_calibration(_calibration(), calibration_path(MACHINE))
    on_disk(tmp_path / "run", _run())
    assert "predicted-forward-reverse.svg" in fwdrev("plot", tmp_path / "run").stdout


def test_planning_by_seconds_needs_a_calibration(tmp_path: Path) -> None:
    """One line says how to get one; nothing is measured."""
    done = fwdrev("sweep", "--engines", "forward,bracketed", "--prices", "seconds", "--out", "run", cwd=tmp_path)
    expect_one_line(done, 2, "run `fwdrev calibrate` first")
    assert not (tmp_path / "run").exists()


def test_calibrate_saves_what_fits_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds the rates of a run of this machine, and later commands read them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    values = {kind: table.values for kind, table in _tables().items()}
    monkeypatch.setattr("fwdrev.bench.timing.primitives.measure_tables", lambda _: values)
    machine = fingerprint(threads=1)
    on_disk(tmp_path / "run", replace(_run(), machine=machine))
    done = fwdrev("calibrate", tmp_path / "run", "--json")
    assert done.returncode == 0, done.stderr
    assert max(json.loads(done.stdout)["error"].values()) < 1e-6
    found = calibrated(machine)
    assert found is not None
    assert found.seconds.rates.keys() == {*PAIR, "bracketed"}


@pytest.mark.long
def test_calibrate_fits_to_a_run_and_sweeps_plan_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Later sweeps with a mixed mode plan by seconds, store the prices, and resume with them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    values = {kind: table.values for kind, table in _tables().items()}
    monkeypatch.setattr("fwdrev.bench.timing.primitives.measure_tables", lambda _: values)
    tiny = (*TINY, "--engines=forward,reverse,bracketed")
    with workers_here():
        assert fwdrev(*TINY, "--out", "first").returncode == 0
        done = fwdrev("calibrate", "first", "--json")
        assert done.returncode == 0, done.stderr
        assert all(math.isfinite(error) for error in json.loads(done.stdout)["error"].values())
        assert fwdrev(*tiny, "--out", "second").returncode == 0
        assert load(tmp_path / "second").spec.prices == "seconds"
        kept = (tmp_path / "second" / "calibration.json").read_text()
        assert fwdrev("sweep", "--resume", "second", "--rounds", "4").returncode == 0
        assert (tmp_path / "second" / "calibration.json").read_text() == kept
        assert fwdrev(*tiny, "--prices", "operations", "--out", "third").returncode == 0
    assert load(tmp_path / "third").spec.prices == "operations"


def test_runs_of_another_machine_are_not_fitted_to(tmp_path: Path) -> None:
    """One line refuses them before measuring."""
    made, folder = _run(), tmp_path / "run"
    on_disk(folder, made)
    expect_one_line(fwdrev("calibrate", folder), 2, "give runs of this one")
