"""Other tools can read the exports."""

import csv
import math
import subprocess
import sys
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path

import pandas as pd
import pytest

import fwdrev
from fwdrev.modes.errors import NothingMeasuredError, UnavailableError
from fwdrev.results import to_costs, to_csv, to_pyperf
from fwdrev.results.runs import export
from fwdrev.results.runs.export import to_crossovers, to_parquet
from tests.command import expect_one_line, fwdrev as command
from tests.scripted import on_disk, on_machines, scripted_run


@pytest.mark.parametrize("command", [["show"], ["check"], ["compare_to", "FILE"], ["stats"]])
def test_pyperf_reads_the_file(tmp_path: Path, command: list[str]) -> None:
    """pyperf's commands show, check and compare_to succeed."""
    path = tmp_path / "run.json"
    path.write_text(to_pyperf(scripted_run(noise=0.05, inputs="8,64", outputs="4")))
    arguments = [command[0], str(path), *[str(path) for _ in command[1:]]]
    done = subprocess.run([sys.executable, "-m", "pyperf", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_one_pyperf_run_per_round(tmp_path: Path) -> None:
    """Each has the same number of values, under a name with the cell and the engine."""
    import pyperf

    path = tmp_path / "run.json"
    path.write_text(to_pyperf(scripted_run(noise=0.05, inputs="8", outputs="4")))
    suite = pyperf.BenchmarkSuite.load(str(path))
    assert suite.get_benchmark_names() == [f"driven wrt theta n=8 m=4 {name}" for name in ("forward", "reverse")]
    for benchmark in suite:
        assert [len(run.values) for run in benchmark.get_runs()] == [5] * 5


def test_csv_has_a_row_for_each_block() -> None:
    """The file also has a header."""
    rows = list(csv.DictReader(StringIO(to_csv(scripted_run(inputs="8", outputs="4")))))
    assert len(rows) == 5 * 2 * 5
    assert set(rows[0]) == {"round", "n", "m", "engine", "block", "loops", "seconds"}


def test_parquet_has_what_csv_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts, and with the types."""
    pytest.importorskip("pyarrow")
    monkeypatch.setattr(export, "_ARMS", 3)
    with pytest.raises(NothingMeasuredError, match="no measured values to export"):
        to_parquet(replace(scripted_run(), observations=()))
    run = on_machines(scripted_run(engines=("forward", "null"), inputs="8,64", outputs="4"), ("a", "null"))
    table = pd.read_parquet(BytesIO(to_parquet(run)))
    assert {str(kind) for kind in table.dtypes[["engine", "machine"]]} == {"category"}
    assert set(table["engine"]) == {"forward", "noop"}
    assert set(table["machine"]) == {"a", "null"}
    written = pd.read_csv(StringIO(to_csv(run))).replace("'null", "null")
    pd.testing.assert_frame_equal(table.astype({"engine": str, "machine": str}), written, check_exact=False)


def test_parquet_needs_pyarrow_and_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is said in one line."""
    folder = on_disk(tmp_path / "run", scripted_run())
    expect_one_line(command("export", folder, "--format", "parquet"), 2, "give --out FILE.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UnavailableError, match=r"pip install 'fwdrev\[parquet\]'"):
        to_parquet(scripted_run())


def test_costs_are_one_line_per_engine_and_cell() -> None:
    """Memory is in bytes; unmeasured fields are empty."""
    rows = list(csv.DictReader(StringIO(to_costs(scripted_run(inputs="8,64", outputs="4")))))
    assert [(row["n"], row["engine"]) for row in rows] == [
        ("8", "forward"), ("8", "reverse"), ("64", "forward"), ("64", "reverse"),
    ]  # fmt: skip
    assert {row["allocated_bytes"] for row in rows} == {str(8.0 * 8 * 4), str(8.0 * 64 * 4)} or {
        row["allocated_bytes"] for row in rows
    } == {str(8 * 8 * 4), str(8 * 64 * 4)}
    assert {row["flops"] for row in rows} == {""}


def test_crossovers_are_one_line_for_each_line_of_the_plane() -> None:
    """Crossovers are solved for m at each n and for n at each m, with the record's numbers, or empty if none."""
    run = scripted_run(noise=0.02, shift=0.01)
    found = fwdrev.crossover(run)
    table = pd.read_csv(StringIO(to_crossovers(run)))
    assert len(table) == len(found.in_m) + len(found.in_n)
    for solved_for, at, crossings in (("m", "n", found.in_m), ("n", "m", found.in_n)):
        rows = table[table["solved_for"] == solved_for].set_index(at)
        assert list(rows.index) == list(crossings)
        for size, crossing in crossings.items():
            row = rows.loc[size]
            assert (row["first"], row["second"], row["cheaper_below"]) == ("forward", "reverse", crossing.cheaper)
            assert row["status"] == crossing.status.value
            assert math.isnan(float(str(row[solved_for]))) == (crossing.size is None)
            if crossing.size is not None:
                expected = (crossing.size.point, crossing.size.low, crossing.size.high)
                assert tuple(row[[solved_for, "low", "high"]]) == pytest.approx(expected)
    assert table["m"].notna().sum() > len(found.in_n), "some lines cross"
    assert "reverse,forward,m," in to_crossovers(run, [("reverse", "forward")])


def test_the_crossover_of_a_folder(tmp_path: Path) -> None:
    """The path of the folder suffices, with the pair as text or as a tuple; a folder without a run is refused."""
    run = on_disk(tmp_path / "run", scripted_run(noise=0.02, shift=0.01))
    whole = fwdrev.crossover(run)
    assert whole == fwdrev.crossover(str(run), ("forward", "reverse")) == fwdrev.crossover(fwdrev.load(run))
    assert whole.law is not None
    assert fwdrev.crossover(run, level=0.5).in_m[64].size != whole.in_m[64].size
    with pytest.raises(fwdrev.InputError, match="name two different engines"):
        fwdrev.crossover(run, "forward")
    with pytest.raises(fwdrev.InputError, match="is not a run"):
        fwdrev.crossover(tmp_path / "none")


def test_the_default_pair_is_measured(tmp_path: Path) -> None:
    """It is forward and reverse if measured, else a pair of one library; a run without times says how to go on."""
    engines = ("jax-jvp", "jax-vjp", "forward", "reverse")
    assert fwdrev.crossover(scripted_run(engines=engines)).pair == ("forward", "reverse")
    assert fwdrev.crossover(scripted_run(engines=engines[:3])).pair == ("jax-jvp", "jax-vjp")
    empty = replace(scripted_run(), folder=tmp_path / "run", observations=())
    with pytest.raises(
        fwdrev.FwdrevError, match=r"nothing is measured yet; go on with: fwdrev sweep --resume \S+/run$"
    ):
        fwdrev.crossover(empty)
